import { slotTimes, type Span } from './slot-times.ts';
import { noWork, type PodWork } from './weights.ts';

/** `Cut`: the client went away, which is no matter of the Pod. */
export type RequestResult = 'Served' | 'Failed' | 'Cut';

export interface DoneRequest extends Span {
  readonly result: RequestResult;
}

/** What a Pod did. @param before Requests that ended earlier: some were under way beside these. */
export function podWork(done: readonly DoneRequest[], before: readonly Span[], slots: number): PodWork {
  const times = slotTimes([...before, ...done], slots).slice(before.length);
  return done.reduce<PodWork>((work, { result }, index) => {
    const ms = times[index] ?? 0;
    return {
      served: work.served + (result === 'Served' ? 1 : 0),
      failed: work.failed + (result === 'Failed' ? 1 : 0),
      servedMs: work.servedMs + (result === 'Served' ? ms : 0),
      busyMs: work.busyMs + ms,
    };
  }, noWork);
}
