import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../hack/cluster/ready.ts';
import { startPostgres, type PostgresServer } from '../../hack/servers/postgres.ts';
import { startRedis, type RedisServer } from '../../hack/servers/redis.ts';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { generationServices, secrets } from '../../operator/reconcilers/kinds.ts';
import { databaseCluster, databaseClusters, installDatabaseClusters } from '../world/database-cluster.ts';
import { measured, type LineName, type Measured } from './lines.ts';
import { service, type Place } from './manifests.ts';
import { operatorUser, type World } from './world.ts';

/** So often the policy changes while its servers are tuned: oftener than anybody's does. */
const changeEverySeconds = 15;
const keys = 1_000;
const password = 'bench';

/** What one service costs a Redis and a PostgreSQL that it names: while nothing changes, while its policy does all the time, while indexes are built and looked for, and where another operator owns the server. */
export async function* serverCosts(world: World, seconds: number, signal: AbortSignal): AsyncGenerator<Measured> {
  const [place] = world.places;
  if (place === undefined) throw new Error('there is no service to measure');
  await using redis = await startRedis();
  await using postgres = await startPostgres({ settings: { shared_preload_libraries: 'pg_stat_statements' } });
  await furnish(redis, postgres);
  await declare(world, place, { redis, postgres }, signal);
  const declareSpec = specsOf(world, place, signal);
  const change = (turn: number): Promise<void> => declareSpec(parametersOf(turn));
  await change(0);
  const isTuned = async (): Promise<boolean> => (await redis.configGet('timeout')) === '1';
  await waitUntil('the servers are tuned', isTuned, { timeoutMs: 60_000, signal });
  await waitUntil('all keys were searched', () => isSearched(redis), { timeoutMs: 120_000, signal });

  yield await window('servers-idle', world, { redis, postgres }, signal, () =>
    delay(2 * seconds * 1000, undefined, { signal }),
  );
  yield await window('servers-tuning', world, { redis, postgres }, signal, async () => {
    for (let turn = 1; turn <= seconds / changeEverySeconds; turn += 1) {
      await change(turn);
      await delay(changeEverySeconds * 1000, undefined, { signal });
    }
  });
  yield await lowering(world, { redis, postgres }, signal, (maxMemory) => declareSpec({ redis: { maxMemory } }));
  await furnishTables(postgres);
  yield await window('servers-indexing', world, { redis, postgres }, signal, async () => {
    await declareSpec({ postgres: { indexAdvice: 'Recommend' } });
    await waitUntil('the indexes are built', () => isIndexed(postgres), { timeoutMs: 60_000, signal });
    await delay(seconds * 1000, undefined, { signal });
  });
  await installDatabaseClusters({ kube: world.kube, signal });
  await world.kube.create(databaseClusters, databaseCluster(place.namespace), {}, signal);
  await declareSpec({ postgres: { parameters: { work_mem: '64MB' }, indexAdvice: 'Recommend' } }, { clusterRef });
  await waitUntil('the object has the parameters', () => isPut(world, place, signal), { timeoutMs: 60_000, signal });
  for (const sql of ["ALTER SYSTEM SET work_mem = '64MB'", 'SELECT pg_reload_conf()']) await postgres.query(sql); // as its operator does
  await waitUntil('the server has them', () => isApplied(world, place, signal), { timeoutMs: 60_000, signal });
  yield await window('servers-owned', world, { redis, postgres }, signal, () =>
    delay(seconds * 1000, undefined, { signal }),
  );
}

/** A limit that comes down on a primary and its replica, for so long: keys are sampled before each step of the primary. */
const loweringSeconds = 60;

