import { setImmediate as yieldToIo, setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'undici';
import { createRandom } from '../random.ts';
import { arrivals, type ArrivalKind } from './arrivals.ts';
import { targetGuard } from './guard.ts';
import { durationSeconds, totalRequests, type Profile } from './profile.ts';
import { Recorder, type Latency, type Result, type Second } from './recorder.ts';
import { requestPicker, type RequestKind } from './requests.ts';
import { openTargets, type Targets } from './targets.ts';

export interface LoadOptions {
  readonly profile: Profile;
  /** Default Poisson. */
  readonly arrivals?: ArrivalKind;
  /** Default 1: the same seed sends the same requests at the same times. */
  readonly seed?: number;
  /**
   * Base URLs (`http://10.244.0.7:8080`), asked for each second and taken in turn. Give Pod addresses: behind one Service address a kept connection
   * stays with the Pod it first reached, so new Pods would get nothing; where it must be the Service's, set `connectionLifetimeMs`.
   */
  readonly targets: () => readonly string[];
  readonly requests: readonly RequestKind[];
  /** CIDRs of the test cluster's Pods and Services. Everything else but loopback is refused. */
  readonly allow?: readonly string[];
  /** Default 1000: beyond it a due request is not sent but counted as refused. */
  readonly maxInFlight?: number;
  /** Default 65 s, and about half a second coarse. */
  readonly timeoutMs?: number;
  readonly connectionLifetimeMs?: number;
  /** Called as each second ends. */
  readonly onSecond?: (second: Second) => void;
}

export interface LoadSummary {
  /** False: the signal ended it before the profile's end. */
  readonly complete: boolean;
  readonly seconds: readonly Second[];
  readonly sent: number;
  readonly done: number;
  readonly errors: number;
  readonly refused: number;
  /** Answers by status code. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<'Connection' | 'TimedOut' | 'CutOff', number>>;
  /** From due to the last byte, of everything done; null: nothing was. */
  readonly latency: Latency | null;
  /** How late the generator itself was: when it is not far below `latency`, that says more of this machine than of the server. */
  readonly startDelay: Latency | null;
}

const limits = { requests: 2_000_000, seconds: 3600 };

/**
 * Sends requests when they are due, however the server does (an open loop), and counts each from then.
 *
 * An abort of `signal` ends the load and still gives the account of it.
 *
 * @throws RangeError for a load beyond an hour or two million requests; ForeignTarget for one that is aimed elsewhere.
 */
export async function runLoad(options: LoadOptions, signal: AbortSignal): Promise<LoadSummary> {
  const { profile, timeoutMs = 65_000, allow = [], connectionLifetimeMs } = options;
  checkSize(profile);
  const guard = targetGuard(allow);
  await using targets = openTargets({ read: options.targets, guard, timeoutMs, connectionLifetimeMs });
  targets.refresh();
  const recorder = new Recorder();
  const started = performance.now();
  const clock = () => performance.now() - started;
  // Each of the two ends the other: the last answer ends the ticking, a tick that throws (a foreign target) ends the sending.
  const [sent, broken] = [new AbortController(), new AbortController()];
  const running = { targets, recorder, clock };
  const sending = sendAll(options, running, AbortSignal.any([signal, broken.signal])).finally(() => sent.abort());
  const ticking = tickEachSecond(options, running, sent.signal).finally(() => broken.abort());
  const [complete] = await Promise.all([sending, ticking]);
  const { seconds, statuses, failures } = recorder;
  return { complete, seconds, statuses, failures, ...recorder.totals() };
}

interface Running {
  readonly targets: Targets;
  readonly recorder: Recorder;
  /** ms from the start. */
  readonly clock: () => number;
}

/** @returns Whether everything that was due has been sent and has ended. */
async function sendAll(options: LoadOptions, running: Running, signal: AbortSignal): Promise<boolean> {
  const { seed = 1, arrivals: kind = 'Poisson', maxInFlight = 1000 } = options;
  const { targets, recorder, clock } = running;
  const pick = requestPicker(options.requests, createRandom(seed + 1));
  const flights = new Set<Promise<void>>();
  let sinceYield = 0;
  try {
    for (const dueMs of arrivals(options.profile, kind, seed)) {
      const waitMs = dueMs - clock();
      if (waitMs > 0) await delay(waitMs, undefined, { signal });
      else if ((sinceYield = (sinceYield + 1) % 16) === 0) await yieldToIo(undefined, { signal }); // late or not: answers must get in
      if (recorder.inFlight >= maxInFlight) {
        recorder.refused();
        continue;
      }
      const flight = recorder.sent(dueMs, clock());
      const ended = send(targets.next(), pick(), signal).then((result) => recorder.ended(flight, result, clock()));
      flights.add(ended);
      void ended.finally(() => flights.delete(ended));
    }
    await delay(Math.max(durationSeconds(options.profile) * 1000 - clock(), 0), undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  await Promise.all(flights);
  return !signal.aborted;
}

async function send(pool: Pool | undefined, { method, path }: RequestKind, signal: AbortSignal): Promise<Result> {
  if (pool === undefined) return { failure: 'Connection' };
  try {
    const { statusCode, body } = await pool.request({ method, path, signal });
    await body.dump({ limit: 2 ** 21 });
    return { status: statusCode };
  } catch (error) {
    if (signal.aborted) return { failure: 'CutOff' };
    return { failure: isTimeout(error) ? 'TimedOut' : 'Connection' };
  }
}

async function tickEachSecond(options: LoadOptions, running: Running, signal: AbortSignal): Promise<void> {
  const { targets, recorder, clock } = running;
  for (let second = 1; !signal.aborted; second += 1) {
    await delay(Math.max(second * 1000 - clock(), 0), undefined, { signal }).catch(() => undefined); // the last one is cut short
    if (signal.aborted && !recorder.hasNews) return;
    targets.refresh();
    const ended = recorder.tick(clock()); // also where nobody listens: the account has every second
    options.onSecond?.(ended);
  }
}

function checkSize(profile: Profile): void {
  const [requests, seconds] = [totalRequests(profile), durationSeconds(profile)];
  if (requests > limits.requests || seconds > limits.seconds)
    throw new RangeError(
      `the profile asks for ${Math.round(requests)} requests in ${seconds} s; wanted at most ${limits.requests} in ${limits.seconds} s`,
    );
}

function isTimeout(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && /^UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT$/.test(String(error.code));
}
