import { slotTimes, type Span } from './slot-times.ts';
import { noWork, type PodWork } from './weights.ts';

/** `Shed`: the Pod has turned it away (429). `Cut`: the client went away, which is no matter of the Pod. */
export type RequestResult = 'Served' | 'Failed' | 'Shed' | 'Cut';

export interface DoneRequest extends Span {
  readonly result: RequestResult;
}

/** What a Pod did. What it has turned away had none of its slots, and counts as an error: who does so at once would look fast, and idle. @param before Requests that ended earlier: some were under way beside these. */
export function podWork(done: readonly DoneRequest[], before: readonly DoneRequest[], slots: number): PodWork {
  const [kept, earlier] = [done.filter(hadSlot), before.filter(hadSlot)];
  const times = slotTimes([...earlier, ...kept], slots).slice(earlier.length);
  const shed = { ...noWork, failed: done.length - kept.length };
  return kept.reduce<PodWork>((work, { result }, index) => {
    const ms = times[index] ?? 0;
    return {
      served: work.served + (result === 'Served' ? 1 : 0),
      failed: work.failed + (result === 'Failed' ? 1 : 0),
      servedMs: work.servedMs + (result === 'Served' ? ms : 0),
      busyMs: work.busyMs + ms,
    };
  }, shed);
}

const hadSlot = ({ result }: DoneRequest): boolean => result !== 'Shed';
