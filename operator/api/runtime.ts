import { Type } from 'typebox';
import { duration, keysHold, mapOf, oneOf, orElse, ordered, quantity, struct } from './schema.ts';

const integer = (value: number, minimum: number, maximum: number, description: string) =>
  orElse(value, Type.Integer({ minimum, maximum, description }));
const time = (value: string, description: string, max = '1h') => orElse(value, duration({ max, description }));
/** For what would never be done in no time at all. */
const limit = (value: string, description: string, max = '1h') =>
  orElse(value, duration({ min: '1ms', max, description }));

const Http = struct(
  {
    connections: integer(100, 1, 100_000, 'Connections in all.'),
    connectionsPerHost: integer(30, 1, 100_000, 'Connections to one host. At most connections.'),
    dnsTTL: time('300s', 'How long an address is remembered.'),
    keepAlive: time('30s', 'How long an idle connection is kept.'),
    timeout: limit('30s', 'Longest time for one request in all.'),
    connectTimeout: limit('5s', 'Longest wait for a connection. At most timeout.'),
  },
  {
    description: 'Outgoing HTTP requests.',
    rules: [
      ordered('connectionsPerHost', 'connections', {
        as: 'number',
        example: 'connectionsPerHost: 30, connections: 100',
      }),
      ordered('connectTimeout', 'timeout', { as: 'duration', example: 'connectTimeout: 5s, timeout: 30s' }),
    ],
  },
);

const Cache = struct(
  {
    l1: orElse(
      {},
      struct(
        {
          entries: integer(1000, 0, 10_000_000, 'Most entries.'),
          ttl: time('300s', 'How long an entry is kept.', '168h'),
        },
        { description: 'Cache in the memory of each pod.' },
      ),
    ),
    l2: orElse(
      {},
      struct(
        { ttl: time('3600s', 'How long an entry is kept.', '720h') },
        { description: 'Cache in Redis; a hit is copied to L1.' },
      ),
    ),
    warming: orElse(
      {},
      struct(
        {
          hotAfterReads: integer(
            10,
            1,
            1_000_000,
            'A key that is read more often than this has its related keys warmed.',
          ),
          maxPerSecond: integer(50, 0, 10_000, 'Most keys that are warmed in a second; 0 switches warming off.'),
        },
        { description: 'Warming of keys that were seen together in real accesses.' },
      ),
    ),
  },
  { description: 'Caches of the workload.' },
);

const PostgresPool = struct(
  {
    min: integer(5, 0, 10_000, 'Connections that are kept open. At most max.'),
    max: integer(20, 1, 10_000, 'Most connections of one pod.'),
    recycleAfterQueries: integer(50_000, 1, 1_000_000_000, 'Queries after which a connection is replaced.'),
    idleTimeout: time('300s', 'How long an idle connection above min is kept.', '24h'),
    commandTimeout: limit('30s', 'Longest time for one statement, and longest wait for a connection.', '24h'),
  },
  {
    description: 'Connections of each pod to PostgreSQL.',
    rules: [ordered('min', 'max', { as: 'number', example: 'min: 5, max: 20' })],
  },
);

/** Settings of the workload itself, which it reads from a ConfigMap (rows D1 to D9). */
export const Runtime = struct(
  {
    mode: orElse(
      'Enforce',
      oneOf(['Enforce', 'DryRun', 'Off'], { description: 'DryRun only reports what would be written.' }),
    ),
    pools: orElse(
      { ai_api: 5, io: 20, cpu: 2 },
      mapOf(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Tasks at once.' }), {
        maxProperties: 16,
        description: 'How many tasks of a kind run at once; layers are merged by name.',
        rules: [
          keysHold(
            "self.all(key, key.matches('^[a-z][a-z0-9_]{0,30}$'))",
            { wanted: 'names must be of lower-case letters, digits and underscores', example: 'ai_api: 5' },
            (key) => /^[a-z][a-z0-9_]{0,30}$/.test(key),
          ),
        ],
      }),
    ),
    memory: orElse(
      {},
      struct(
        {
          collectAbove: orElse(
            '1024Mi',
            quantity({ description: 'Resident memory in bytes above which garbage is collected.' }),
          ),
        },
        { description: 'Memory of the process.' },
      ),
    ),
    cpuPool: orElse(
      {},
      struct(
        {
          threads: integer(4, 1, 256, 'Worker threads for work that only computes.'),
          memoEntries: integer(1000, 0, 1_000_000, 'Results that are remembered.'),
        },
        { description: 'Worker threads.' },
      ),
    ),
    batch: orElse(
      {},
      struct(
        {
          maxRequests: integer(10, 1, 10_000, 'Requests that make a batch full.'),
          maxWait: time('100ms', 'Longest time that a request waits for others.', '1m'),
        },
        { description: 'Requests of one kind that are sent together.' },
      ),
    ),
    http: orElse({}, Http),
    cache: orElse({}, Cache),
    postgresPool: orElse({}, PostgresPool),
    queryMonitor: orElse(
      {},
      struct(
        {
          slowAbove: time('1s', 'Statements that take longer are logged.'),
          maxStatements: integer(500, 1, 100_000, 'Different statements that are counted.'),
        },
        { description: 'Statistics of statements.' },
      ),
    ),
  },
  { description: 'Settings of the workload itself, which it reads from a ConfigMap and takes over without a restart.' },
);
