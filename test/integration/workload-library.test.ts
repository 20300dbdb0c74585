import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startPostgres } from '../../hack/servers/postgres.ts';
import { startRedis } from '../../hack/servers/redis.ts';
import { adminHeaders, adminPath, adminSignature, defaultSettings } from '../../operator/runtime/runtime.ts';
import { startService, type ServiceProcess } from '../workload/service-process.ts';
import type { BackendFigures } from '../workload/service/views.ts';
import { eventually } from '../world/eventually.ts';
import { seriesOf } from '../world/metrics-page.ts';
import { listening } from './source-world.ts';

const key = 'a secret of sixteen or more';
const managed = { ADMIN_KEY: key, POD_NAME: 'workflow-0' };

/** One action of the service, as the operator asks for it. */
async function act(
  { metricsUrl }: ServiceProcess,
  action: string,
  body = '',
): Promise<Readonly<Record<string, number>>> {
  const path = `${adminPath}${action}`;
  const request = {
    method: 'POST',
    path,
    time: String(Math.floor(Date.now() / 1_000)),
    nonce: randomBytes(16).toString('hex'),
    pod: managed.POD_NAME,
    body,
  };
  const headers = {
    [adminHeaders.time]: request.time,
    [adminHeaders.nonce]: request.nonce,
    [adminHeaders.pod]: request.pod,
    [adminHeaders.signature]: adminSignature(key, request),
  };
  const response = await fetch(new URL(path, metricsUrl), { method: 'POST', headers, body });
  const answer = (await response.json()) as { readonly result?: Readonly<Record<string, number>> };
  if (answer.result === undefined) throw new Error(JSON.stringify(answer));
  return answer.result;
}
const apply = (service: ServiceProcess, changes: Partial<typeof defaultSettings>) =>
  act(service, 'apply-settings', JSON.stringify({ ...defaultSettings, ...changes }));

const workflow = async ({ url }: ServiceProcess) => (await fetch(`${url}/api/workflow`, { method: 'POST' })).status;
const item = async ({ url }: ServiceProcess, id: string) => {
  const response = await fetch(`${url}/api/item/${id}`, { headers: { 'x-session': 'one' } });
  return { status: response.status, cache: response.headers.get('x-cache') };
};

/** The page of metrics: each series with what it says. */
async function figuresOf({ metricsUrl }: ServiceProcess): Promise<ReadonlyMap<string, number>> {
  return seriesOf(await (await fetch(metricsUrl)).text());
}

/** The model: answers after the time that it is asked for, and counts how many it is asked at once. */
async function startModel() {
  let [running, most] = [0, 0];
  const server = await listening((request, response) => {
    running += 1;
    most = Math.max(most, running);
    response.once('close', () => (running -= 1));
    const ms = Number(new URL(request.url ?? '/', 'http://model').searchParams.get('ms'));
    setTimeout(() => response.end('done'), ms);
  });
  return Object.assign(server, {
    mostSince: () => {
      const seen = most;
      most = running;
      return seen;
    },
  });
}

test('the reference workload asks model and database through the library, within limits that change while it runs', async () => {
  await using model = await startModel();
  await using postgres = await startPostgres();
  await using service = await startService({
    ...managed,
    CPU_POOL: '1',
    MODEL_URL: model.url,
    POSTGRES_URL: `postgres://postgres@${postgres.host}:${postgres.port}/postgres`,
    WORKFLOW_SLOTS: '60',
    WORKFLOW_MEAN_MS: '60',
    WORKFLOW_CV: '0',
    WORKFLOW_CPU_MS: '1',
    ITEM_LOAD_MS: '50',
  });
  const limits = (aiApi: number, perHost: number, max: number) =>
    apply(service, {
      pools: { ai_api: aiApi },
      batch: { maxRequests: 1, maxWaitMs: 0 },
      http: { ...defaultSettings.http, connectionsPerHost: perHost },
      postgresPool: { ...defaultSettings.postgresPool, min: 0, max },
      cpuPool: { threads: 1, memoEntries: 0 },
      queryMonitor: { slowAboveMs: 0, maxStatements: 10 },
    });
  const backends = async () =>
    (
      await postgres.query(
        "SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
      )
    )[0]?.['count'];
  const burst = async () => {
    const answers = [
      ...Array.from({ length: 40 }, () => workflow(service)),
      ...Array.from({ length: 40 }, async (_, index) => (await item(service, `${index}`)).status),
    ];
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
    return { model: model.mostSince(), database: await backends() };
  };
  await limits(50, 4, 3);
  expect(await burst()).toEqual({ model: 4, database: 3 }); // the host's limit binds
  const { hash } = await limits(2, 4, 6);
  expect(await burst()).toEqual({ model: 2, database: 6 }); // now that of ai_api
  expect(await service.log()).toContain('"statement":"SELECT pg_sleep(?)"');
  expect(Object.fromEntries(await figuresOf(service))).toMatchObject({
    generation_runtime_config_hash: hash,
    generation_workflow_duration_seconds_count: 80,
    'generation_pool_limit{pool="ai_api"}': 2,
    generation_cpu_pool_threads: 1,
    generation_batch_pending: 0,
    generation_http_pool_limit: 100,
    generation_http_pool_queued: 0,
    generation_postgres_pool_connections: 6,
    'generation_statement_calls_total{statement="SELECT pg_sleep(?)"}': 80,
    generation_memory_collections_total: 0,
    generation_cache_warmed_total: 0,
  });
});

