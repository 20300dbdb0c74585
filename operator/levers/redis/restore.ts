import { problemMessage } from '../../api/problem.ts';
import type { LeverPlan, PlanInput } from '../lever.ts';
import { orderedChanges, type Differing, type RedisChange } from './changes.ts';
import { writesWouldFail } from './eviction.ts';
import type { RedisObserved, ServerObserved } from './observe.ts';
import type { NodeMemory } from './node-memory.ts';
import { meansSame } from './parameters.ts';
import { againMs, obstacleTo, statusOf } from './plan.ts';
import { releaseOwner } from './plan-owned.ts';
import type { RedisUnit } from './unit.ts';
import { wantedValues } from './wanted.ts';

/** Puts back what we once changed, as far as it is still what we set: what somebody has changed since is theirs. */
export function restore({
  unit,
  observed,
  memory,
  now,
}: PlanInput<RedisUnit, RedisObserved, NodeMemory>): LeverPlan<RedisChange> {
  const wanted = wantedValues(unit.policy, observed.memoryLimitBytes);
  const status = statusOf(unit, observed.server, wanted);
  if (observed.owner !== undefined) {
    const message = `${unit.name} has what its own operator says.`;
    const condition = { status: 'True', reason: 'Applied', message } as const;
    return { changes: releaseOwner(observed), condition, status, againMs };
  }
  const differing = memory === undefined ? [] : ours(memory, observed.server);
  const obstacle = differing.length === 0 ? undefined : obstacleTo(unit, observed, wanted);
  if (obstacle !== undefined) return { changes: [], condition: obstacle, status, againMs };

  const limit = differing.find(({ name }) => name === 'maxmemory');
  const policy = differing.find(({ name }) => name === 'maxmemory-policy')?.to ?? observed.server.evictionPolicy;
  const harm = limit === undefined ? undefined : writesWouldFail(observed.server, Number(limit.to), policy);
  const safe = harm === undefined ? differing : differing.filter(({ name }) => !name.startsWith('maxmemory'));
  return {
    changes: orderedChanges(safe, { memory: undefined, observed, inForce: [], now }).map(putBack),
    condition:
      harm === undefined
        ? { status: 'True', reason: 'Applied', message: `${unit.name} has its own settings back.` }
        : { status: 'False', reason: harm.reason, message: `${unit.name}: ${problemMessage(harm)}` },
    status,
    againMs,
  };
}

/** A parameter that is no longer declared was not read: whether it is still ours is found out when it would be sent. */
function ours({ originals = {}, applied = {} }: NodeMemory, { config }: ServerObserved): readonly Differing[] {
  return Object.entries(originals).flatMap(([name, original]) => {
    const set = applied[name];
    if (original === null || set === undefined) return [];
    const now = config.access === 'None' ? set : (config.values.get(name)?.value ?? set);
    return meansSame(name, set, now) && !meansSame(name, original, now) ? [{ name, from: now, to: original }] : [];
  });
}

/** The originals stay remembered until they are back. */
const putBack = ({ cause, serverId, differences }: RedisChange): RedisChange => ({
  cause,
  serverId,
  differences,
  onlyOurs: true,
});
