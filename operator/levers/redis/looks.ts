import { LRUCache } from 'lru-cache';

/** What was seen of each server process at the look before, and which look-ups since were our own: OBJECT IDLETIME counts as one. */
export interface Looks {
  /** @returns The totals without our own, and what they say of now. */
  note(
    serverId: string,
    counted: Counted,
    now: number,
  ): { readonly lookups: Totals; readonly recent: Recent | undefined };
  /** These were ours. */
  own(serverId: string, lookups: Totals): void;
}

export interface Totals {
  readonly hits: number;
  readonly misses: number;
}

interface Counted extends Totals {
  readonly uptimeSeconds: number;
}

/** Since the look before; where there was none, or too few look-ups, since the server's start. */
export interface Recent {
  readonly ratio: number;
  readonly lookupsPerSecond: number;
  /** Since the server's start: how often it is asked now is not known. */
  readonly isAverage?: true;
}

interface Seen {
  readonly counted: Totals;
  readonly own: Totals;
  readonly look: Totals & { readonly at: number };
}

/** Some thousand servers; beyond that the one that was looked at least recently is forgotten. */
export const mostServers = 4_000;
const none: Totals = { hits: 0, misses: 0 };

export function createLooks(): Looks {
  const servers = new LRUCache<string, Seen>({ max: mostServers });
  return {
    note(serverId, { uptimeSeconds, ...counted }, now) {
      const before = servers.get(serverId);
      const isReset =
        before !== undefined && (counted.hits < before.counted.hits || counted.misses < before.counted.misses);
      const own = before === undefined || isReset ? none : before.own;
      const lookups = { hits: Math.max(0, counted.hits - own.hits), misses: Math.max(0, counted.misses - own.misses) };
      servers.set(serverId, { counted, own, look: { ...lookups, at: now } });
      const since = before && !isReset ? recentOf(lookups, before.look, (now - before.look.at) / 1_000) : undefined;
      const ever = recentOf(lookups, none, uptimeSeconds);
      return { lookups, recent: since ?? (ever && { ...ever, isAverage: true }) };
    },
    own(serverId, { hits, misses }) {
      const seen = servers.get(serverId);
      if (seen === undefined) return;
      const { own } = seen;
      servers.set(serverId, { ...seen, own: { hits: own.hits + hits, misses: own.misses + misses } });
    },
  };
}

function recentOf(now: Totals, before: Totals, seconds: number): Recent | undefined {
  const [ratio, lookupsPerSecond] = [ratioOf(now, before), rateOf(now, before, seconds)];
  return ratio === undefined || lookupsPerSecond === undefined ? undefined : { ratio, lookupsPerSecond };
}

/** Look-ups a second since then; undefined where they began anew meanwhile. */
export function rateOf(now: Totals, before: Totals, seconds: number): number | undefined {
  const [hits, misses] = [now.hits - before.hits, now.misses - before.misses];
  return hits < 0 || misses < 0 || seconds <= 0 ? undefined : (hits + misses) / seconds;
}

/** Below this many look-ups a ratio says nothing. */
const fewestLookups = 100;

/** Hits of all look-ups since then; undefined where they are too few, or began anew meanwhile. */
export function ratioOf(now: Totals, before: Totals): number | undefined {
  const [hits, misses] = [now.hits - before.hits, now.misses - before.misses];
  return hits < 0 || misses < 0 || hits + misses < fewestLookups ? undefined : hits / (hits + misses);
}
