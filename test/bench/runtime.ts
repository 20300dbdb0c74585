/**
 * What parts of the runtime library cost beside what one would take without them. Contestants take turns in every round, so that a machine that becomes slower is so for all; of the rounds the median counts.
 * Prints Markdown, and fails when a goal is missed: docs/runtime.md has a run of it. BENCH_ROUNDS: how many.
 */
import { cpus } from 'node:os';
import DataLoader from 'dataloader';
import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import PQueue from 'p-queue';
import { startPostgres } from '../../hack/servers/postgres.ts';
import { startRedis } from '../../hack/servers/redis.ts';
import { createBatcher } from '../../operator/runtime/batcher.ts';
import { openCache } from '../../operator/runtime/cache.ts';
import { defaultSettings } from '../../operator/runtime/default-settings.ts';
import { openPools } from '../../operator/runtime/pools.ts';
import { openPostgresPool } from '../../operator/runtime/postgres-pool.ts';
import { createSettings } from '../../operator/runtime/settings.ts';
import { median } from './statistics.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 15);
const keys = Array.from({ length: 1_000 }, (_, index) => `item:${index}`);
const value = { text: 'x'.repeat(1_000) };

/** One way to do a thing: `calls` of them, one after another or as many at once as the line says. */
type Contestant = (calls: number) => Promise<void>;

interface Line {
  readonly name: string;
  /** In a turn. */
  readonly calls: number;
  readonly contestants: Readonly<Record<string, Contestant>>;
  readonly goals: (ns: (name: string) => number) => readonly Goal[];
}

interface Goal {
  readonly goal: string;
  readonly is: string;
  readonly holds: boolean;
}

const ratioGoal = (ratio: number, limit: number, of: string): Goal => ({
  goal: `at most ${limit} × ${of}`,
  is: `${ratio.toFixed(2)} ×`,
  holds: ratio <= limit,
});

/** At 10 000 calls a second 5 % of a core are 5 µs for each. */
const shareGoal = (ns: number): Goal => ({
  goal: 'at most 5 % of a core at 10 000 calls/s',
  is: `${(ns / 1_000).toFixed(2)} %`,
  holds: ns <= 5_000,
});

/** As many runners as may be under way at once; each goes on with the next call when its last one has ended. */
async function together(calls: number, atOnce: number, call: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < calls) await call(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, runner));
}

const keyAt = (index: number): string => keys[index % keys.length] ?? '';
const load = (): Promise<typeof value> => Promise.resolve(value);

async function inMemory(): Promise<Line> {
  const cache = openCache(createSettings(defaultSettings));
  const bare = new LRUCache<string, typeof value>({ max: keys.length, ttl: 300_000, fetchMethod: load });
  for (const key of keys) {
    await cache.get(key, load);
    bare.set(key, value);
  }
  return {
    name: 'cache, hit in memory',
    calls: 200_000,
    contestants: {
      genops: (calls) => together(calls, 1, (index) => cache.get(keyAt(index), load)),
      'lru-cache fetch': (calls) => together(calls, 1, (index) => bare.fetch(keyAt(index))),
      'lru-cache get, awaited': (calls) => together(calls, 1, async (index) => bare.get(keyAt(index))),
    },
    goals: (ns) => [
      {
        goal: 'at least 1 000 000 hits/s of a core',
        is: Math.round(1e9 / ns('genops'))
          .toLocaleString('en')
          .replaceAll(',', ' '),
        holds: ns('genops') <= 1_000,
      },
      ratioGoal(ns('genops') / ns('lru-cache fetch'), 1.2, 'lru-cache fetch, which loads too'),
      ratioGoal(ns('genops') / ns('lru-cache get, awaited'), 1.2, 'lru-cache get'),
    ],
  };
}

async function inRedis(port: number, atOnce: number, stack: AsyncDisposableStack): Promise<Line> {
  const address = { host: '127.0.0.1', port };
  const { cache: settings } = defaultSettings;
  const live = createSettings({ ...defaultSettings, cache: { ...settings, l1: { ...settings.l1, entries: 0 } } });
  const cache = stack.use(openCache(live, { redis: address, prefix: '' }));
  const redis = stack.adopt(new Redis(address), (one) => one.disconnect());
  for (const key of keys) await redis.set(key, JSON.stringify({ value }));
  const parsed = async (key: string): Promise<unknown> => JSON.parse((await redis.get(key)) ?? '{}') as unknown;
  return {
    name: `cache, hit in Redis, ${atOnce} at once`,
    calls: 10_000,
    contestants: {
      genops: (calls) => together(calls, atOnce, (index) => cache.get(keyAt(index), load)),
      ioredis: (calls) => together(calls, atOnce, (index) => parsed(keyAt(index))),
    },
    goals: (ns) => [ratioGoal(ns('genops') / ns('ioredis'), 1.15, 'ioredis')],
  };
}

