import type { DatabaseServerFigures, DatabaseSessions, DatabaseTotals } from '../../decide/database-server.ts';
import type { PostgresConnection } from './connect.ts';
import { serverProblem, sqlState } from './server-error.ts';

/**
 * Everybody may ask this; only whose session it is, is told to pg_read_all_stats, and without it `backend_type` is null: then sessions with a user and a database count.
 * Each database counts for itself, and a crash leaves no `stats_reset`: the epoch is another one whenever any of them has begun anew.
 */
const asked = `SELECT pg_catalog.sum(xact_commit + xact_rollback)::float8 AS transactions,
  pg_catalog.sum(blks_hit)::float8 AS "blocksHit", pg_catalog.sum(blks_read)::float8 AS "blocksRead",
  pg_catalog.sum(deadlocks)::float8 AS deadlocks, pg_catalog.sum(temp_bytes)::float8 AS "tempBytes",
  pg_catalog.hashtextextended(pg_catalog.concat(pg_catalog.pg_postmaster_start_time(),
    pg_catalog.string_agg(pg_catalog.concat(datid, ' ', stats_reset), ',' ORDER BY datid)), 0)::text AS epoch,
  (SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_stat_activity WHERE datid IS NOT NULL AND usesysid IS NOT NULL
    AND coalesce(backend_type, 'client backend') = 'client backend') AS connections,
  pg_catalog.current_setting('max_connections')::int - pg_catalog.current_setting('superuser_reserved_connections')::int
    - coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0) AS "connectionsLimit"
FROM pg_catalog.pg_stat_database`;

/** What the server counts of its work. A server that does not tell it is tuned all the same. */
export async function readStatistics(postgres: PostgresConnection): Promise<DatabaseServerFigures> {
  try {
    const [row] = await postgres.query<DatabaseTotals & DatabaseSessions & { [column: string]: unknown }>(asked);
    return row === undefined ? { state: 'Unknown', why: 'saw no statistics' } : { state: 'Known', ...row };
  } catch (error) {
    if (sqlState(error) === '') throw error;
    return { state: 'Unknown', why: serverProblem(error, postgres.label).message };
  }
}
