import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { createAuthority as createCertificateAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import type { PostgresServer } from '../../hack/servers/postgres.ts';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import { main } from '../../operator/cli/main.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { openapi } from '../../operator/serve/openapi.ts';
import { viewPaths } from '../../operator/serve/view-routes.ts';
import { eventually } from '../world/eventually.ts';
import { soon, startPlane } from './kube-world.ts';
import { password, secretOf, startTuned } from './postgres-tuner.ts';
import { accounts, objects, secretValue, services } from './views-objects.ts';

const run = promisify(execFile);
const authority = createCertificateAuthority('views-ca');

let plane: ControlPlane;
let kube: Kube;
let folder: string;
let redis: RedisServer;
let postgres: PostgresServer;
let leader: Manager;
let follower: Manager;
/** Tokens by ServiceAccount. */
const tokens = new Map<string, string>();

beforeAll(async () => {
  plane = await startPlane();
  kube = connectKube(await loadConfig({ kubeconfig: plane.kubeconfigPath }), { userAgent: 'views-test' });
  redis = await startRedis({
    version: '7.0',
    config: { requirepass: secretValue, 'slowlog-log-slower-than': '100000' },
  });
  postgres = await startTuned({ version: '18' });
  await postgres.query('CREATE TABLE orders (id int PRIMARY KEY); CREATE INDEX by_id ON orders (id)');
  folder = await mkdtemp(join(tmpdir(), 'genops-views-'));
  const { certificate, key } = issueCertificate(
    { commonName: 'genops', names: ['genops.genops-system.svc', '127.0.0.1'] },
    authority,
  );
  await Promise.all([
    writeFile(join(folder, 'tls.crt'), certificate),
    writeFile(join(folder, 'tls.key'), key),
    writeFile(join(folder, 'ca.crt'), authority.certificate),
  ]);
  await kubectl(['apply', '--server-side', '-k', 'crds']);
  await kubectl(
    ['apply', '-f', '-'],
    objects({ redisPort: redis.port, postgres: secretOf(postgres) })
      .map((object) => stringify(object))
      .join('---\n'),
  );
  await kubectl(['wait', 'crd/generationservices.genops.dev', '--for=condition=Established', '--timeout=60s']);
  await kubectl(['apply', '-f', '-'], services.map((object) => stringify(object)).join('---\n'));
  for (const name of accounts) tokens.set(name, await tokenFor(name));
  leader = await startManager();
  await eventually(async () => expect(await leader.leads()).toBe(true));
  follower = await startManager();
}, 900_000);

afterAll(async () => {
  await follower[Symbol.asyncDispose]();
  await leader[Symbol.asyncDispose]();
  await kube[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function kubectl(args: readonly string[], input = ''): Promise<string> {
  const running = run(join(plane.binDir, 'kubectl'), ['--kubeconfig', plane.kubeconfigPath, ...args]);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

async function tokenFor(account: string, audiences?: readonly string[]): Promise<string> {
  const answer = (await kube.raw(
    {
      path: `/api/v1/namespaces/ai/serviceaccounts/${account}/token`,
      method: 'POST',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences } },
    },
    soon(),
  )) as { readonly status: { readonly token: string } };
  return answer.status.token;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Manager extends AsyncDisposable {
  leads(): Promise<boolean>;
  /** Over HTTPS; the certificate is verified. */
  ask(path: string, token?: string, options?: { readonly method?: string; readonly body?: string }): Promise<Answer>;
}

/** `genops manager`, as the chart starts it with views.enabled. */
async function startManager(flags: readonly string[] = []): Promise<Manager> {
  const [metrics, probes, port] = [await freePort(), await freePort(), await freePort()];
  const local = (number: number): string => `127.0.0.1:${number}`;
  const cluster = ['--kubeconfig', plane.kubeconfigPath, '--namespaces', 'ai,other', '--log-level', 'error'];
  const plain = ['--metrics-bind-address', local(metrics), '--health-probe-bind-address', local(probes)];
  const secure = ['--views', '--api-bind-address', local(port), '--tls-cert-dir', folder];
  const args = ['manager', ...cluster, ...plain, ...secure, '--advertise-address', '127.0.0.1', ...flags];
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const stop = new AbortController();
  const [out, err] = [{ write: () => true }, { write: (text: string) => process.stderr.write(text) }];
  const ended = main({ args, env: {}, out, err, signal: stop.signal });
  await eventually(async () => expect((await fetch(`http://127.0.0.1:${probes}/readyz`)).status).toBe(200));
  return {
    leads: async () => /^genops_leader 1$/m.test(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()),
    ask: (path, token, { method = 'GET', body = '' } = {}) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const where = {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers,
        ca: authority.certificate,
        agent,
      };
      const asked = request(where, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => {
          const isJson = response.headers['content-type'] === 'application/json';
          const parsed = isJson ? (JSON.parse(text) as Answer['body']) : {};
          resolve({ status: response.statusCode, headers: response.headers, text, body: parsed });
        });
      });
      asked.on('error', reject).end(body);
      return promise;
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('stopped'));
      agent.destroy();
      await ended;
    },
  };
}

