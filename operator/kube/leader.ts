import type { Kube } from './client.ts';
import type { Logger } from './logger.ts';

export interface Leadership {
  /** Aborted as soon as we are, or may be, no longer the leader. */
  readonly signal: AbortSignal;
  /** False from the moment at which another may believe to be the leader, also when no timer has had the chance to fire (a frozen process). */
  isHeld(): boolean;
}

export interface LeaderOptions {
  readonly kube: Kube;
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Unique for each process: Pod name and a random part. */
  readonly identity: string;
  /** Others wait so long after the last renewal they saw. Default 15 000 ms, as client-go. */
  readonly leaseMs?: number;
  /** We stop acting so long after our last renewal. Default 10 000 ms, as client-go. */
  readonly renewDeadlineMs?: number;
  /** Between renewals. Default 5000 ms: 0.2 requests a second. */
  readonly renewMs?: number;
  /** Between attempts to become the leader, and after a failed renewal. Default 2000 ms, as client-go. */
  readonly retryMs?: number;
  readonly logger: Logger;
  /** Who leads, whenever that changes; '' when nobody does. */
  readonly onLeader?: (identity: string) => void;
}

/**
 * Waits until this process is the leader, then runs `work`. Lost the Lease, it aborts `work`, waits for its end and competes again.
 * Resolves when `signal` is aborted, `work` has ended and the Lease is released, so that the next start need not wait 15 s.
 *
 * @throws what `work` throws otherwise than by its abort, after the Lease is released.
 */
export declare function lead(
  options: LeaderOptions,
  work: (leadership: Leadership) => Promise<void>,
  signal: AbortSignal,
): Promise<void>;

/** `kube`, but its writes are refused once the leadership is not held: a process that was frozen in the middle of a reconcile cannot act over its successor. */
export declare function fenced(kube: Kube, leadership: Pick<Leadership, 'isHeld'>): Kube;
