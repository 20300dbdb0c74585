import { chooseSource, type SourceSeen } from '../../decide/source-choice.ts';
import { stateOf, type PodView } from '../pod-view.ts';
import type { SourceType } from '../../api/metric-source.ts';
import type { ReadFailure, ReadResult, Source } from './source.ts';

export interface ChoiceOptions {
  /** By preference; at least one. */
  readonly sources: readonly [Source, ...Source[]];
  readonly intervalMs: number;
  /** What was read before this process began: it is sticky beyond that. */
  readonly begin?: SourceType | undefined;
  /** ms of a clock that never jumps. */
  readonly clock?: () => number;
  /** ms since the epoch: for the age of Pods. */
  readonly now?: () => number;
}

/** Looks, an interval apart, that all have to fail. */
const failingLooks = 3;
/** How long a better source has to work again; a few looks where the one that is read has no load to tell of. */
const dwellMs = 5 * 60_000;
/** A source that looks at Pods from afar learns of a new one this late. */
const newPodMs = 2 * 60_000;

interface Candidate extends SourceSeen {
  readonly source: Source;
  workingSince: number | undefined;
  failingSince: number | undefined;
  failure: ReadFailure | undefined;
  failures: number;
  triedAt: number;
}

/** One of several sources, as `chooseSource` says; the better ones are tried on one Pod at a time, ever more seldom while they fail. */
export function choiceOf(options: ChoiceOptions): Source {
  const { sources, intervalMs, clock = () => performance.now(), now = () => Date.now() } = options;
  const candidates = sources.map(unknown);
  let current = Math.max(
    0,
    sources.findIndex(({ type }) => type === options.begin),
  );
  const chosen = (): Candidate => candidates[current] ?? unknown(sources[0]);
  const choose = (): boolean => {
    const failAfterMs = (failingLooks - 1) * intervalMs;
    const next = chooseSource({
      current,
      seen: candidates,
      now: clock(),
      failAfterMs,
      dwellMs: chosen().source.type === 'Resource' ? failAfterMs : dwellMs,
    });
    if (next === current) return false;
    current = next;
    for (const [index, { source }] of candidates.entries()) if (index > next) candidates[index] = unknown(source);
    return true;
  };
  const look = async (candidate: Candidate, pod: PodView, signal: AbortSignal): Promise<ReadResult> => {
    candidate.triedAt = clock();
    const result = await candidate.source.read(pod, signal);
    note(candidate, result, { at: clock(), isNew: isNew(pod, now()) });
    return result;
  };
  return {
    get type() {
      return chosen().source.type;
    },
    get usage() {
      return chosen().source.usage;
    },
    id: JSON.stringify(sources.map(({ id }) => id)),
    forget(uid) {
      for (const { source } of candidates) source.forget(uid);
    },
    passedOver: () =>
      candidates
        .slice(0, current)
        .flatMap(({ source: { type }, failure }) => (failure === undefined ? [] : [{ type, failure }])),
    async read(pod, signal) {
      const at = clock();
      const due = candidates.slice(0, current).filter((one) => at - one.triedAt >= pauseMs(one, intervalMs));
      const [result] = await Promise.all([look(chosen(), pod, signal), ...due.map((one) => look(one, pod, signal))]);
      return choose() && !signal.aborted ? look(chosen(), pod, signal) : result;
    },
  };
}

const unknown = (source: Source): Candidate => ({
  source,
  workingSince: undefined,
  failingSince: undefined,
  failure: undefined,
  failures: 0,
  triedAt: -Infinity,
});

/** An interval, and up to eight after failures in a row: one that hangs holds up the look at its Pod each time. */
const pauseMs = ({ failures }: Candidate, intervalMs: number): number => intervalMs * 2 ** Math.min(failures, 3);

const isNew = (pod: PodView, now: number): boolean =>
  stateOf(pod) !== 'Ready' || pod.readySince === undefined || now - pod.readySince < newPodMs;

function note(
  candidate: Candidate,
  result: ReadResult,
  { at, isNew: isNewPod }: { readonly at: number; readonly isNew: boolean },
): void {
  if (result.result === 'read') {
    Object.assign(candidate, { workingSince: candidate.workingSince ?? at, failingSince: undefined });
    Object.assign(candidate, { failure: undefined, failures: 0 });
    return;
  }
  if (result.failure.reason === 'NoFigures' && isNewPod) return; // it says nothing of the source
  candidate.workingSince = undefined;
  candidate.failingSince ??= at;
  candidate.failure = result.failure;
  candidate.failures += 1;
}