const one = (namespace: string) => `/namespaces/${namespace}/generationservices/generation`;
const status = `${one('ai')}/api/performance/status`;
const token = (account: string): string => tokens.get(account) ?? '';

describe.each(['the leader', 'a follower, which asks the leader'])('%s', (who) => {
  const asked = (): Manager => (who === 'the leader' ? leader : follower);

  test('answers who may get the views of the namespace', async () => {
    expect(await asked().ask(status, token('reader'))).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      body: { service: { namespace: 'ai', name: 'generation' }, rating: { grade: 'Unknown', score: null } },
    });
  });

  test.each<{ name: string; path?: string; bearer: () => string | undefined | Promise<string>; expected: object }>([
    {
      name: 'no token',
      bearer: () => undefined,
      expected: {
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="genops"' },
        body: { reason: 'Unauthorized' },
      },
    },
    { name: 'a token that is none', bearer: () => 'nonsense', expected: { status: 401, body: { kind: 'Status' } } },
    {
      name: 'a token with a letter changed',
      bearer: () => token('reader').replace(/.{5}$/, 'AAAAA'),
      expected: { status: 401 },
    },
    {
      name: 'a token for somebody else',
      bearer: () => tokenFor('reader', ['vault']),
      expected: { status: 401, body: { message: expect.stringContaining('for somebody else') } },
    },
    {
      name: 'a user without the right',
      bearer: () => token('stranger'),
      expected: {
        status: 403,
        body: {
          reason: 'Forbidden',
          message:
            'user "system:serviceaccount:ai:stranger" cannot get resource "generationservices/views" in API group "genops.dev" in the namespace "ai"',
        },
      },
    },
    {
      name: 'a service in another namespace',
      path: `${one('other')}/api/performance/status`,
      bearer: () => token('reader'),
      expected: { status: 403 },
    },
    {
      name: 'a service that is not there, where nobody may look: as one that is',
      path: '/namespaces/other/generationservices/none/api/performance/status',
      bearer: () => token('reader'),
      expected: { status: 403 },
    },
    {
      name: 'a service that is not there',
      path: '/namespaces/ai/generationservices/none/api/performance/status',
      bearer: () => token('reader'),
      expected: { status: 404, body: { reason: 'NotFound' } },
    },
    {
      name: 'the fleet without the right to all namespaces',
      path: '/generationservices',
      bearer: () => token('reader'),
      expected: { status: 403, body: { message: expect.stringContaining('next: ask for one namespace') } },
    },
  ])('refuses $name', async ({ path = status, bearer, expected }) => {
    expect(await asked().ask(path, await bearer())).toMatchObject(expected);
  });

  test('judges nothing without a policy that says what by, but has its history', async () => {
    const lawless = '/namespaces/other/generationservices/lawless';
    expect(await asked().ask(`${lawless}/api/performance/load`, token('everywhere'))).toMatchObject({
      status: 409,
      body: { reason: 'Conflict', message: expect.stringContaining('PolicyAccepted') },
    });
    expect((await asked().ask(`${lawless}/api/performance/history`, token('everywhere'))).status).toBe(200);
  });

  test('shows the fleet of a namespace, or of all to who may list all', async () => {
    const mine = await asked().ask('/generationservices?namespace=ai', token('reader'));
    expect(mine.body).toMatchObject({ services: [{ namespace: 'ai', name: 'generation' }] });
    const all = await asked().ask('/generationservices', token('everywhere'));
    expect(all.body).toMatchObject({
      services: [
        { namespace: 'ai', name: 'generation' },
        { namespace: 'other', name: 'generation' },
        { namespace: 'other', name: 'lawless' },
      ],
    });
  });

  test('every view is as the published schema says, and none shows what is in a Secret', async () => {
    const document = JSON.parse((await asked().ask('/openapi.json')).text) as typeof openapi;
    expect(document).toEqual(JSON.parse(JSON.stringify(openapi)));
    const ajv = new Ajv2020({ allowUnionTypes: true, validateFormats: false });
    for (const path of viewPaths) {
      const { body, text, status: code } = await asked().ask(`${one('ai')}/${path}`, token('reader'));
      expect([path, code]).toEqual([path, 200]);
      const operation = new Map(Object.entries(document.paths)).get(
        `/namespaces/{namespace}/generationservices/{name}/${path}`,
      );
      const name = operation?.get.responses[200].content['application/json'].schema.$ref.split('/').at(-1) ?? '';
      const validate = ajv.compile(document.components.schemas[name] ?? false);
      expect([path, validate(body) || validate.errors]).toEqual([path, true]);
      for (const secret of [secretValue, password]) expect(text).not.toContain(secret);
    }
  });
});