async function lowering(
  world: World,
  servers: Servers,
  signal: AbortSignal,
  declareLimit: (maxMemory: string) => Promise<void>,
): Promise<Measured> {
  const { redis } = servers;
  await using replica = await startRedis({ config: { replicaof: `127.0.0.1 ${redis.port}` } });
  const fill = "for i = 1, 20000 do redis.call('SET', 'big:' .. i, string.rep('x', 500), 'EX', 86400) end";
  await redis.command('EVAL', fill, '0');
  const isInStep = async (): Promise<boolean> => (await replica.command('DBSIZE')) === (await redis.command('DBSIZE'));
  await waitUntil('the replica is in step', isInStep, { timeoutMs: 60_000, signal });
  const isTuned = async (): Promise<boolean> => (await replica.configGet('maxmemory-policy')) === 'volatile-lru';
  await waitUntil('the replica is tuned', isTuned, { timeoutMs: 60_000, signal });
  const [, used] = /^used_memory:(\d+)/m.exec(String(await redis.command('INFO', 'memory'))) ?? [];
  return await window('servers-lowering', world, { ...servers, replica }, signal, async () => {
    await declareLimit(String(Math.floor(Number(used) * 0.6)));
    await delay(loweringSeconds * 1000, undefined, { signal });
  });
}

interface Servers {
  readonly redis: RedisServer;
  readonly replica?: RedisServer;
  readonly postgres: PostgresServer;
}

/** Keys to search, and a role as the documentation makes it, whose statements are counted. */
async function furnish(redis: RedisServer, postgres: PostgresServer): Promise<void> {
  await redis.command('EVAL', `for i = 1, ${keys} do redis.call('SET', i, 'x', 'EX', 86400) end`, '0');
  const page = await readFile(join(import.meta.dirname, '../../docs/levers/postgresql.md'), 'utf8');
  const [, makeRole = ''] = /```sql\n(.*?)```/s.exec(page) ?? [];
  await postgres.query('CREATE EXTENSION pg_stat_statements');
  await postgres.query(makeRole.replace('SECRET', password));
}

const rbac = (kind: string) =>
  resource<KubeObject>({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural: `${kind.toLowerCase()}s`,
    kind,
    namespaced: true,
  });

/** The service with its servers, and the right to read their Secrets and the object of one. */
async function declare(
  { kube }: World,
  place: Place,
  { redis, postgres }: Servers,
  signal: AbortSignal,
): Promise<void> {
  const { namespace } = place;
  const metadata = { namespace, name: 'servers' };
  const rules = [
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['redis', 'postgres'], verbs: ['get'] },
    { apiGroups: [clusterRef.group], resources: ['clusters'], resourceNames: ['pg'], verbs: ['get', 'patch'] },
  ];
  await kube.create(rbac('Role'), { metadata, rules }, {}, signal);
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'servers' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: operatorUser }];
  await kube.create(rbac('RoleBinding'), { metadata, roleRef, subjects }, {}, signal);
  const uris = {
    redis: `redis://127.0.0.1:${redis.port}`,
    postgres: `postgresql://genops:${password}@127.0.0.1:${postgres.port}/postgres`,
  };
  for (const [name, uri] of Object.entries(uris))
    await kube.create(secrets, { metadata: { namespace, name }, stringData: { uri } }, {}, signal);
  await kube.create(generationServices, service(place), {}, signal);
}

async function isPut({ kube }: World, { namespace }: Place, signal: AbortSignal): Promise<boolean> {
  const cluster = await kube.get(databaseClusters, `${namespace}/${clusterRef.name}`, signal);
  return cluster?.spec.postgresql?.parameters?.['work_mem'] === '64MB';
}

async function isApplied({ kube }: World, { namespace, name }: Place, signal: AbortSignal): Promise<boolean> {
  const found = await kube.get(generationServices, `${namespace}/${name}`, signal);
  const applied = found?.status?.conditions?.find(({ type }) => type === 'PostgresApplied');
  return applied?.reason === 'Applied' && applied.observedGeneration === found?.metadata.generation;
}

type Overrides = NonNullable<GenerationServiceSpec['overrides']>;

/** Another value of one parameter of each server, at each turn. */
const parametersOf = (turn: number) => ({
  redis: { parameters: { timeout: String(1 + turn) } },
  postgres: { parameters: { work_mem: `${5 + turn}MB` } },
});

function specsOf({ kube }: World, { namespace, name }: Place, signal: AbortSignal) {
  return async ({ redis, postgres }: Overrides, more: object = {}): Promise<void> => {
    const manifest = {
      metadata: { namespace, name },
      spec: {
        redis: [{ name: 'cache', secretRef: { name: 'redis' } }],
        postgres: [{ name: 'main', secretRef: { name: 'postgres' }, ...more }],
        overrides: { redis: { evictionPolicy: 'volatile-lru', ...redis }, postgres },
      },
    };
    await kube.apply(generationServices, manifest, { manager: 'bench', force: true }, signal);
  };
}

