import type { Logger } from './logger.ts';
import type { Key } from './object.ts';
import type { Queue } from './queue.ts';

/**
 * Brings what the key names to the state that is wanted. Reads the whole state and never asks what woke it.
 * Throws for what it did not expect: the loop logs it and comes back after the key's back-off.
 */
export type Reconcile = (key: Key, signal: AbortSignal) => Promise<Next>;

/** When to look at the key again: not before something changes, or at the latest after a while. */
export type Next = { readonly action: 'awaitChange' } | { readonly action: 'requeueAfter'; readonly delayMs: number };

export const awaitChange: Next = { action: 'awaitChange' };

export function requeueAfter(delayMs: number): Next {
  return { action: 'requeueAfter', delayMs };
}

export interface LoopOptions {
  readonly name: string;
  readonly queue: Queue;
  readonly reconcile: Reconcile;
  /** Keys at a time. Default 16. */
  readonly concurrency?: number;
  /** For one reconcile, in ms. Default 30 000. Its signal is aborted then; one that does not heed it keeps its key but not its place. */
  readonly timeoutMs?: number;
  /** What running reconciles get after an abort before their signals are aborted too, in ms. Default 5000. */
  readonly drainMs?: number;
  readonly logger: Logger;
  readonly metrics?: LoopMetrics | undefined;
}

export interface LoopMetrics {
  reconciled(loop: string, result: 'success' | 'requeued' | 'error' | 'timeout', seconds: number): void;
}

export interface Loop {
  readonly name: string;
  /** Resolves when the loop was aborted and everything that ran has ended. */
  readonly ended: Promise<void>;
  /** Keys whose reconcile was told to stop at its time-out and has not. */
  readonly stuck: readonly Key[];
  /** False when it no longer takes keys though it was not told to stop. */
  isAlive(): boolean;
}

/** Runs until `signal` is aborted. */
export declare function startLoop(options: LoopOptions, signal: AbortSignal): Loop;