test('goes on by what was accepted last while what is declared is rejected', async () => {
  const kind = ['gensvc', 'generation', '-n', 'other'];
  const declare = (policyRef: object | null) =>
    kubectl(['patch', ...kind, '--type=merge', '-p', JSON.stringify({ spec: { policyRef } })]);
  await declare({ name: 'nowhere' });
  try {
    await kubectl(['wait', ...kind, '--for=condition=PolicyAccepted=False', '--timeout=60s']);
    const answer = await follower.ask(`${one('other')}/api/performance/load`, token('everywhere'));
    expect(answer).toMatchObject({ status: 200, body: { components: [{ name: 'workflow' }] } });
  } finally {
    await declare(null);
  }
});

test('the cache view has what a real Redis says of itself, and what was tuned on it', async () => {
  const server = {
    name: 'cache',
    server: 'Redis',
    version: expect.stringMatching(/^7\.0\./),
    topology: 'Standalone',
    hits_total: 0,
    keys: 0,
    evicted_keys_total: 0,
    clients: expect.any(Number),
    max_memory_mb: 1024,
    eviction_policy: 'allkeys-lru',
    big_keys: [],
    big_keys_unknown: null,
    big_keys_coverage: 1,
    slow_log: [{ time: expect.any(String), duration_ms: expect.any(Number), command: 'EVAL' }],
    slow_log_unknown: null,
  };
  await redis.command('EVAL', 'local i = 0; while i < 3e7 do i = i + 1 end', '0'); // longer than the 100 ms from which this server notes it
  await eventually(
    async () =>
      expect((await leader.ask(`${one('ai')}/api/cache/status`, token('reader'))).body).toMatchObject({
        servers: [server],
      }),
    { withinMs: 60_000 },
  );
});

