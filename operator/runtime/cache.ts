import { LRUCache } from 'lru-cache';
import type { RuntimeSettings } from '../api/runtime-settings.ts';
import { orAborted } from './aborted.ts';
import { openSharedLevel, type RedisServer } from './shared-level.ts';
import { onSectionChange, type LiveSettings } from './settings.ts';
import type { Ticket } from './ticket.ts';

export type CacheLevel = 'l1' | 'l2';
export type CacheResult = 'hit' | 'miss' | 'error';

/** `undefined` is an answer too: there is no such thing, and that is remembered for a while. */
export interface Found<T> {
  readonly value: T | undefined;
  readonly from: CacheLevel | 'loader';
}

export interface Cache extends AsyncDisposable {
  /** What is cached, or else loaded: once, however many ask for it meanwhile. A value from memory is the very same object for all who ask: change none of it. In Redis values are JSON: a Date that was loaded comes back from there as a string. @throws What `load` throws, and the signal's reason. */
  get<T>(key: string, load: (key: string) => Promise<T | undefined>, signal?: AbortSignal): Promise<Found<T>>;
  /** Everywhere: in Redis, here, and within moments in every other process. @throws Where Redis could not be asked, or could tell nobody: it is gone here, and the others go on serving it. */
  delete(key: string): Promise<void>;
  /** Takes what has expired out of memory. @returns How many entries. */
  purgeExpired(): number;
  /** Entries in memory. */
  readonly entries: number;
  /** Whether other processes' deletions are heard of. While they are not, what is in memory is kept for a second at most. */
  readonly isTracked: boolean;
}

export interface CacheOptions {
  /** Absent: in memory alone. */
  readonly redis?: RedisServer | undefined;
  /** Before every key in Redis. No other cache may have one that begins like it. */
  readonly prefix?: string;
  readonly onLookup?: (level: CacheLevel, result: CacheResult) => void;
  readonly onError?: (error: Error) => unknown;
}

/** A load under way; `isStale` once the key was deleted meanwhile: its result is an answer to who has asked, and to nobody after. */
interface Flight {
  promise: Promise<Found<unknown>>;
  isStale: boolean;
}
const nothingYet = Promise.resolve<Found<unknown>>({ value: undefined, from: 'loader' });

/** Without its deletions being heard of, an entry may be wrong for so long. */
const untrackedTtlMs = 1_000;
/** That there is nothing may change soon. */
const nothingTtlMs = 10_000;
const ttlOf = (value: unknown, longest: number): number =>
  jittered(value === undefined ? Math.min(longest, nothingTtlMs) : longest);

export function openCache(settings: LiveSettings, options: CacheOptions = {}): Cache {
  const { redis, prefix = 'cache:', onLookup, onError } = options;
  const flights = new Map<string, Flight>();
  let memory = memoryOf(settings.current.cache.l1);
  const forget = (key: string | undefined): void => {
    if (key === undefined) memory?.clear();
    else memory?.delete(key);
    for (const flight of key === undefined ? flights.values() : [flights.get(key)]) if (flight) flight.isStale = true;
  };
  const shared = redis && openSharedLevel({ redis, prefix, onForget: forget, onError });
  const unsubscribe = onSectionChange(settings, 'cache', ({ l1 }) => void (memory = memoryOf(l1, memory)));
  const keep = (key: string, value: unknown): void => {
    const { ttlMs } = settings.current.cache.l1;
    const longest = shared === undefined || shared.isTracked ? ttlMs : Math.min(ttlMs, untrackedTtlMs);
    memory?.set(key, Promise.resolve<Found<unknown>>({ value, from: 'l1' }), { ttl: ttlOf(value, longest) });
  };

  /** @returns False where it is out of date. Redis that cannot be asked is as good as none. */
  const share = async (key: string, value: unknown, ticket: Ticket): Promise<boolean> => {
    const ttlMs = ttlOf(value, settings.current.cache.l2.ttlMs);
    return (await shared?.set(key, value, { ticket, ttlMs })) ?? true;
  };

  async function fly(key: string, load: Load, flight: Flight): Promise<Found<unknown>> {
    try {
      const answer = await shared?.get(key);
      if (answer !== undefined) onLookup?.('l2', answer.result);
      if (answer?.result === 'hit') {
        if (!flight.isStale) keep(key, answer.value);
        return { value: answer.value, from: 'l2' };
      }
      if (flights.get(key) === flight) flight.isStale = false; // what was heard before a load begins is in what it reads
      const value = await load(key);
      const ticket = answer?.result === 'miss' ? answer.ticket : undefined;
      if (!flight.isStale && ticket !== undefined && !(await share(key, value, ticket))) flight.isStale = true; // a deletion that was not heard, or not yet
      if (!flight.isStale) keep(key, value);
      return { value, from: 'loader' };
    } finally {
      if (flights.get(key) === flight) flights.delete(key);
    }
  }
  function begin(key: string, load: Load): Flight {
    const flight: Flight = { isStale: false, promise: nothingYet };
    flights.set(key, flight);
    flight.promise = fly(key, load, flight);
    return flight;
  }

  return {
    get<T>(key: string, load: (key: string) => Promise<T | undefined>, signal?: AbortSignal) {
      const kept = memory?.get(key);
      if (memory !== undefined) onLookup?.('l1', kept === undefined ? 'miss' : 'hit');
      if (kept !== undefined) return kept as Promise<Found<T>>;
      const flight = flights.get(key);
      const { promise } = flight === undefined || flight.isStale ? begin(key, load) : flight;
      return (signal === undefined ? promise : orAborted(promise, signal)) as Promise<Found<T>>;
    },
    async delete(key) {
      forget(key);
      await shared?.delete(key);
      forget(key); // what was read from Redis in between
    },
    purgeExpired() {
      const before = memory?.size ?? 0;
      memory?.purgeStale();
      return before - (memory?.size ?? 0);
    },
    get entries() {
      return memory?.size ?? 0;
    },
    get isTracked() {
      return shared?.isTracked ?? true;
    },
    async [Symbol.asyncDispose]() {
      unsubscribe();
      await shared?.[Symbol.asyncDispose]();
    },
  };
}

type Load = (key: string) => Promise<unknown>;

/** Answers as they are handed out: a hit makes nothing new. */
type Memory = LRUCache<string, Promise<Found<unknown>>>;

/** Up to a tenth less, so that what was loaded together does not expire together. */
const jittered = (ttlMs: number): number => Math.max(1, Math.round(ttlMs * (1 - 0.1 * Math.random())));

/** With what was kept so far, as far as there is room. Undefined: nothing is to be kept in memory. */
function memoryOf({ entries, ttlMs }: RuntimeSettings['cache']['l1'], before?: Memory): Memory | undefined {
  if (entries === 0) return undefined;
  const memory = new LRUCache<string, Promise<Found<unknown>>>({ max: entries });
  for (const [key, kept] of [...(before?.entries() ?? [])].toReversed())
    memory.set(key, kept, { ttl: Math.max(1, Math.min(before?.getRemainingTTL(key) ?? ttlMs, ttlMs)) });
  return memory;
}
