import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import type { NodesObserved } from '../../../../operator/levers/redis/every-node.ts';
import type { RedisMemory } from '../../../../operator/levers/redis/node-memory.ts';
import type { RedisObserved, ServerObserved } from '../../../../operator/levers/redis/observe.ts';
import { plan } from '../../../../operator/levers/redis/plan.ts';
import type { RedisUnit } from '../../../../operator/levers/redis/unit.ts';

export const unitWith = (redis: PolicySpec['redis'] = {}, unit: Partial<RedisUnit> = {}): RedisUnit => ({
  name: 'cache',
  mode: 'Enforce',
  namespace: 'ai',
  secretName: 'redis',
  policy: effectivePolicy({ overrides: { redis: redis ?? {} } }).policy.redis,
  ...unit,
});

/** CONFIG GET of a Redis 7 as it starts, where E1's values are its defaults but for maxmemory, its policy and save. */
const startValues = {
  maxmemory: '0',
  'maxmemory-policy': 'noeviction',
  save: '3600 1 300 100 60 10000',
  'tcp-keepalive': '300',
  'tcp-backlog': '511',
  'hash-max-listpack-entries': '512',
  'hash-max-listpack-value': '64',
  'list-max-listpack-size': '-2',
  'set-max-intset-entries': '512',
  'zset-max-listpack-entries': '128',
  'zset-max-listpack-value': '64',
};

export interface Seen extends Partial<Omit<ServerObserved, 'config'>> {
  readonly config?: Readonly<Record<string, string>>;
  readonly access?: 'Read' | 'Write';
  readonly restartOnly?: readonly string[];
  readonly serverId?: string;
  readonly memoryLimitBytes?: number;
}

/** A server as it starts; whatever is given stands instead. maxmemory and its policy are told by INFO too. */
export function seen({
  config = {},
  access = 'Write',
  restartOnly = [],
  serverId = 'run-1',
  memoryLimitBytes,
  ...server
}: Seen = {}): RedisObserved {
  const values = { ...startValues, ...config };
  return {
    serverId,
    address: 'redis.ai.svc:6379',
    role: 'Primary',
    memoryLimitBytes,
    server: {
      product: 'Redis',
      version: '7.0.15',
      maxMemoryBytes: Number(values.maxmemory),
      evictionPolicy: values['maxmemory-policy'],
      usedMemoryBytes: 2 ** 20,
      startupMemoryBytes: 2 ** 19,
      appendOnly: false,
      savingFails: false,
      keys: { keys: 0, withoutExpiry: 0 },
      lookups: { hits: 0, misses: 0 },
      recent: undefined,
      sample: undefined,
      aboveLimitMs: 0,
      writesRefused: 0,
      slowLog: { state: 'Known', commands: [] },
      bigKeys: { state: 'Unknown', why: 'the search begins at the next visit' },
      work: {
        commands: 0,
        commandsPerSecond: 0,
        evictedKeys: 0,
        expiredKeys: 0,
        rejectedConnections: 0,
        evictionExceededMs: 0,
        clients: 0,
      },
      memory: { allocatedBytes: 2 ** 20, residentBytes: 2 ** 21, copiedBytes: 0 },
      ...server,
      config: {
        access,
        values: new Map(Object.entries(values).map(([name, value]) => [name, { serverName: name, value }])),
        restartOnly: new Set(restartOnly),
      },
    },
  };
}

/** E1 as a server reads it back. */
export const e1 = { maxmemory: '1073741824', 'maxmemory-policy': 'allkeys-lru', save: '900 1 300 10 60 10000' };

/** A server that stands alone. */
export const alone = (node: RedisObserved): NodesObserved => ({
  topology: 'Standalone',
  address: node.address,
  nodes: [node],
  absent: [],
});

/** What the lever would do. */
export const planned = (
  server: Seen,
  redis?: PolicySpec['redis'],
  unit?: Partial<RedisUnit>,
  memory?: RedisMemory,
  role: RedisObserved['role'] = 'Primary',
) => plan({ unit: unitWith(redis, unit), observed: { ...seen(server), role }, memory, now: 0 });