test('the database view has what a real PostgreSQL counts, over the window as well, and /metrics has it too', async () => {
  const count = expect.any(Number);
  const totals = { transactions_total: count, blocks_hit_total: count, deadlocks_total: 0, temp_mb_total: count };
  const work = { transactions_per_second: count, cache_hit_ratio: count, deadlocks: 0, temp_mb: count };
  const server = { name: 'main', version: expect.stringMatching(/^18\./), connections: count, connections_limit: 97 };
  const idle = { unused_indexes: [], duplicate_indexes: [['public.orders_pkey', 'public.by_id']] };
  await eventually(
    async () =>
      expect((await leader.ask(`${one('ai')}/api/database/status`, token('reader'))).body).toMatchObject({
        servers: [{ ...server, ...work, ...totals, ...idle, statistics_unknown: null }],
      }),
    { withinMs: 60_000 }, // the second visit of the server
  );
  const { text } = await leader.ask('/metrics', token('prometheus'));
  const labels = 'namespace="ai",name="generation",server="main"';
  expect(text).toMatch(new RegExp(`^genops_postgres_transactions_total\\{${labels}\\} [1-9]`, 'm'));
  expect((await follower.ask('/metrics', token('prometheus'))).text).not.toContain(labels);
});

test('/metrics over HTTPS is for who may get that path, and each replica shows its own', async () => {
  expect((await leader.ask('/metrics', token('reader'))).status).toBe(403);
  expect((await leader.ask('/metrics')).status).toBe(401);
  const [first, second] = [
    await leader.ask('/metrics', token('prometheus')),
    await follower.ask('/metrics', token('prometheus')),
  ];
  expect([first.status, second.status]).toEqual([200, 200]);
  expect(first.text).toMatch(/^genops_leader 1$/m);
  expect(second.text).toMatch(/^genops_leader 0$/m);
});

test('a request with a body, or with another method than GET, is refused', async () => {
  expect(await leader.ask(status, token('reader'), { method: 'POST', body: 'x'.repeat(10_000) })).toMatchObject({
    status: 413,
    headers: { connection: 'close' },
  });
  expect(await leader.ask(status, token('reader'), { method: 'DELETE' })).toMatchObject({
    status: 405,
    headers: { allow: 'GET' },
  });
});

test('a right that is taken away ends within the time that answers are kept', async () => {
  expect((await leader.ask(`${one('other')}/api/cache/status`, token('everywhere'))).status).toBe(200);
  await kubectl(['delete', 'clusterrolebinding', 'everywhere']);
  await eventually(
    async () => expect((await leader.ask(`${one('other')}/api/cache/status`, token('everywhere'))).status).toBe(403),
    { withinMs: 15_000 },
  );
});

test('with an audience of its own it takes tokens for that and no others', async () => {
  await using own = await startManager(['--views-audience', 'genops', '--no-leader-elect']);
  expect((await own.ask(status, token('reader'))).status).toBe(401);
  expect((await own.ask(status, await tokenFor('reader', ['genops']))).status).toBe(200);
});

test('who asks too often is told to wait', async () => {
  const answers: Answer[] = [];
  await eventually(async () => {
    const asked = Array.from({ length: 400 }, () => leader.ask(status, token('reader')));
    answers.push(...(await Promise.all(asked)));
    expect(answers).toContainEqual(expect.objectContaining({ status: 429 }));
  });
  const codes = new Set(answers.map(({ status: code }) => code));
  expect(codes).toEqual(new Set([200, 429]));
  const refused = answers.find(({ status: code }) => code === 429);
  expect(refused).toMatchObject({ headers: { 'retry-after': '1' }, body: { reason: 'TooManyRequests' } });
});

test('when the leader ends, the follower leads and answers itself', async () => {
  await leader[Symbol.asyncDispose]();
  await eventually(async () => expect(await follower.leads()).toBe(true));
  await eventually(async () => expect((await follower.ask(status, token('reader'))).status).toBe(200));
});
