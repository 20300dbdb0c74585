import type { Backoff } from './backoff.ts';
import type { Key } from './object.ts';

/**
 * Keys to be worked on. A key is in it at most once, and never given out while it is being worked on: added meanwhile, it comes again afterwards.
 * Fresh keys go before those that are due again or retried, so that the first new object does not wait for the last retry.
 */
export interface Queue {
  readonly name: string;
  /** Something changed: as soon as possible. */
  add(key: Key): void;
  /** In `delayMs`; the earlier of two times wins, and any other run takes the appointment's place. */
  addAfter(key: Key, delayMs: number): void;
  /** The next key, once there is one. Rejects with the signal's reason. Each taken key must be given back. */
  take(signal: AbortSignal): Promise<Key>;
  /** Gives a key back; it succeeded and its back-off starts anew. */
  done(key: Key): void;
  /** Gives a key back; it failed and comes again after its own back-off, of which the delay is returned in ms. */
  retry(key: Key): number;
  /** Keys that could be taken now. */
  readonly depth: number;
}

export interface QueueOptions {
  readonly name: string;
  /** Default 50 ms to 60 s. */
  readonly backoff?: Backoff;
  readonly metrics?: QueueMetrics | undefined;
  /** [0, 1); for the jitter. */
  readonly random?: () => number;
}

export interface QueueMetrics {
  depth(queue: string, keys: number): void;
  /** How long a key that was ready has waited. */
  waited(queue: string, seconds: number): void;
}

/** Holds one timer, and only while something is due later. */
export declare function createQueue(options: QueueOptions): Queue;
