import { problemMessage } from '../../api/problem.ts';
import { amount, quantity } from '../../api/quantity.ts';
import type { PlannedCondition } from '../lever.ts';
import { oomHeldMs, type OomKill } from '../oom-kill.ts';
import type { Amount } from './amounts.ts';

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

export function heldByOom({ pod, at }: OomKill, wanted: string): PlannedCondition {
  const until = new Date(at + oomHeldMs).toISOString().slice(0, 16);
  const message = problemMessage({
    saw: `Pod ${pod} killed for its memory at ${new Date(at).toISOString().slice(0, 16)}Z`,
    wanted,
    next: `declare at least what there is, or wait until ${until}Z: so long no Pod gets less memory than it has`,
  });
  return { status: 'False', reason: 'MemoryHeld', message };
}
