import { ApiError } from './api-error.ts';
import { openDeadline, type Deadline } from './deadline.ts';
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
  /** For one reconcile, in ms. Default 30 000. Its signal is aborted then; one that does not heed it keeps its key but, a second later, not its place. */
  readonly timeoutMs?: number;
  /** What running reconciles get after an abort before their signals are aborted too, in ms. Default 5000. */
  readonly drainMs?: number;
  readonly logger: Logger;
  readonly metrics?: LoopMetrics | undefined;
}

interface LoopMetrics {
  reconciled(loop: string, result: LoopResult, seconds: number): void;
}

type LoopResult = 'success' | 'requeued' | 'error' | 'timeout';

export interface Loop {
  readonly name: string;
  /** Resolves when the loop was aborted and everything that ran has ended, or is stuck. */
  readonly ended: Promise<void>;
  /** Keys whose reconcile was told to stop and has not. */
  readonly stuck: ReadonlySet<Key>;
  /** False when it no longer takes keys though it was not told to stop, or when as many reconciles are stuck as may run at a time. */
  isAlive(): boolean;
}

/** A reconcile that was told to stop has so long to do it. */
const graceMs = 1000;

/** Runs until `signal` is aborted. */
export function startLoop(options: LoopOptions, signal: AbortSignal): Loop {
  const { name, queue, concurrency = 16, drainMs = 5000 } = options;
  const stuck = new Set<Key>();
  const running = new Set<Promise<void>>();
  const hardStop = new AbortController();
  let onFreePlace: (() => void) | undefined;
  let isPumping = true;

  const start = (key: Key) => {
    const run = runOne(options, key, stuck, hardStop.signal).finally(() => {
      running.delete(run);
      onFreePlace?.();
    });
    running.add(run);
  };
  const pump = async () => {
    for (;;) {
      start(await queue.take(signal));
      while (running.size >= concurrency) await new Promise<void>((resolve) => (onFreePlace = resolve));
    }
  };
  const run = async () => {
    signal.addEventListener('abort', () => setTimeout(() => hardStop.abort(signal.reason), drainMs).unref(), {
      once: true,
    });
    await pump().catch((error: unknown) => {
      if (!signal.aborted) options.logger.error('loop ended', { loop: name, error });
    });
    isPumping = signal.aborted;
    await Promise.all(running);
  };
  return { name, ended: run(), stuck, isAlive: () => isPumping && stuck.size < concurrency };
}

/** Never throws. Resolves when the reconcile has ended, or has not though it was told to. */
async function runOne(options: LoopOptions, key: Key, stuck: Set<Key>, stop: AbortSignal): Promise<void> {
  const { name, timeoutMs = 30_000, logger } = options;
  const deadline = openDeadline(stop, timeoutMs);
  const run = async () => {
    using _ = deadline;
    const began = performance.now();
    const result = await settle(options, key, deadline);
    options.metrics?.reconciled(name, result, (performance.now() - began) / 1000);
    if (stuck.delete(key)) logger.warn('a stuck reconcile has ended', { loop: name, key });
    return 'ended' as const;
  };
  const first = await Promise.race([run(), overdue(deadline.signal)]);
  if (first === 'ended') return;
  stuck.add(key);
  logger.error('reconcile does not heed its signal', { loop: name, key, timeoutMs });
}

async function settle(
  { name, queue, reconcile, logger }: LoopOptions,
  key: Key,
  deadline: Deadline,
): Promise<LoopResult> {
  try {
    const next = await reconcile(key, deadline.signal);
    queue.done(key);
    if (next.action === 'awaitChange') return 'success';
    queue.addAfter(key, next.delayMs);
    return 'requeued';
  } catch (error) {
    const retryMs = Math.round(queue.retry(key));
    const result = deadline.isOver ? 'timeout' : 'error';
    const isToldToStop = deadline.signal.aborted && !deadline.isOver;
    const level = isToldToStop || isNoNews(error) ? 'debug' : 'warn';
    logger[level]('reconcile failed', { loop: name, key, result, error, retryMs });
    return result;
  }
}

/** What happens where several write, or a namespace goes. */
const isNoNews = (error: unknown): boolean =>
  error instanceof ApiError && (error.isStale || error.isNamespaceTerminating);

/** Resolves a moment after the signal's abort. The timer is unreferenced: it may outlive what it watches. */
function overdue(signal: AbortSignal): Promise<'overdue'> {
  const { promise, resolve } = Promise.withResolvers<'overdue'>();
  const wait = () => setTimeout(() => resolve('overdue'), graceMs).unref();
  if (signal.aborted) wait();
  else signal.addEventListener('abort', wait, { once: true });
  return promise;
}