function inTurn(): Line {
  const pool = openPools(createSettings(defaultSettings)).of('ai_api');
  const queue = new PQueue({ concurrency: pool.limit });
  const { signal } = new AbortController();
  const task = (): Promise<void> => Promise.resolve();
  const runners = 2 * pool.limit; // as many wait as run
  return {
    name: 'pool, ten callers for five places',
    calls: 50_000,
    contestants: {
      genops: (calls) => together(calls, runners, () => pool.run(task)),
      'genops, with a signal': (calls) => together(calls, runners, () => pool.run(task, signal)),
      'p-queue': (calls) => together(calls, runners, () => queue.add(task)),
      'p-queue, with a signal': (calls) => together(calls, runners, () => queue.add(task, { signal })),
    },
    goals: (ns) => [
      shareGoal(ns('genops, with a signal')),
      ratioGoal(ns('genops') / ns('p-queue'), 1.05, 'p-queue'),
      ratioGoal(ns('genops, with a signal') / ns('p-queue, with a signal'), 1.05, 'p-queue, with a signal'),
    ],
  };
}

function inBatches(): Line {
  const { maxRequests } = defaultSettings.batch;
  const send = (_: string, requests: readonly number[]): Promise<readonly number[]> => Promise.resolve([...requests]);
  const batcher = createBatcher<number, number>(createSettings(defaultSettings), { send });
  const loader = new DataLoader<number, number>((requests) => send('embed', requests), {
    cache: false,
    maxBatchSize: maxRequests,
  });
  const byHand = (first: number): Promise<unknown> =>
    send(
      'embed',
      Array.from({ length: maxRequests }, (_, index) => first + index),
    );
  return {
    name: 'batcher, ten at a time',
    calls: 50_000,
    contestants: {
      genops: (calls) => together(calls, maxRequests, (index) => batcher.ask('embed', index)),
      dataloader: (calls) => together(calls, maxRequests, (index) => loader.load(index)),
      'put together by hand': (calls) => together(calls / maxRequests, 1, byHand),
    },
    goals: (ns) => [shareGoal(ns('genops') - ns('put together by hand'))],
  };
}

/** The real figure, once: tests have a smaller one, since these take four seconds of a core. */
async function recycling(): Promise<Goal> {
  await using server = await startPostgres();
  const { host, port } = server;
  const { postgresPool } = defaultSettings;
  const settings = createSettings({ ...defaultSettings, postgresPool: { ...postgresPool, min: 0, max: 1 } });
  const at = { host, port, user: 'postgres', database: 'postgres' };
  await using pool = openPostgresPool(settings, { server: at });
  const backend = async () => (await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
  const first = await backend();
  await pool.withConnection(async (connection) => {
    for (let query = 2; query < postgresPool.recycleAfterQueries; query += 1) await connection.query('');
  });
  const [last, next] = [await backend(), await backend()];
  return {
    goal: `query ${postgresPool.recycleAfterQueries + 1} is on a new connection, the one before is not`,
    is: `pid ${first}, ${last}, ${next}`,
    holds: first === last && next !== last,
  };
}

/** CPU time of this process for one call, in ns, by contestant: what others do on the machine tells in it least. */
async function measure({ calls, contestants }: Line): Promise<ReadonlyMap<string, number>> {
  const took = new Map(Object.keys(contestants).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round += 1) {
    const all = Object.entries(contestants);
    for (const [name, contestant] of round % 2 === 0 ? all : all.toReversed()) {
      const before = process.cpuUsage();
      await contestant(calls);
      const { user, system } = process.cpuUsage(before);
      if (round > 0) took.get(name)?.push(((user + system) * 1_000) / calls); // the first warms up
    }
  }
  return new Map([...took].map(([name, values]) => [name, median(values)]));
}

await using stack = new AsyncDisposableStack();
const redis = stack.use(await startRedis());
const about = `${rounds} rounds, ${new Date().toISOString().slice(0, 16)}Z, ${cpus().length} × ${cpus()[0]?.model}`;
process.stdout.write(
  `${about}. Median of each.\n\n| line | ns of CPU for one call | goal | is | |\n|---|---|---|---|---|\n`,
);
const lines = [
  await inMemory(),
  await inRedis(redis.port, 1, stack),
  await inRedis(redis.port, 16, stack),
  inTurn(),
  inBatches(),
];
for (const line of lines) {
  const ns = await measure(line);
  const figures = [...ns].map(([name, of]) => `${name} ${of.toFixed(0)}`).join(', ');
  for (const { goal, is, holds } of line.goals((name) => ns.get(name) ?? Number.NaN)) {
    process.stdout.write(`| ${line.name} | ${figures} | ${goal} | ${is} | ${holds ? '✓' : '✗'} |\n`);
    if (!holds) process.exitCode = 1;
  }
}
const { goal, is, holds } = await recycling();
process.stdout.write(`| PostgreSQL pool, as by default | – | ${goal} | ${is} | ${holds ? '✓' : '✗'} |\n`);
if (!holds) process.exitCode = 1;
