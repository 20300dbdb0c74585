import { expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { main } from '../../operator/cli/main.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { viewPaths } from '../../operator/serve/view-routes.ts';
import { configMaps, generationServices, performancePolicies } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { readyPod } from '../world/ready-pod.ts';
import { allowReviews, untilRight } from '../world/rights.ts';
import { events, expectCondition, kubeconfigPath, startWorld, type World } from '../world/world.ts';
import { startTuned } from './postgres-tuner.ts';
import { listening } from './source-world.ts';

/** Each secret has a word of its own, so that what leaks is known by its name. */
const canary = {
  redis: 'canary-redis-password-5f1c',
  wrong: 'canary-wrong-password-77ab',
  uri: 'canary-uri-password-90de',
  postgres: 'canary-postgres-password-31ef',
  unreachable: 'canary-unreachable-password-64bb',
  garbled: 'canary-garbled-password-0aa7',
  token: 'canary-prometheus-token-c0de',
  admin: 'canary-admin-key-4b1d',
} as const;
const flags = ['--allow-metric-address', '127.0.0.0/8', '--no-leader-elect'];
const secretRefs = [
  'redis',
  'redis-2',
  'nowhere',
  'postgres',
  'postgres-2',
  'postgres-3',
  'prometheus',
  'admin',
] as const;

/** The word itself, and what base64 makes of it wherever it begins in a longer text, as in a URI or `user:password`. */
const spellings = (word: string): readonly string[] => [
  word,
  ...[0, 1, 2].map((before) => {
    const padded = (3 - ((before + word.length) % 3)) % 3;
    const text = btoa(' '.repeat(before) + word);
    return text.slice(before === 0 ? 0 : before + 1, padded === 0 ? undefined : -padded - 1);
  }),
];

/** Refuses whoever asks and tells them what they sent, as a proxy in debug mode does. */
async function echo() {
  const seen: string[] = [];
  const told = ({ url = '', rawHeaders }: IncomingMessage): string => `${url} ${rawHeaders.join(' ')}`;
  const server = await listening((request, response) => {
    seen.push(told(request));
    response.writeHead(401, { 'content-type': 'text/plain' }).end(`refused: ${told(request)}`);
  });
  return Object.assign(server, { seen });
}

async function plant(world: World, postgresPort: number): Promise<void> {
  const [right, wrong] = world.redis.map(({ port }) => ({ host: '127.0.0.1', port: String(port) }));
  const contents: Readonly<Record<(typeof secretRefs)[number], object>> = {
    redis: { ...right, password: canary.redis },
    'redis-2': { ...wrong, password: canary.wrong },
    nowhere: { uri: `redis://genops:${canary.uri}@127.0.0.1:1/0` },
    postgres: { uri: `postgresql://genops:${canary.postgres}@127.0.0.1:${postgresPort}/postgres` },
    'postgres-2': { uri: `postgresql://genops:${canary.unreachable}@127.0.0.1:1/postgres` },
    'postgres-3': { uri: `postgresql://genops:${canary.garbled}@[nowhere/postgres` }, // no URL: what refuses it has it whole
    prometheus: { token: canary.token },
    admin: { key: canary.admin },
  };
  for (const [name, stringData] of Object.entries(contents))
    await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData });
}

interface Views extends AsyncDisposable {
  /** Of the operator that is to serve them. */
  readonly flags: readonly string[];
  /** What each view of a service answers to who may look at the namespace, by its path. */
  ask(world: World, name: string): Promise<readonly (readonly [path: string, text: string])[]>;
}

