import { problemMessage } from '../../api/problem.ts';
import { amount, quantity } from '../../api/quantity.ts';
import type { PlannedCondition, UnitMemory } from '../lever.ts';
import { measuredKillIn, oomHeldMs, type OomKill, type PodsSeen } from '../oom-kill.ts';
import { textOf, type Amount } from './amounts.ts';

/** With the most that a killed container had within that day, as it is sent: least that any Pod gets for a day. */
export interface MemoryKill extends OomKill {
  readonly had: { readonly requests?: string | undefined; readonly limits?: string | undefined };
}

/** `memory`: what was remembered of the kills before; the Pod may be gone. */
interface Moment extends PodsSeen {
  readonly memory: UnitMemory | undefined;
}

/** The newest that still counts, with what was in force when it was first seen: what its Pod is given later has killed nobody. */
export function memoryKillOf({ memory, ...seen }: Moment): MemoryKill | undefined {
  const before = rememberedKill(memory, seen.now);
  const kill = measuredKillIn(seen);
  if (kill === undefined || kill.at <= (before?.at ?? -Infinity)) return before;
  const { pod, at, memoryRequest, memoryLimit } = kill;
  const { requests, limits } = before?.had ?? {};
  if (memoryLimit === undefined) return { pod, at, had: { requests, limits } };
  const had = { requests: greaterOf(requests, memoryRequest), limits: greaterOf(limits, memoryLimit) };
  return { pod, at, had };
}

const greaterOf = (before: string | undefined, bytes: number | undefined): string | undefined =>
  bytes === undefined || bytes <= (amount(before) ?? 0) ? before : textOf(bytes, 'memory');

/** Of a component's memory of this lever. */
export function rememberedKill(memory: UnitMemory | undefined, now: number): MemoryKill | undefined {
  const { oomKilledAt, oomKilledPod: pod, oomRequest: requests, oomLimit: limits } = memory?.applied ?? {};
  const at = Number(oomKilledAt ?? NaN);
  if (pod === undefined || !(now - at <= oomHeldMs)) return undefined;
  return { pod, at, had: { requests, limits } };
}

/** The memory with the kill that counts now, and without one that is over. */
export function withKill({ applied, ...rest }: UnitMemory, kill: MemoryKill | undefined): UnitMemory {
  const others = Object.fromEntries(Object.entries(applied ?? {}).filter(([key]) => !key.startsWith('oom')));
  if (kill === undefined) return { ...rest, applied: others };
  const { requests, limits } = kill.had;
  const had = {
    ...(requests !== undefined && { oomRequest: requests }),
    ...(limits !== undefined && { oomLimit: limits }),
  };
  return { ...rest, applied: { ...others, oomKilledAt: String(kill.at), oomKilledPod: kill.pod, ...had } };
}

/** No less memory than the one that was killed had. The request too: a limit alone would change the class of a Pod, which no API server takes. */
export const flooredBy = (kill: MemoryKill | undefined, amounts: readonly Amount[]): readonly Amount[] =>
  amounts.map((one) => {
    const had = one.resource === 'memory' ? kill?.had[one.list] : undefined;
    return had !== undefined && isLessMemory({ ...one, from: had }) ? { ...one, text: had } : one;
  });

/** With what there is, as people write it. */
type Seen = Amount & { readonly from: string | undefined };

const isLessMemory = ({ resource, text, from }: Seen): boolean =>
  resource === 'memory' && quantity(text) < (amount(from) ?? 0);

/** What stays as it is after a kill: where less memory is declared than there is, and a limit below a request that stays, which no API server takes. */
export function heldMemory<One extends Seen>(amounts: readonly One[]): readonly One[] {
  const request = amounts.find((one) => one.list === 'requests' && isLessMemory(one))?.from;
  return amounts.filter(
    (one) => isLessMemory(one) || (one.list === 'limits' && isLessMemory({ ...one, from: request })),
  );
}

export function heldByOom({ pod, at, had }: MemoryKill, wanted: string): PlannedCondition {
  const until = new Date(at + oomHeldMs).toISOString().slice(0, 16);
  const limit = had.limits === undefined ? '' : `, or than the ${had.limits} that one was killed with`;
  const message = problemMessage({
    saw: `Pod ${pod} killed for its memory at ${new Date(at).toISOString().slice(0, 16)}Z`,
    wanted,
    next: `declare at least what there is, or wait until ${until}Z: so long no Pod gets less memory than it has${limit}`,
  });
  return { status: 'False', reason: 'MemoryHeld', message };
}
