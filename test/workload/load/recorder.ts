import { build, type Histogram } from 'hdr-histogram-js';

/** One second of a load, as seen by the users it plays. */
export interface Second {
  /** 1 is the first. */
  readonly second: number;
  readonly sent: number;
  /** Answered below 500, counted in the second of the answer. */
  readonly done: number;
  /** Answered with 5xx, not answered, or timed out. */
  readonly errors: number;
  /** Due, but not sent: as many as allowed were in flight. */
  readonly refused: number;
  /** At the end of the second. */
  readonly inFlight: number;
  /** For how long the oldest of those has been due: shows a stall while it lasts, when no percentile can. */
  readonly oldestMs: number;
  /** Of what was done in this second, from the time each request was due; null: nothing was. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Latency {
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** What came of one request. `cutOff`: the load was ended while it was in flight. */
export type Result = { readonly status: number } | { readonly failure: 'Connection' | 'TimedOut' | 'CutOff' };

/** A request in flight. */
export interface Flight {
  readonly dueMs: number;
}

/** Three digits up to an hour; longer ones count as an hour. */
const longestUs = 3_600_000_000;
const newHistogram = (): Histogram =>
  build({ lowestDiscernibleValue: 1, highestTrackableValue: longestUs, numberOfSignificantValueDigits: 3 });

/**
 * Keeps the account of a load. Times are ms from its start.
 *
 * Latency runs from the moment a request was *due*: a server that stalls delays requests that a closed loop would never have sent, and they count (no coordinated omission).
 */
export class Recorder {
  readonly seconds: Second[] = [];
  readonly statuses: Record<string, number> = {};
  readonly failures = { Connection: 0, TimedOut: 0, CutOff: 0 };
  readonly #all = newHistogram();
  readonly #startDelay = newHistogram();
  readonly #ofSecond = newHistogram();
  readonly #flights = new Set<Flight>(); // in the order of being due
  #now = { sent: 0, done: 0, errors: 0, refused: 0 };
  readonly #total = { sent: 0, done: 0, errors: 0, refused: 0 };

  get inFlight(): number {
    return this.#flights.size;
  }

  /** Whether anything has happened since the last tick. */
  get hasNews(): boolean {
    return Object.values(this.#now).some((count) => count > 0);
  }

  sent(dueMs: number, nowMs: number): Flight {
    const flight = { dueMs };
    this.#flights.add(flight);
    this.#count('sent');
    this.#startDelay.recordValue(microseconds(nowMs - dueMs));
    return flight;
  }

  refused(): void {
    this.#count('refused');
  }

  ended(flight: Flight, result: Result, nowMs: number): void {
    this.#flights.delete(flight);
    if ('failure' in result) {
      this.failures[result.failure] += 1;
      return this.#count('errors');
    }
    this.statuses[result.status] = (this.statuses[result.status] ?? 0) + 1;
    if (result.status >= 500) return this.#count('errors'); // quick refusals would make an overloaded server look quick
    this.#count('done');
    const latencyUs = microseconds(nowMs - flight.dueMs);
    this.#all.recordValue(latencyUs);
    this.#ofSecond.recordValue(latencyUs);
  }

  /** Ends a second and begins the next. */
  tick(nowMs: number): Second {
    const [oldest] = this.#flights;
    const at = (percentile: number) =>
      this.#now.done === 0 ? null : this.#ofSecond.getValueAtPercentile(percentile) / 1000;
    const second = {
      second: this.seconds.length + 1,
      ...this.#now,
      inFlight: this.#flights.size,
      oldestMs: oldest === undefined ? 0 : nowMs - oldest.dueMs,
      p50Ms: at(50),
      p95Ms: at(95),
      p99Ms: at(99),
    };
    this.seconds.push(second);
    this.#now = { sent: 0, done: 0, errors: 0, refused: 0 };
    this.#ofSecond.reset();
    return second;
  }

  totals() {
    return {
      ...this.#total,
      latency: this.#all.totalCount === 0 ? null : latencyOf(this.#all),
      startDelay: this.#startDelay.totalCount === 0 ? null : latencyOf(this.#startDelay),
    };
  }

  #count(what: 'sent' | 'done' | 'errors' | 'refused'): void {
    this.#now[what] += 1;
    this.#total[what] += 1;
  }
}

function latencyOf(histogram: Histogram): Latency {
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
  return {
    meanMs: histogram.mean / 1000,
    p50Ms: at(50),
    p90Ms: at(90),
    p95Ms: at(95),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: histogram.maxValue / 1000,
  };
}

function microseconds(ms: number): number {
  return Math.min(Math.max(Math.round(ms * 1000), 0), longestUs);
}