async function servedViews(): Promise<Views> {
  const folder = await mkdtemp(join(tmpdir(), 'genops-secrets-'));
  const authority = createAuthority('ca');
  const { certificate, key } = issueCertificate({ commonName: 'genops', names: ['localhost'] }, authority);
  await writeFile(join(folder, 'tls.crt'), certificate);
  await writeFile(join(folder, 'tls.key'), key);
  const port = await freePort();
  const dispatcher = new Agent({ connect: { ca: authority.certificate } });
  const ask: Views['ask'] = async (world, name) => {
    const headers = { authorization: `Bearer ${await readersToken(world)}` };
    const service = `https://localhost:${port}/namespaces/${world.namespace}/generationservices/${name}`;
    const asked = viewPaths.map(async (path) => {
      const answer = await fetch(`${service}/${path}`, { dispatcher, headers });
      return [`${name}/${path}`, `${answer.status} ${await answer.text()}`] as const;
    });
    return Promise.all(asked);
  };
  return {
    flags: ['--views', '--api-bind-address', `127.0.0.1:${port}`, '--tls-cert-dir', folder],
    ask,
    [Symbol.asyncDispose]: async () => {
      await dispatcher.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function readersToken(world: World): Promise<string> {
  const { namespace, kube, signal } = world;
  const [group, metadata] = ['rbac.authorization.k8s.io', { name: 'reader' }];
  const rules = [{ apiGroups: ['genops.dev'], resources: ['generationservices/views'], verbs: ['get', 'list'] }];
  const roleRef = { apiGroup: group, kind: 'Role', ...metadata };
  const subjects = [{ kind: 'ServiceAccount', ...metadata, namespace }];
  await world.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  await world.apply({ apiVersion: `${group}/v1`, kind: 'Role', metadata, rules });
  await world.apply({ apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata, roleRef, subjects });
  const user = `system:serviceaccount:${namespace}:reader`;
  const views = { group: 'genops.dev', resource: 'generationservices', subresource: 'views' };
  await untilRight(world, { user, verb: 'get', ...views });
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/reader/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status } = (await kube.raw({ path, method: 'POST', body }, signal)) as { readonly status: { readonly token: string } }; // prettier-ignore
  return status.token;
}

/** What `genops ARGS` says to somebody, on stdout and stderr. */
async function genops(world: World, ...args: readonly string[]): Promise<string> {
  let said = '';
  const write = (text: string) => (said += text);
  const where = ['--kubeconfig', kubeconfigPath(), '-n', world.namespace];
  await main({ args: [...args, ...where], env: {}, out: { write }, err: { write }, signal: world.signal });
  return said;
}

/** Everything that people and other programs get to see, by where they see it. */
async function everythingSaid(world: World, views: Views): Promise<Readonly<Record<string, string>>> {
  const { pid } = world.operator;
  const kinds = { generationServices, performancePolicies, horizontalPodAutoscalers, configMaps, events };
  const objects = Object.entries(kinds).map(async ([name, of]) => [
    name,
    JSON.stringify(await world.kube.list<never>(of as never, { namespace: world.namespace }, world.signal)),
  ]);
  const calls = [
    ['status', 'generation'],
    ['status', 'generation', '-o', 'json'],
    ['status', 'broken'],
    ['explain', 'broken', '-o', 'yaml'],
    ['diff', 'generation'],
    ['diff', 'broken', '-o', 'json'],
    ['report', 'generation'],
    ['report', 'broken', '-o', 'json'],
    ['export', 'generation'],
  ].map(async (args) => [`genops ${args.join(' ')}`, await genops(world, ...args)]);
  return Object.fromEntries([
    ...(await Promise.all([...objects, ...calls])),
    ...(await views.ask(world, 'generation')),
    ...(await views.ask(world, 'broken')),
    ['log', world.operator.wholeLog()],
    ['metrics', await world.operator.metrics()],
    ['ps', await readFile(`/proc/${pid}/cmdline`, 'utf8')],
    ['environment', await readFile(`/proc/${pid}/environ`, 'utf8')],
  ]) as Readonly<Record<string, string>>;
}

test('nothing of a Secret is in logs at level debug, status, Events, state, metrics, command lines, bundles, views and what genops prints, whatever goes wrong', async () => {
  await using postgres = await startTuned({});
  await using source = await echo();
  await using views = await servedViews();
  await using world = await startWorld({
    operator: false,
    secrets: [...secretRefs],
    redis: [{ config: { requirepass: canary.redis } }, { config: { requirepass: 'another' } }],
  });
  await plant(world, postgres.port);
  await world.apply(deployment());
  await world.apply(deployment('other'));
  await readyPod(world, source.port);
  const [component] = generationService().spec.components;
  const prometheus = { url: source.url, secretRef: { name: 'prometheus' } };
  const admin = { port: source.port, scheme: 'HTTP', secretRef: { name: 'admin', key: 'key' } } as const;
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' };
  await world.apply(
    generationService({
      components: [{ name: 'workflow', targetRef: component?.targetRef ?? targetRef, metrics: [{ type: 'Prometheus', prometheus }], admin }], // prettier-ignore
      redis: [{ name: 'cache', secretRef: { name: 'redis' } }],
      postgres: [{ name: 'main', secretRef: { name: 'postgres' } }],
      overrides: { collector: { interval: '2s', timeout: '1s' }, runtime: { pools: { io: 10 } }, postgres: { parameters: { work_mem: '8MB' } } }, // prettier-ignore
    }),
  );
  await world.apply(
    generationService(
      {
        components: [{ name: 'other', targetRef }],
        redis: [
          { name: 'wrong', secretRef: { name: 'redis-2' } },
          { name: 'nowhere', secretRef: { name: 'nowhere' } },
        ],
        postgres: [
          { name: 'unreachable', secretRef: { name: 'postgres-2' } },
          { name: 'garbled', secretRef: { name: 'postgres-3' } },
        ],
      },
      { name: 'broken' },
    ),
  );
  await using _ = await allowReviews(world.kube, world.namespace, world.signal);
  await world.restartOperator([...flags, ...views.flags]);

  await world.eventually(async () => {
    expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' });
    expectCondition(await world.service(), 'PostgresApplied', { status: 'True' });
    expectCondition(await world.service(), 'MetricsAvailable', { status: 'False' });
    expectCondition(await world.service('broken'), 'RedisApplied', { status: 'False' });
    const message: unknown = expect.stringMatching(/unreachable: .*garbled: /);
    expect((await world.service('broken')).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'PostgresApplied', status: 'False', message }),
    );
  });
  await world.eventually(() => {
    const sent = source.seen.join('\n');
    expect(sent).toContain(`Bearer ${canary.token}`); // it was used, and told back
    expect(sent).toMatch(/x-genops-signature/i);
  });

  for (const before of ['', 'a', 'ab', 'redis://'])
    expect(spellings(canary.uri).some((spelling) => btoa(`${before}${canary.uri}@b`).includes(spelling))).toBe(true);
  const said = await everythingSaid(world, views);
  for (const [where, text] of Object.entries(said)) {
    expect([where, text]).toEqual([where, expect.stringMatching(/\S/)]);
    if (viewPaths.some((path) => where.endsWith(path)))
      expect([where, text]).toEqual([where, expect.stringMatching(/^200 /)]);
    const found = Object.values(canary).filter((word) => spellings(word).some((spelling) => text.includes(spelling)));
    expect([where, found]).toEqual([where, []]);
  }
});