test('it computes in places of the pool cpu, reads in those of io, and remembers as many results as it is told to', async () => {
  await using service = await startService({
    ...managed,
    CPU_POOL: '1',
    WORKFLOW_SLOTS: '60',
    WORKFLOW_MEAN_MS: '0',
    ITEM_LOAD_MS: '300',
  });
  const compute = (times: number, cpuMs: number) =>
    Promise.all(
      Array.from({ length: times }, () =>
        fetch(`${service.url}/api/workflow?meanMs=${cpuMs}&cv=0&cpuMs=${cpuMs}`, { method: 'POST' }),
      ),
    );
  const cpuPool = async () =>
    ((await (await fetch(`${service.url}/api/backends/status`)).json()) as BackendFigures).cpuPool;
  await compute(45, 1);
  expect(await cpuPool()).toEqual({ threads: 4, tasks: 45, remembered: 0 }); // nobody has told it anything
  await apply(service, { cpuPool: { threads: 2, memoEntries: 100 } });
  await compute(20, 1); // each of the twenty prompts
  await compute(20, 1);
  expect(await cpuPool()).toEqual({ threads: 2, tasks: 85, remembered: 20 });

  await apply(service, { pools: { cpu: 2, io: 3 }, batch: { maxRequests: 1, maxWaitMs: 0 } });
  const reads = Array.from({ length: 8 }, (_, index) => item(service, `${index}`));
  const over = Promise.all([compute(6, 150), ...reads]).then(() => true);
  const seen: { readonly cpu: number; readonly io: number }[] = [];
  while (!(await Promise.race([over, nextTurn(false)]))) {
    const figures = await figuresOf(service);
    const running = (pool: string) => figures.get(`generation_pool_running{pool="${pool}"}`) ?? NaN;
    seen.push({ cpu: running('cpu'), io: running('io') });
  }
  expect([Math.max(...seen.map(({ cpu }) => cpu)), Math.max(...seen.map(({ io }) => io))]).toEqual([2, 3]);
});

describe('a defect of the reference workload', () => {
  const megabyte = 2 ** 20;
  test('garbage is gone with a collection, a leak is not', async () => {
    await using littered = await startService({ ...managed, DEFECT_GARBAGE_MB: '60' });
    expect((await act(littered, 'collect-garbage'))['freedBytes']).toBeGreaterThan(30 * megabyte);
    await using leaking = await startService({ ...managed, DEFECT_LEAK_KB: '10000' });
    for (let count = 0; count < 8; count += 1) await item(leaking, '1');
    const { beforeBytes = 0, afterBytes } = await act(leaking, 'collect-garbage');
    expect(beforeBytes).toBeGreaterThan(120 * megabyte);
    expect(afterBytes).toBeGreaterThan(120 * megabyte);
  });

  test('a cold cache keeps nothing until it is warmed', async () => {
    await using redis = await startRedis();
    await using service = await startService({
      ...managed,
      DEFECT_COLD_CACHE: '1',
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(redis.port),
      ITEM_LOAD_MS: '5',
    });
    await apply(service, {});
    for (let turn = 0; turn < 3; turn += 1) expect((await item(service, '7')).cache).toBe('miss');
    expect(await act(service, 'warm-cache')).toEqual({ keys: 1 });
    expect((await item(service, '7')).cache).toBe('hit');
  });

  test('a hog takes its share of a core for each place of the pool cpu', async () => {
    await using service = await startService({ ...managed, DEFECT_HOG_PERCENT: '30' });
    const figure = async (name: string) => (await figuresOf(service)).get(name);
    const places = 'generation_pool_running{pool="cpu"}';
    await apply(service, {});
    await eventually(async () => expect(await figure(places)).toBe(2));
    const before = Number(await figure('process_cpu_seconds_total'));
    await eventually(async () =>
      expect(Number(await figure('process_cpu_seconds_total')) - before).toBeGreaterThan(0.5),
    );
    await apply(service, { pools: { cpu: 1 } });
    await eventually(async () => expect(await figure(places)).toBe(1));
  });
});
