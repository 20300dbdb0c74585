import type { Lever } from '../lever.ts';
import { apply } from './apply.ts';
import { createKeySearches } from './big-keys.ts';
import type { RedisChange } from './changes.ts';
import { observe, type RedisDeps, type RedisObserved } from './observe.ts';
import { plan } from './plan.ts';
import { restore } from './restore.ts';
import { units, type RedisUnit } from './unit.ts';

export type { RedisDeps } from './observe.ts';

/** What plans without a server. */
export const redisPlanner = { name: 'redis', condition: 'RedisApplied', plan, restore } satisfies Pick<
  Lever<RedisUnit, RedisObserved, RedisChange>,
  'name' | 'condition' | 'plan' | 'restore'
>;

/** Every declared Redis has the declared settings; what somebody changes is put back, what cannot be set is said. */
export function redis(deps: RedisDeps): Lever<RedisUnit, RedisObserved, RedisChange> {
  const searches = createKeySearches();
  return {
    ...redisPlanner,
    units,
    observe: (unit, signal) => observe(unit, { ...deps, searches }, signal),
    serverOf: ({ serverId, address }) => [serverId, address],
    lookupsOf: ({ server }) => server.lookups,
    cacheOf: ({
      server: { lookups, work, keys, usedMemoryBytes, maxMemoryBytes, evictionPolicy, slowLog, bigKeys },
    }) => ({
      ...lookups,
      ...work,
      keys: keys.keys,
      keysWithoutExpiry: keys.withoutExpiry,
      usedMemoryBytes,
      maxMemoryBytes,
      evictionPolicy,
      slowLog,
      bigKeys,
    }),
    apply: (change, unit, signal) => apply(change, unit, deps, signal),
  };
}
