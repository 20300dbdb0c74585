import type { SourceType } from '../../api/metric-source.ts';
import type { PodView } from '../pod-view.ts';
import type { Reading } from '../reading.ts';

/** One way to learn the figures of a component's Pods. */
export interface Source {
  readonly type: SourceType;
  /** Equal for equal settings: a source that only looks new is not exchanged, so that what it knows of its Pods is kept. */
  readonly id: string;
  /** Looks at one Pod. What can be expected to go wrong is a value; the signal's time-out is one of these. */
  read(pod: PodView, signal: AbortSignal): Promise<ReadResult>;
  /** CPU and memory alone, from elsewhere: for a Pod that fails, between two looks. */
  readonly usage?: ((pod: PodView, signal: AbortSignal) => Promise<ReadResult>) | undefined;
  /** Drops what is kept of a Pod that is gone. */
  forget(uid: string): void;
  /** Sources that would rather be read and cannot be, best first; of a choice only. */
  passedOver?(): readonly PassedOver[];
}

export interface PassedOver {
  readonly type: SourceType;
  readonly failure: ReadFailure;
}

export type ReadResult =
  | { readonly result: 'read'; readonly reading: Reading }
  /** `usage`: CPU and memory, where they are known from elsewhere all the same. */
  | { readonly result: 'failed'; readonly failure: ReadFailure; readonly usage?: Reading };

export interface ReadFailure {
  readonly reason:
    | 'NoPort'
    | 'AddressRefused'
    | 'TimedOut'
    | 'Unreachable'
    | 'BadStatus'
    | 'Redirected'
    | 'TooLarge'
    | 'NotText'
    | 'NotUnderstood' // it answers in time and in its format, and what it says is none of ours
    | 'NoFigures' // it answers, and does not have this Pod
    | 'Secret';
  /** What was seen, in plain words. */
  readonly message: string;
  /** What a person can do, where it is more than looking at ports and networks. */
  readonly next?: string;
}

export const failed = (
  reason: ReadFailure['reason'],
  message: string,
  next?: string,
): { readonly result: 'failed'; readonly failure: ReadFailure } => ({
  result: 'failed',
  failure: { reason, message, ...(next === undefined ? {} : { next }) },
});

/** Of a stranger: short, one line. */
export const words = (value: unknown): string =>
  typeof value === 'string' ? value.replaceAll(/\s+/g, ' ').slice(0, 300) : typeof value;
