import { setTimeout as pause } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { milliseconds } from '../../api/duration.ts';
import { bytes } from '../../api/quantity.ts';
import type { BigKeys } from '../../decide/cache-server.ts';
import type { RedisConnection } from './connect.ts';
import { sizeOf, walkKeys } from './key-walk.ts';
import { mostServers } from './looks.ts';
import { isForbidden, isReply, isUnanswered } from './server-error.ts';
import type { RedisUnit } from './unit.ts';

type Wanted = RedisUnit['policy']['monitoring']['bigKeys'];

/** The search for big keys on each server: it goes on from visit to visit, and begins anew with a new process, which may have other data. */
export interface KeySearches {
  /** Searches for a moment where it is time to. A server that does not let us is tuned all the same. */
  look(redis: RedisConnection, server: SearchedServer, wanted: Wanted, signal: AbortSignal): Promise<BigKeys>;
}

export interface SearchedServer {
  readonly serverId: string;
  /** In all databases; only the first is searched. */
  readonly keys: number;
  /** Somebody waits for the answer and comes once. */
  readonly isAsked: boolean;
}

/** One walk of SCAN over all keys. */
interface Pass {
  cursor: string;
  scanned: number;
  largestBytes: number;
  /** By name, in bytes written as latin1. */
  largest: ReadonlyMap<string, number>;
  /** ms since the epoch. */
  observedAt: number;
}

interface Search {
  pass: Pass;
  /** The last walk that came to its end, and of how many keys in all databases that was. */
  complete: { readonly pass: Pass; readonly total: number } | undefined;
  /** ms since the epoch: when the present round began, one in each interval. */
  roundAt: number;
  /** Of the present round, which may have no more; ms. */
  leftMs: number;
  why: string | undefined;
}

/** So many times the keys that it went over, and a walk tells nothing of the server any more: the next one begins at once. */
const muchMore = 2;

/** A visit must not be held up for longer: a round of some seconds takes several. */
const atOnceMs = 1_000;

export function createKeySearches(): KeySearches {
  const searches = new LRUCache<string, Search>({ max: mostServers });
  return {
    async look(redis, server, wanted, signal) {
      const intervalMs = milliseconds(wanted.interval);
      if (intervalMs === 0) return { state: 'Unknown', why: 'redis.monitoring.bigKeys.interval is 0s' };
      const now = Date.now();
      const known = searches.get(server.serverId);
      const search = known ?? { pass: newPass(), complete: undefined, roundAt: 0, leftMs: 0, why: undefined };
      if (known === undefined) searches.set(server.serverId, search);
      // The first visit of a server sets it right, the next ones have time.
      if (known === undefined && !server.isAsked)
        return { state: 'Unknown', why: 'the search begins at the next visit' };
      const isOutgrown = search.complete !== undefined && server.keys > search.complete.total * muchMore;
      if (isOutgrown) search.complete = undefined;
      if (isOutgrown || now >= search.roundAt + intervalMs) {
        search.roundAt = now;
        search.leftMs = milliseconds(wanted.maxDuration);
      }
      if (search.leftMs > 0) await goOn(redis, search, { ...wanted, total: server.keys }, signal);
      return told(search, server);
    },
  };
}

const newPass = (): Pass => ({ cursor: '0', scanned: 0, largestBytes: 0, largest: new Map(), observedAt: 0 });

async function goOn(
  redis: RedisConnection,
  search: Search,
  wanted: Wanted & { readonly total: number },
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const boxMs = Math.min(search.leftMs, atOnceMs);
  search.why = undefined;
  try {
    do {
      const roundBegan = performance.now();
      await scanRound(redis, search.pass, wanted);
      if (search.pass.cursor === '0') {
        search.complete = { pass: search.pass, total: wanted.total };
        search.pass = newPass();
        search.leftMs = 0;
        return;
      }
      await pause(performance.now() - roundBegan, undefined, { signal }); // the clients' turn
    } while (performance.now() - began < boxMs);
    search.leftMs -= performance.now() - began;
  } catch (error) {
    if (!isReply(error) && !isUnanswered(error)) throw error;
    search.leftMs = 0; // asked again in the next round, not at each visit: the server notes what it refuses
    const next = isForbidden(error) ? '; next: grant +scan, +memory|usage and %R~* (docs/levers/redis.md)' : '';
    search.why = `saw "${(error as Error).message.trim()}"; wanted SCAN and MEMORY USAGE${next}`;
  }
}

async function scanRound(redis: RedisConnection, pass: Pass, { top, minSize }: Wanted): Promise<void> {
  const { cursor, keys } = await walkKeys(redis, pass.cursor, (key) => sizeOf(redis, key));
  const smallest = bytes(minSize);
  const found = keys.flatMap(({ key, answer: size = 0 }) =>
    size < smallest ? [] : [[key.toString('latin1'), size] as const],
  );
  pass.cursor = cursor;
  pass.scanned += keys.length;
  pass.observedAt = Date.now();
  pass.largestBytes = Math.max(pass.largestBytes, ...keys.map(({ answer: size = 0 }) => size));
  if (found.length > 0)
    pass.largest = new Map([...pass.largest, ...found].toSorted(([, a], [, b]) => b - a).slice(0, top)); // SCAN may name a key twice
}

/** Of the last walk that came to its end, else of the one under way. */
function told({ pass, complete, why }: Search, { keys: total }: SearchedServer): BigKeys {
  const { scanned, largestBytes, largest, observedAt } = complete?.pass ?? pass;
  if (observedAt === 0) return { state: 'Unknown', why: why ?? 'the search begins at the next visit' };
  const keys = [...largest].map(([name, size]) => ({ name: shown(name), bytes: size }));
  return { state: 'Known', keys, largestBytes, scanned, total, observedAt };
}

const longestName = 64;

/** A name may hold what identifies a person: as much of it as tells where it comes from. */
function shown(latin1: string): string {
  const text = Buffer.from(latin1, 'latin1')
    .toString('utf8')
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, '?');
  const characters = Array.from(text); // a cut within a character would show half of it
  return characters.length <= longestName ? text : `${characters.slice(0, longestName).join('')}…`;
}
