import { LRUCache } from 'lru-cache';
import type { PostgresConnection } from '../connect.ts';
import { serverProblem } from '../server-error.ts';
import { sizeText, type Table } from './catalogue.ts';

/** What every write keeps up for nothing in one database, on tables that no declared index is for. */
export interface Survey {
  /** The largest that no plan has read since the server counts, and that nothing but speed depends on. */
  readonly unread: readonly UnreadIndex[];
  /** Names, with their schema, of those that do the same work; what takes most room first. */
  readonly twins: readonly (readonly string[])[];
}

export interface UnreadIndex {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly scans: number;
  /** Another one: the server has begun to count anew. */
  readonly countedSince: string;
}

/** What is known, and why no newer look has told: what was found before is no less true. */
export interface SurveySeen {
  readonly survey?: Survey;
  readonly failure?: string;
}

export interface Surveys {
  /** Asked last on its connection, and seldom: it looks at every index of the database. What stands in the way is the answer. */
  of(postgres: PostgresConnection, database: SurveyedDatabase, signal: AbortSignal): Promise<SurveySeen>;
}

interface SurveyedDatabase {
  readonly name: string;
  /** Those that are looked at each time. */
  readonly tables: readonly Pick<Table, 'oid'>[];
}

/** Unused is what nobody reads for days. */
const everyMs = 3_600_000;
/** After a failure; twice as long after each further one, up to the hour. */
const afterFailureMs = 60_000;
const remembered = 1000;
/** What is remembered of each is kept in the state of the service. */
const most = { unread: 100, twins: 20 };
/** A smaller one costs little. */
const leastPages = 128;

const from = `FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisvalid AND i.indislive AND NOT c.relispartition AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND NOT i.indrelid::text = ANY ($1)`;
const isNeeded = 'i.indisprimary OR i.indisunique OR i.indisexclusion OR i.indisreplident';

const ofUnread = `SELECT c.oid::text, n.nspname AS schema, c.relname AS name, ${sizeText} AS "sizeBytes", 0::float8 AS scans,
  (SELECT pg_catalog.concat(pg_catalog.pg_postmaster_start_time(), ' ', d.stats_reset) FROM pg_catalog.pg_stat_database d
    WHERE d.datname = pg_catalog.current_database()) AS "countedSince"
${from} AND c.relkind = 'i' AND NOT (${isNeeded}) AND c.relpages >= ${leastPages} AND pg_catalog.pg_stat_get_numscans(c.oid) = 0
ORDER BY c.relpages DESC, c.oid LIMIT ${most.unread}`;

/** Before 17 a stored expression tells where in its statement it stood. */
const expression = (tree: string): string =>
  `pg_catalog.regexp_replace(i.${tree}::text, ':location -?[0-9]+', '', 'g')`;
const ofTwins = `SELECT pg_catalog.array_agg(n.nspname || '.' || c.relname ORDER BY i.indisprimary DESC, i.indisunique DESC, c.relname) AS names
${from}
GROUP BY i.indrelid, c.relam, i.indnkeyatts, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text, ${expression('indexprs')}, ${expression('indpred')}
HAVING pg_catalog.count(*) > 1 AND NOT pg_catalog.bool_and(${isNeeded})
ORDER BY pg_catalog.sum(c.relpages) DESC, pg_catalog.min(c.relname) LIMIT ${most.twins}`;

interface Kept extends SurveySeen {
  readonly until: number;
  /** In a row. */
  readonly failures: number;
}

export function createSurveys(pauseMs = everyMs, now: () => number = Date.now): Surveys {
  const known = new LRUCache<string, Kept>({ max: remembered });
  return {
    async of(postgres, { name, tables }, signal) {
      const oids = tables.map(({ oid }) => oid);
      const key = JSON.stringify([postgres.label, name, oids]);
      const kept = known.get(key);
      if (kept !== undefined && now() < kept.until) return seenOf(kept);
      const looked = await look(postgres, oids, signal);
      const failures = looked.failure === undefined ? 0 : (kept?.failures ?? 0) + 1;
      const againMs = failures === 0 ? pauseMs : Math.min(pauseMs, afterFailureMs * 2 ** (failures - 1));
      const next = { ...(kept?.survey && { survey: kept.survey }), ...looked, failures, until: now() + againMs };
      known.set(key, next);
      return seenOf(next);
    },
  };
}

const seenOf = ({ survey, failure }: SurveySeen): SurveySeen => ({
  ...(survey && { survey }),
  ...(failure !== undefined && { failure }),
});

/** It takes no other look at the server with it. */
async function look(postgres: PostgresConnection, oids: readonly string[], signal: AbortSignal): Promise<SurveySeen> {
  try {
    return { survey: await read(postgres, oids) };
  } catch (error) {
    signal.throwIfAborted();
    return { failure: serverProblem(error, postgres.label).message };
  }
}

async function read(postgres: PostgresConnection, oids: readonly string[]): Promise<Survey> {
  const unread = await postgres.query<UnreadIndex & { [column: string]: unknown }>(ofUnread, [oids]);
  const twins = await postgres.query<{ readonly names: readonly string[] }>(ofTwins, [oids]);
  return { unread, twins: twins.map(({ names }) => names) };
}
