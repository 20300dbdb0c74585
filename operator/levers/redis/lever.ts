import type { Lever } from '../lever.ts';
import { apply } from './apply.ts';
import { createKeySearches } from './big-keys.ts';
import type { RedisChange } from './changes.ts';
import { memoryOf } from './container.ts';
import { observe, type NodesObserved } from './every-node.ts';
import { figuresOf, lookupsOf } from './figures.ts';
import { createLooks } from './looks.ts';
import { onEveryNode } from './nodes.ts';
import type { RedisDeps } from './observe.ts';
import { plan } from './plan.ts';
import { restore } from './restore.ts';
import { units, type RedisUnit } from './unit.ts';

export type { RedisDeps } from './observe.ts';

/** What plans without a server. */
export const redisPlanner = {
  name: 'redis',
  condition: 'RedisApplied',
  plan: onEveryNode(plan),
  restore: onEveryNode(restore),
} satisfies Pick<Lever<RedisUnit, NodesObserved, RedisChange>, 'name' | 'condition' | 'plan' | 'restore'>;

/** Every node of every declared Redis has the declared settings; what somebody changes is put back, what cannot be set is said. */
export function redis(
  deps: RedisDeps,
  { sampleWithinMs = 300 }: { readonly sampleWithinMs?: number } = {},
): Lever<RedisUnit, NodesObserved, RedisChange> {
  const kept = { searches: createKeySearches(), looks: createLooks(), sampleWithinMs };
  return {
    ...redisPlanner,
    units,
    observe: (unit, signal, memory) => observe(unit, { ...deps, ...kept, memory }, signal),
    serverOf: ({ address, nodes }) => [
      ...new Set([...nodes.flatMap((node) => [node.serverId, node.address]), address]),
    ],
    lookupsOf,
    cacheOf: figuresOf,
    memoryOf,
    apply: (change, unit, signal) => apply(change, unit, deps, signal),
  };
}
