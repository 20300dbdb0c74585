import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startRedis } from '../../hack/servers/redis.ts';
import { hashNumber, settingsHash } from '../../operator/api/runtime-hash.ts';
import { defaultSettings } from '../../operator/runtime/runtime.ts';
import { startService, type ServiceProcess } from '../workload/service-process.ts';
import { eventually } from '../world/eventually.ts';
import { seriesOf } from '../world/metrics-page.ts';

const timed = async (url: string, init?: RequestInit) => {
  const started = performance.now();
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body, ms: performance.now() - started };
};
const workflow = ({ url }: ServiceProcess, query = '') =>
  timed(`${url}/api/workflow${query}`, { method: 'POST', body: '{}' });

/** Every sample of the metrics page, by its name and labels as they stand. */
async function samples({ metricsUrl }: ServiceProcess): Promise<ReadonlyMap<string, number>> {
  return seriesOf(await (await fetch(metricsUrl)).text());
}

describe('a workflow', () => {
  test('takes its service time, and waits in turn for one of the slots', async () => {
    await using service = await startService({
      WORKFLOW_SLOTS: '2',
      WORKFLOW_MEAN_MS: '300',
      WORKFLOW_CV: '0',
      WORKFLOW_CPU_MS: '0',
    });
    const answers = await Promise.all(Array.from({ length: 6 }, () => workflow(service)));
    const rounds = answers.map(({ ms }) => Math.round(ms / 300)).toSorted((a, b) => a - b);
    expect(rounds).toEqual([1, 1, 2, 2, 3, 3]);
    const metrics = await samples(service);
    expect(metrics.get('generation_workflow_duration_seconds_count')).toBe(6);
    expect(metrics.get('generation_workflow_duration_seconds_sum')).toBeCloseTo(3.6, 0); // 2 × (0.3 + 0.6 + 0.9)
  });

  test('shows who works and who waits', async () => {
    await using service = await startService({ WORKFLOW_SLOTS: '2', WORKFLOW_MEAN_MS: '2000', WORKFLOW_CV: '0' });
    const running = Array.from({ length: 5 }, () => workflow(service));
    await eventually(async () => {
      const metrics = await samples(service);
      expect(metrics.get('generation_workflows_in_flight')).toBe(2);
      expect(metrics.get('generation_queue_length')).toBe(3);
    });
    const { body } = await timed(`${service.url}/api/monitoring/metrics`);
    expect(body).toMatchObject({ metrics: { workflows_in_flight: 2, queue_length: 3 } });
    await Promise.all(running);
  });

  test('burns the CPU time that it states', async () => {
    await using service = await startService({ WORKFLOW_MEAN_MS: '200', WORKFLOW_CV: '0', WORKFLOW_CPU_MS: '100' });
    const before = (await samples(service)).get('process_cpu_seconds_total') ?? Number.NaN;
    for (let count = 0; count < 10; count += 1) await workflow(service);
    const after = (await samples(service)).get('process_cpu_seconds_total') ?? Number.NaN;
    expect(after - before).toBeGreaterThan(0.7); // 10 × 100 ms, and some for HTTP
    expect(after - before).toBeLessThan(1.6);
  });

  test('is given up with 503 when no slot becomes free in time, and counts with the time it waited', async () => {
    await using service = await startService({
      WORKFLOW_SLOTS: '1',
      WORKFLOW_MEAN_MS: '1500',
      WORKFLOW_CV: '0',
      WORKFLOW_GIVE_UP_MS: '300',
    });
    const [first, second] = await Promise.all([workflow(service), workflow(service)]);
    expect([first.status, second.status].toSorted((a, b) => a - b)).toEqual([200, 503]);
    const refused = first.status === 503 ? first : second;
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.ms).toBeGreaterThanOrEqual(290);
    expect((await samples(service)).get('generation_workflow_duration_seconds_bucket{le="0.5"}')).toBe(1);
  });

  test('is told what is wrong with its query', async () => {
    await using service = await startService();
    expect(await workflow(service, '?cv=-1')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('cv is "-1"') },
    });
  });
});

test('SIGTERM: no longer ready, but what is in flight is answered before the process ends with 0', async () => {
  await using service = await startService({ WORKFLOW_MEAN_MS: '1500', WORKFLOW_CV: '0' });
  const inFlight = workflow(service);
  await eventually(async () => expect((await samples(service)).get('generation_workflows_in_flight')).toBe(1));
  const ended = service.terminate();
  await eventually(async () => expect((await fetch(`${service.url}/readyz`)).status).toBe(503));
  expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  expect(await inFlight).toMatchObject({ status: 200 });
  expect(await ended).toBe(0);
});

test('SIGTERM: what takes longer than the drain time is cut off', async () => {
  await using service = await startService({ WORKFLOW_MEAN_MS: '60000', WORKFLOW_CV: '0', DRAIN_MS: '200' });
  const inFlight = workflow(service).catch((error: unknown) => error);
  await eventually(async () => expect((await samples(service)).get('generation_workflows_in_flight')).toBe(1));
  expect(await service.terminate()).toBe(0);
  expect(await inFlight).toMatchObject({ status: 503 });
});

