import { problemMessage } from '../../api/problem.ts';
import type { LeverPlan, PlanInput, PlannedCondition } from '../lever.ts';
import { orderedChanges, type Differing, type RedisChange } from './changes.ts';
import { writesWouldFail } from './eviction.ts';
import { gentlyBack } from './gently-back.ts';
import { gentleNames } from './lowering.ts';
import type { NodeMemory } from './node-memory.ts';
import type { RedisObserved, ServerObserved } from './observe.ts';
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
  const safe = harm === undefined ? differing : differing.filter(({ name }) => !eviction.has(name));
  const { first, isLeft, remember } = gentlyBack(safe, { observed, memory, now });
  return {
    changes: orderedChanges(first, { memory: undefined, observed, inForce: [], now }).map((change) => ({
      ...putBack(change),
      ...(remember && { remember }),
    })),
    condition:
      harm === undefined
        ? backAgain(unit, isLeft)
        : { status: 'False', reason: harm.reason, message: `${unit.name}: ${problemMessage(harm)}` },
    status,
    againMs,
  };
}

const eviction: ReadonlySet<string> = new Set(['maxmemory', 'maxmemory-policy']);

function backAgain({ name }: RedisUnit, isLeft: boolean): PlannedCondition {
  if (!isLeft) return { status: 'True', reason: 'Applied', message: `${name} has its own settings back.` };
  const message = problemMessage({
    saw: `keys on ${name} that have to go for the maxmemory that it had before`,
    wanted: `them gone before ${gentleNames.join(' and ')} are as they were: until then it throws out gently`,
    next: 'nothing: it is looked at again',
  });
  return { status: 'False', reason: 'Lowering', message };
}

/** A parameter that is no longer declared was not read: whether it is still ours is found out when it would be sent. */
function ours(
  { originals = {}, applied = {}, lowering }: NodeMemory,
  { config }: ServerObserved,
): readonly Differing[] {
  return Object.entries(originals).flatMap(([name, original]) => {
    const set = applied[name];
    if (original === null || set === undefined) return [];
    const now = config.access === 'None' ? set : (config.values.get(name)?.value ?? set);
    // A step that was intended and never made.
    const isBefore = name === 'maxmemory' && lowering !== undefined && meansSame(name, lowering.from, now);
    return (isBefore || meansSame(name, set, now)) && !meansSame(name, original, now)
      ? [{ name, from: now, to: original }]
      : [];
  });
}

/** The originals stay remembered until they are back. */
const putBack = ({ cause, serverId, differences }: RedisChange): RedisChange => ({
  cause,
  serverId,
  differences,
  onlyOurs: true,
});
