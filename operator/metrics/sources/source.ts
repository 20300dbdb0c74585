import type { PodView } from '../pod-view.ts';
import type { Reading } from '../reading.ts';

/** One way to learn the figures of a component's Pods. */
export interface Source {
  readonly type: 'Pods' | 'HTTP' | 'Resource' | 'Prometheus';
  /** Equal for equal settings: a source that only looks new is not exchanged, so that what it knows of its Pods is kept. */
  readonly id: string;
  /** Looks at one Pod. What can be expected to go wrong is a value; the signal's time-out is one of these. */
  read(pod: PodView, signal: AbortSignal): Promise<ReadResult>;
  /** Drops what is kept of a Pod that is gone. */
  forget(uid: string): void;
}

export type ReadResult =
  { readonly result: 'read'; readonly reading: Reading } | { readonly result: 'failed'; readonly failure: ReadFailure };

export interface ReadFailure {
  readonly reason:
    'NoPort' | 'AddressRefused' | 'TimedOut' | 'Unreachable' | 'BadStatus' | 'Redirected' | 'TooLarge' | 'NotText';
  /** What was seen, in plain words. */
  readonly message: string;
}