/** The tables of the guide, and a statement that an index would spare a scan. */
async function furnishTables(postgres: PostgresServer): Promise<void> {
  for (const sql of [
    'CREATE ROLE app',
    'GRANT app TO genops WITH INHERIT FALSE, SET TRUE',
    'GRANT CREATE ON SCHEMA public TO app',
    "CREATE TABLE workflows AS SELECT n AS id, (ARRAY['running', 'done'])[1 + n % 2] AS status, now() AS created_at, n AS size FROM generate_series(1, 50000) n",
    'CREATE TABLE cache_entries (cache_type text, cache_key text, expires_at timestamptz)',
    'CREATE TABLE performance_metrics ("timestamp" timestamptz)',
    ...['workflows', 'cache_entries', 'performance_metrics'].map((table) => `ALTER TABLE ${table} OWNER TO app`),
    'ANALYZE',
    'SET SESSION AUTHORIZATION app; SELECT id FROM workflows WHERE size = 7',
  ])
    await postgres.query(sql);
}

async function isIndexed(postgres: PostgresServer): Promise<boolean> {
  const [built] = await postgres.query(
    "SELECT count(*)::int AS n FROM pg_index i JOIN pg_description d ON d.objoid = i.indexrelid WHERE i.indisvalid AND d.description LIKE 'Built by genops%'",
  );
  return built?.['n'] === 3;
}

const { group, kind } = databaseClusters;
const clusterRef = { group, kind, name: 'pg' };

/** Of all that clients have asked of it, what the harness has asked left out. */
interface Asked {
  readonly commands: number;
  readonly commandsMs: number;
  readonly statements: number;
  readonly statementsMs: number;
}

async function asked({ redis, replica, postgres }: Servers): Promise<Asked> {
  const [ofRole] = await postgres.query(
    "SELECT sum(calls)::int AS calls, sum(total_exec_time) AS ms FROM pg_stat_statements WHERE userid::regrole::text IN ('genops', 'app')",
  );
  const answers = await Promise.all([redis, ...(replica === undefined ? [] : [replica])].map(statistics));
  const commands = answers.flatMap((answer) => [...answer.matchAll(notOfReplication)]);
  const sum = (at: 1 | 2): number => commands.reduce((total, command) => total + Number(command[at]), 0);
  return {
    commands: sum(1),
    commandsMs: sum(2) / 1000,
    statements: Number(ofRole?.['calls']),
    statementsMs: Number(ofRole?.['ms']),
  };
}

/** Of a command: how often, and its µs. */
const notOfReplication = /^cmdstat_(?!replconf|psync|select|set|del|unlink|multi|exec).*calls=(\d+),usec=(\d+)/gm;

const statistics = async (redis: RedisServer): Promise<string> => String(await redis.command('INFO', 'commandstats'));

async function isSearched(redis: RedisServer): Promise<boolean> {
  const [, calls] = /cmdstat_memory\|usage:calls=(\d+)/.exec(await statistics(redis)) ?? [];
  return Number(calls) >= keys;
}

/** The harness's own question of the window's start is in the figures of its end, of each server. */
const ownCommands = 1;

async function window(
  line: Extract<LineName, `servers-${string}`>,
  { meter }: World,
  servers: Servers,
  signal: AbortSignal,
  happens: () => Promise<void>,
): Promise<Measured> {
  await meter.lap(signal);
  const before = await asked(servers);
  await happens();
  const after = await asked(servers);
  const lap = await meter.lap(signal);
  const perMinute = (figure: keyof Asked, less = 0): number =>
    ((after[figure] - before[figure] - less) * 60) / lap.seconds;
  return measured(line, lap, {
    redisCommands: perMinute('commands', servers.replica === undefined ? ownCommands : 2 * ownCommands),
    redisMs: perMinute('commandsMs'),
    postgresStatements: perMinute('statements'),
    postgresMs: perMinute('statementsMs'),
  });
}
