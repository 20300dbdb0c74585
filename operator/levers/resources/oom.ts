import { problemMessage } from '../../api/problem.ts';
import { amount, quantity } from '../../api/quantity.ts';
import type { PodView } from '../../metrics/pod-view.ts';
import type { PlannedCondition, UnitMemory } from '../lever.ts';
import { oomHeldMs, oomKillIn, type OomKill } from '../oom-kill.ts';
import { textOf, type Amount } from './amounts.ts';

/** With what its container had then, as it is sent: least that any Pod gets for a day. */
export interface MemoryKill extends OomKill {
  readonly had: { readonly requests?: string | undefined; readonly limits?: string | undefined };
}

interface Moment {
  readonly pods: readonly PodView[];
  /** The one that is sized. */
  readonly container: string;
  /** What was remembered of the kills before: the Pod may be gone. */
  readonly memory: UnitMemory | undefined;
  readonly now: number;
}

/** The newest that still counts, with what stood there when it was first seen. */
export function memoryKillOf({ pods, container, memory, now }: Moment): MemoryKill | undefined {
  const before = rememberedKill(memory, now);
  const kill = oomKillIn(pods, now);
  if (kill === undefined || kill.at <= (before?.at ?? -Infinity)) return before;
  const pod = pods.find(({ name }) => name === kill.pod);
  const { memoryRequest, memoryLimit } = pod?.containers.find(({ name }) => name === container) ?? {};
  if (memoryLimit === undefined || pod?.resize !== undefined) return { ...kill, had: before?.had ?? {} }; // a limit that is not in force yet killed nobody
  const requests = memoryRequest === undefined ? undefined : textOf(memoryRequest, 'memory');
  return { ...kill, had: { requests, limits: textOf(memoryLimit, 'memory') } };
}

/** Of a component's memory of this lever. */
export function rememberedKill(memory: UnitMemory | undefined, now: number): MemoryKill | undefined {
  const { oomKilledAt, oomKilledPod: pod, oomRequest: requests, oomLimit: limits } = memory?.applied ?? {};
  const at = Number(oomKilledAt ?? NaN);
  return pod === undefined || !(now - at <= oomHeldMs) ? undefined : { pod, at, had: { requests, limits } };
}

/** The memory with the kill that counts now, and without one that is over. */
export function withKill({ applied, ...rest }: UnitMemory, kill: MemoryKill | undefined): UnitMemory {
  const { oomKilledAt: _, oomKilledPod: __, oomRequest: ___, oomLimit: ____, ...others } = applied ?? {};
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
  const limit = had.limits === undefined ? '' : ` with a limit of ${had.limits}`;
  const message = problemMessage({
    saw: `Pod ${pod} killed for its memory at ${new Date(at).toISOString().slice(0, 16)}Z${limit}`,
    wanted,
    next: `declare at least what there is, or wait until ${until}Z: so long no Pod gets less memory than it has, or than that one had`,
  });
  return { status: 'False', reason: 'MemoryHeld', message };
}
