import { setTimeout as sleep } from 'node:timers/promises';

import { isRefusal, type ApiError } from './api-error.ts';
import type { Kube } from './client.ts';
import { openDeadline } from './deadline.ts';
import { LeaseHolder, type Holder, type LeaseState } from './lease.ts';
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
  /** What we say of ourselves on the Lease while we have it. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Told at each look who has the Lease. */
  readonly onHolder?: ((holder: Holder) => void) | undefined;
  readonly logger: Logger;
}

/** The first attempt was refused, in a way that waiting does not change: there is no such namespace (404), or no right to its Leases (403). */
export class LeaseRefused extends Error {
  override readonly name = 'LeaseRefused';
  readonly refusal: ApiError;

  constructor(refusal: ApiError) {
    super(refusal.message, { cause: refusal });
    this.refusal = refusal;
  }
}

/**
 * Waits until this process is the leader, then runs `work`. Lost the Lease, it aborts `work`, waits for its end and competes again.
 * Resolves when `signal` is aborted, `work` has ended and the Lease is released, so that the next start need not wait 15 s.
 *
 * @throws {LeaseRefused}; and what `work` throws otherwise than by its abort, after the Lease is released.
 */
export async function lead(
  options: LeaderOptions,
  work: (leadership: Leadership) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { leaseMs = 15_000, renewDeadlineMs = 10_000, renewMs = 5000, retryMs = 2000 } = options;
  if (renewDeadlineMs >= leaseMs || renewMs + retryMs > renewDeadlineMs) {
    throw new RangeError(
      `saw renew ${renewMs}, retry ${retryMs}, deadline ${renewDeadlineMs}, lease ${leaseMs} ms; wanted renew + retry <= deadline < lease`,
    );
  }
  const candidate = new Candidate({ ...options, leaseMs, renewDeadlineMs, renewMs, retryMs });
  while (await candidate.wait(signal)) {
    await candidate.lead(work, signal);
    if (signal.aborted) return;
  }
}

/** `kube`, but its writes are refused once the leadership is not held: a process that was frozen in the middle of a reconcile cannot act over its successor. */
export function fenced(kube: Kube, leadership: Pick<Leadership, 'isHeld'>): Kube {
  const check = () => {
    if (!leadership.isHeld()) throw new Error('not the leader any more: nothing is written');
  };
  return {
    ...kube,
    create: async (...write) => (check(), kube.create(...write)),
    update: async (...write) => (check(), kube.update(...write)),
    apply: async (...write) => (check(), kube.apply(...write)),
    patch: async (...write) => (check(), kube.patch(...write)),
    delete: async (...write) => (check(), kube.delete(...write)),
    raw: async (request, signal) => {
      if ((request.method ?? 'GET') !== 'GET') check();
      return kube.raw(request, signal);
    },
  };
}

type Settled = LeaderOptions & Required<Pick<LeaderOptions, 'leaseMs' | 'renewDeadlineMs' | 'renewMs' | 'retryMs'>>;

class Candidate {
  readonly #options: Settled;
  readonly #lease: LeaseHolder;
  /** For the log. */
  readonly #name: string;
  #leader: string | undefined;
  #wasReached = false;
  /** On our own clock. */
  #heldUntil = 0;

  constructor(options: Settled) {
    this.#options = options;
    this.#name = `${options.namespace}/${options.name}`;
    this.#lease = new LeaseHolder(options);
  }

  /** True when we have the Lease; false when the signal was aborted before. */
  async wait(signal: AbortSignal): Promise<boolean> {
    const { retryMs } = this.#options;
    while (!signal.aborted) {
      if ((await this.#try(retryMs * 2.5, signal)) === 'ours') return true;
      await pause(retryMs * (1 + 0.2 * Math.random()), signal);
    }
    return false;
  }

  async lead(work: (leadership: Leadership) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { logger, identity } = this.#options;
    const name = this.#name;
    const loss = new AbortController();
    const stop = () => loss.abort(signal.reason);
    const finished = new AbortController();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    logger.info('leader', { lease: name, identity });
    const isHeld = () => clock() < this.#heldUntil;
    const working = work({ signal: loss.signal, isHeld }).finally(() => finished.abort());
    // renewed until the work has ended, also while it stops: nobody takes over while we still act
    const renewing = this.#renew(finished.signal).then(
      (isLost) => isLost && loss.abort(new Error(`lost the Lease ${name}`)),
    );
    try {
      await working.catch((error: unknown) => {
        if (!loss.signal.aborted) throw error;
        if (error !== loss.signal.reason) logger.warn('stopped with an error', { lease: name, error });
      });
    } finally {
      await renewing;
      signal.removeEventListener('abort', stop);
      if (isHeld()) await this.#release();
      this.#heldUntil = 0;
    }
  }

  /** Resolves with true when the Lease is lost, with false when `finished` is aborted. */
  async #renew(finished: AbortSignal): Promise<boolean> {
    const { renewMs, retryMs, logger } = this.#options;
    const never = new AbortController().signal;
    for (let state: LeaseState | 'failed' = 'ours'; !finished.aborted;) {
      const leftMs = this.#heldUntil - clock();
      await pause(Math.min(leftMs, state === 'ours' ? renewMs : retryMs), finished);
      if (finished.aborted) return false;
      const requestMs = Math.min(this.#heldUntil - clock(), retryMs * 2.5);
      state = requestMs > 0 ? await this.#try(requestMs, never) : 'failed'; // not cut off: the release needs its answer
      if (finished.aborted) return false;
      if (state !== 'theirs' && clock() < this.#heldUntil) continue;
      this.#heldUntil = 0;
      logger.error('leadership lost', {
        lease: this.#name,
        why: state === 'theirs' ? `${this.#leader} has it` : 'it could not be renewed in time',
      });
      return true;
    }
    return false;
  }

  async #try(timeoutMs: number, signal: AbortSignal): Promise<LeaseState | 'failed'> {
    const began = clock();
    using deadline = openDeadline(signal, timeoutMs);
    try {
      const { state, ...seen } = await this.#lease.acquire(began, deadline.signal);
      this.#wasReached = true;
      if (state === 'ours') this.#heldUntil = began + this.#options.renewDeadlineMs; // from before the request: others count from when it arrived
      this.#tell(seen);
      return state;
    } catch (error) {
      if (!this.#wasReached && isRefusal(error)) throw new LeaseRefused(error);
      if (!signal.aborted) this.#options.logger.warn('Lease not reached', { lease: this.#name, error });
      return 'failed';
    }
  }

  async #release(): Promise<void> {
    using deadline = openDeadline(new AbortController().signal, 3000);
    try {
      await this.#lease.release(deadline.signal);
      this.#tell({ holder: '', annotations: {} });
    } catch (error) {
      this.#options.logger.warn('Lease not released: the next leader has to wait for its end', {
        lease: this.#name,
        error,
      });
    }
  }

  #tell(seen: Holder): void {
    const { holder } = seen;
    this.#options.onHolder?.(seen);
    if (holder === this.#leader) return;
    this.#leader = holder;
    if (holder === '' || holder === this.#options.identity) return;
    this.#options.logger.info('another one leads: waiting', { lease: this.#name, leader: holder });
  }
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, delayMs), undefined, { signal }).catch(() => undefined); // an abort ends the loop that called
}

/** Milliseconds of the machine's steady clock. It goes on while the process is stopped, which is what matters here. */
function clock(): number {
  return performance.now();
}