describe('an item', () => {
  test('is loaded once and then comes from Redis, marked as a hit', async () => {
    await using redis = await startRedis({ config: { requirepass: 'secret' } });
    await using service = await startService({
      ...addressOf(redis.port),
      REDIS_PASSWORD: 'secret',
      ITEM_LOAD_MS: '400',
    });
    const get = (id: string) => timed(`${service.url}/api/item/${id}`);
    await eventually(async () => expect((await get('first')).headers.get('x-cache')).toBe('hit')); // it is connected
    const counted = async () => {
      const metrics = await samples(service);
      const { statistics, redis: server } = (await cacheOf(service)) as Record<string, Record<string, number>>;
      const answered = [...metrics].filter(([name]) =>
        /^http_server_request_duration_seconds_count.*cache="hit"/.test(name),
      );
      return [
        metrics.get('generation_cache_requests_total{level="l2",result="hit"}'),
        metrics.get('generation_cache_requests_total{level="l2",result="miss"}'),
        statistics?.['hits'],
        statistics?.['misses'],
        server?.['keyspace_hits'],
        answered.reduce((sum, [, count]) => sum + count, 0),
      ].map(Number);
    };
    const before = await counted();

    const miss = await get('7');
    const hit = await get('7');

    expect([miss.headers.get('x-cache'), hit.headers.get('x-cache')]).toEqual(['miss', 'hit']);
    expect(hit.body).toEqual(miss.body);
    expect(hit.ms).toBeLessThan(miss.ms / 2);
    expect((await counted()).map((count, index) => count - (before[index] ?? Number.NaN))).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await cacheOf(service)).toMatchObject({ redis: { version: '7.0.15' } });
    expect(await redis.command('TTL', 'item:7')).toBeGreaterThan(265); // 300 s less a tenth at most
  });

  test('is served without Redis, while it hangs, and from it again when it is back', async () => {
    await using redis = await startRedis();
    await using service = await startService({ ...addressOf(redis.port), ITEM_LOAD_MS: '20' });
    const get = () => timed(`${service.url}/api/item/9`);
    await eventually(async () => expect((await get()).headers.get('x-cache')).toBe('hit'));

    redis.freeze();
    const hung = await get(); // answered while it hangs
    expect([hung.status, hung.headers.get('x-cache')]).toEqual([200, 'miss']);
    redis.thaw();

    await redis.kill();
    expect(await get()).toMatchObject({ status: 200 });
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    expect(await cacheOf(service)).toMatchObject({ redis: null });
    expect(
      (await samples(service)).get('generation_cache_requests_total{level="l2",result="error"}'),
    ).toBeGreaterThanOrEqual(2);

    await redis.restart();
    await eventually(async () => expect((await get()).headers.get('x-cache')).toBe('hit'));
  });
});

function addressOf(port: number): Readonly<Record<string, string>> {
  return { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port) };
}

async function cacheOf({ url }: ServiceProcess): Promise<Record<string, unknown>> {
  return (await timed(`${url}/api/cache/status`)).body;
}

describe('runtime settings', () => {
  test('are taken over while it runs: limits, caches and the hash that it says, and the last good ones stay', async () => {
    await using redis = await startRedis();
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'settings.json');
    await using service = await startService({
      ...addressOf(redis.port),
      RUNTIME_SETTINGS: file,
      ITEM_LOAD_MS: '20',
    });
    /** With a hash that is not that of the text: what the text has is said all the same. */
    const write = async (changes: Partial<typeof defaultSettings>) => {
      const settings = { ...defaultSettings, hash: '0000000000aa', ...changes };
      await writeFile(file, JSON.stringify(settings));
      return settingsHash(settings);
    };
    const says = (hash: string) =>
      eventually(async () =>
        expect((await samples(service)).get('generation_runtime_config_hash')).toBe(hashNumber(hash)),
      );
    expect((await samples(service)).get('generation_runtime_config_hash')).toBe(0); // not managed yet

    await says(await write({ pools: { ai_api: 5 } }));
    const limit = 'generation_pool_limit{pool="ai_api"}';
    expect((await samples(service)).get(limit)).toBe(5);
    const last = await write({ pools: { ai_api: 50 } });
    await says(last);
    expect((await samples(service)).get(limit)).toBe(50);

    const fromMemory = 'generation_cache_requests_total{level="l1",result="hit"}';
    await eventually(async () => {
      await timed(`${service.url}/api/item/7`);
      expect((await samples(service)).get(fromMemory)).toBeGreaterThan(0);
    });
    await writeFile(file, '{');
    await eventually(async () => expect(await service.log()).toContain('the last good ones stay in force'));
    await says(last);
  });

  test('hold ai_api to five of a hundred workflows at once', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'settings.json');
    await writeFile(file, JSON.stringify({ ...defaultSettings, hash: '0000000000aa' }));
    await using service = await startService({
      RUNTIME_SETTINGS: file,
      WORKFLOW_SLOTS: '100',
      WORKFLOW_MEAN_MS: '50',
      WORKFLOW_CV: '0',
      WORKFLOW_CPU_MS: '0',
    });
    const started = performance.now();
    const answers = Promise.all(Array.from({ length: 100 }, () => workflow(service)));
    const seen: number[] = [];
    const over = answers.then(() => true);
    while (!(await Promise.race([over, nextTurn(false)])))
      seen.push((await samples(service)).get('generation_pool_running{pool="ai_api"}') ?? Number.NaN);
    expect(Math.max(...seen)).toBe(5);
    expect(performance.now() - started).toBeGreaterThanOrEqual(990); // 20 rounds of 50 ms
  });
});

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'genops-workload-settings-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
