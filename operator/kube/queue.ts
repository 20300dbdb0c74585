import { backoffMs, type Backoff } from './backoff.ts';
import { DueTimes } from './due-times.ts';
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
  /** Gives a key back; it failed and comes again after its own back-off, of which the delay is returned in ms. 0: it was added meanwhile. */
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

interface QueueMetrics {
  depth(queue: string, keys: number): void;
  /** How long a key that was ready has waited. */
  waited(queue: string, seconds: number): void;
}

/** Holds one timer, and only while something is due later. */
export function createQueue(options: QueueOptions): Queue {
  return new KeyQueue(options);
}

/** What is known of a key that is neither idle nor forgotten. */
interface KeyState {
  waits: 'fresh' | 'again' | undefined;
  /** performance.now() of when it became ready. */
  since: number;
  busy: boolean;
  /** Added while busy. */
  changed: boolean;
  failures: number;
}

/** After so many fresh keys one of the others has its turn: never starved, hardly ever in the way. */
const freshInARow = 16;

class KeyQueue implements Queue {
  readonly name: string;
  depth = 0;
  readonly #backoff: Backoff;
  readonly #random: () => number;
  readonly #metrics: QueueMetrics | undefined;
  readonly #states = new Map<Key, KeyState>();
  readonly #fresh = new Line((key) => this.#states.get(key)?.waits === 'fresh');
  readonly #again = new Line((key) => this.#states.get(key)?.waits === 'again');
  #freshInARow = 0;
  readonly #due = new DueTimes<Key>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  readonly #takers = new Set<(key: Key) => void>();

  constructor({ name, backoff = { baseMs: 50, capMs: 60_000 }, metrics, random = Math.random }: QueueOptions) {
    this.name = name;
    this.#backoff = backoff;
    this.#random = random;
    this.#metrics = metrics;
    metrics?.depth(name, 0);
  }

  add(key: Key): void {
    const state = this.#stateOf(key);
    if (state.busy) state.changed = true;
    else this.#wait(key, state, 'fresh');
  }

  addAfter(key: Key, delayMs: number): void {
    this.#due.add(key, performance.now() + delayMs);
    this.#setTimer();
  }

  take(signal: AbortSignal): Promise<Key> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const key = this.#next();
    if (key !== undefined) return Promise.resolve(this.#giveOut(key));
    const { promise, resolve, reject } = Promise.withResolvers<Key>();
    const onAbort = () => {
      this.#takers.delete(taker);
      reject(signal.reason);
    };
    const taker = (taken: Key) => {
      signal.removeEventListener('abort', onAbort);
      resolve(taken);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#takers.add(taker);
    return promise;
  }

  done(key: Key): void {
    const state = this.#giveBack(key);
    state.failures = 0;
    if (!this.#takeChange(key, state)) this.#states.delete(key);
  }

  retry(key: Key): number {
    const state = this.#giveBack(key);
    state.failures += 1;
    if (this.#takeChange(key, state)) return 0;
    const delayMs = backoffMs(this.#backoff, state.failures, this.#random);
    this.addAfter(key, delayMs);
    return delayMs;
  }

  #stateOf(key: Key): KeyState {
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state: KeyState = { waits: undefined, since: 0, busy: false, changed: false, failures: 0 };
    this.#states.set(key, state);
    return state;
  }

  /** Puts an idle key in line. A fresh one leaves its place among the others, which is passed over when its turn comes. */
  #wait(key: Key, state: KeyState, line: 'fresh' | 'again'): void {
    if (state.waits === line || state.waits === 'fresh') return;
    if (state.waits === undefined) {
      state.since = performance.now();
      this.#setDepth(this.depth + 1);
    }
    state.waits = line;
    (line === 'fresh' ? this.#fresh : this.#again).push(key);
    const [taker] = this.#takers;
    const next = taker === undefined ? undefined : this.#next();
    if (taker === undefined || next === undefined) return;
    this.#takers.delete(taker);
    taker(this.#giveOut(next));
  }

  #next(): Key | undefined {
    const other = this.#freshInARow < freshInARow ? undefined : this.#again.shift();
    const key = other ?? this.#fresh.shift();
    this.#freshInARow = other === undefined && key !== undefined ? this.#freshInARow + 1 : 0;
    return key ?? this.#again.shift();
  }

  #giveOut(key: Key): Key {
    const state = this.#stateOf(key);
    state.waits = undefined;
    state.busy = true;
    this.#due.delete(key);
    this.#setDepth(this.depth - 1);
    this.#metrics?.waited(this.name, (performance.now() - state.since) / 1000);
    return key;
  }

  #giveBack(key: Key): KeyState {
    const state = this.#states.get(key);
    if (state?.busy !== true)
      throw new Error(`saw ${key} given back to queue ${this.name}; wanted a key that was taken from it`);
    state.busy = false;
    return state;
  }

  #takeChange(key: Key, state: KeyState): boolean {
    const { changed } = state;
    state.changed = false;
    if (changed) this.#wait(key, state, 'fresh');
    return changed;
  }

  #setDepth(keys: number): void {
    this.depth = keys;
    this.#metrics?.depth(this.name, keys);
  }

  /** An early timer finds nothing and sets the next one: cheaper than moving it with each appointment. */
  #setTimer(): void {
    const at = this.#due.earliest();
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const delayMs = Math.max(0, at - performance.now()) + 1; // Node's timers fire up to 1 ms early
    this.#timer = setTimeout(() => this.#onTime(), Math.min(delayMs, 0x7fff_ffff));
    this.#timer.unref(); // an appointment alone keeps no process alive
  }

  #onTime(): void {
    this.#timerAt = Infinity;
    for (const key of this.#due.takeDue(performance.now())) {
      const state = this.#stateOf(key);
      if (state.busy) state.changed = true;
      else this.#wait(key, state, 'again');
    }
    this.#setTimer();
  }
}

/** First in, first out, without moving the rest at each shift. */
class Line {
  #keys: Key[] = [];
  #head = 0;
  readonly #isWanted: (key: Key) => boolean;

  constructor(isWanted: (key: Key) => boolean) {
    this.#isWanted = isWanted;
  }

  push(key: Key): void {
    this.#keys.push(key);
  }

  /** The first that is still wanted; those before it are dropped. */
  shift(): Key | undefined {
    while (this.#head < this.#keys.length) {
      const key = this.#keys[this.#head];
      this.#head += 1;
      if (this.#head > 1024 && this.#head * 2 > this.#keys.length) {
        this.#keys = this.#keys.slice(this.#head);
        this.#head = 0;
      }
      if (key !== undefined && this.#isWanted(key)) return key;
    }
    this.#keys = [];
    this.#head = 0;
    return undefined;
  }
}
