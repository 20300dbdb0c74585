import { LRUCache } from 'lru-cache';
import { isProblem } from '../../../api/problem.ts';
import { connectPostgres } from '../connect.ts';
import { addressOf, readFacts, type PostgresDeps } from '../observe.ts';
import { serverProblem } from '../server-error.ts';
import type { IndexesObserved } from './observe.ts';
import type { IndexesUnit } from './unit.ts';

/** A standby has the indexes of its primary, by the same oids, and counts their scans for itself. */
export interface StandbyScans {
  /** What was seen of a primary, with what its standbys count that the service names too. */
  added(observed: IndexesObserved, unit: IndexesUnit, signal: AbortSignal): Promise<IndexesSeen>;
}

/** What was seen of a server, and of those that follow it. */
export interface IndexesSeen extends IndexesObserved {
  /** By the name of its Secret; absent: no standby is counted. */
  readonly standbyScans?: Readonly<Record<string, Standby>>;
}

/** What one standby counts, by database. */
type Standby = Readonly<Record<string, Counted>>;

interface Counted {
  readonly countedSince: string;
  /** By oid. */
  readonly scans: Readonly<Record<string, number>>;
}

/** Unused is what nobody reads for days. */
const everyMs = 600_000;
const remembered = 1000;

export function createStandbyScans(deps: PostgresDeps, pauseMs = everyMs, now: () => number = Date.now): StandbyScans {
  const known = new LRUCache<string, { readonly at: number; readonly standby: Standby | undefined }>({
    max: remembered,
  });
  const standbyOf = async (observed: IndexesObserved, unit: IndexesUnit, signal: AbortSignal) => {
    const key = JSON.stringify([unit.namespace, unit.secretName, observed.systemId]);
    const kept = known.get(key);
    if (kept !== undefined && now() < kept.at + pauseMs) return kept.standby;
    const standby = await read(observed, unit, deps, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (!isProblem(error)) throw error;
      return kept?.standby; // what it has counted by then is no less true
    });
    known.set(key, { at: now(), standby });
    return standby;
  };
  return {
    async added(observed, unit, signal) {
      if (observed.standbys === 0 || observed.systemId === null) return observed;
      const found = await Promise.all(
        unit.otherSecrets.map(async (secretName) => {
          const standby = await standbyOf(observed, { ...unit, secretName }, signal);
          return standby === undefined ? [] : [[secretName, standby] as const];
        }),
      );
      return withStandbys(observed, Object.fromEntries(found.flat()));
    },
  };
}

function withStandbys(observed: IndexesObserved, standbyScans: Readonly<Record<string, Standby>>): IndexesSeen {
  const standbys = Object.values(standbyScans);
  const isReadThere = (database: string, oid: string): boolean =>
    standbys.some((standby) => (standby[database]?.scans[oid] ?? 0) > 0);
  const databases = observed.databases.map((database) => ({
    ...database,
    indexes: database.indexes.map((one) => ({ ...one, isRead: one.isRead || isReadThere(database.name, one.oid) })),
  }));
  return { ...observed, databases, standbysCounted: standbys.length, standbyScans };
}

const asking = `SELECT i.oid, pg_catalog.pg_stat_get_numscans(i.oid::pg_catalog.oid)::float8 AS scans,
  (SELECT pg_catalog.concat(pg_catalog.pg_postmaster_start_time(), ' ', d.stats_reset) FROM pg_catalog.pg_stat_database d
    WHERE d.datname = pg_catalog.current_database()) AS "countedSince"
FROM unnest($1::text[]) AS i (oid)`;

interface Row {
  readonly [column: string]: unknown;
  readonly oid: string;
  readonly scans: number;
  readonly countedSince: string;
}

/** @returns undefined where the Secret leads to anything else than a standby of this server. @throws {Problem} */
async function read(
  { systemId, databases }: IndexesObserved,
  unit: IndexesUnit,
  deps: PostgresDeps,
  signal: AbortSignal,
): Promise<Standby | undefined> {
  const address = await addressOf(unit, deps, signal);
  const counted: Record<string, Counted> = {};
  const asked = databases.map(({ name, indexes, survey }) => ({
    database: name,
    oids: [...indexes, ...(survey?.unread ?? [])].map(({ oid }) => oid),
  }));
  for (const { database, oids } of asked.filter((one) => one.oids.length > 0)) {
    try {
      await using postgres = await connectPostgres({ ...address, database }, signal);
      const facts = await readFacts(postgres);
      if (!facts.isStandby || facts.systemId !== systemId) return undefined;
      const rows = await postgres.query<Row>(asking, [oids]);
      const scans = Object.fromEntries(rows.map((row) => [row.oid, row.scans]));
      counted[database] = { countedSince: rows[0]?.countedSince ?? '', scans };
    } catch (error) {
      signal.throwIfAborted();
      throw serverProblem(error, address.label);
    }
  }
  return counted;
}
