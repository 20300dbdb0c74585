import type { PostgresConnection } from '../connect.ts';
import type { ServerFacts } from '../observe.ts';

/** A statement that reads, as pg_stat_statements has it. */
export interface WorstStatement {
  /** queryid */
  readonly id: string;
  /** Who has run it. */
  readonly role: string;
  /** As SQL wants it. */
  readonly quotedRole: string;
  readonly isSuperusers: boolean;
  readonly mayBecome: boolean;
  /** The search_path with which its sessions begin. */
  readonly path: string;
  readonly text: string;
  /** Of the time of all statements of the database but our own; 0–1. */
  readonly share: number;
}

/** More are not looked at: each is planned once. */
const most = 20;
/** Of so many, whatever they are, the texts are read: in a file that may be large, and each is searched. */
const mostTexts = 100;
/** One that takes less of the time gains nobody anything. */
const leastShare = 0.01;

/** What takes most time of what an index could help, each as the role that runs it most; nothing of what still has a literal or could be several statements. */
const asking = (schema: string, membership: string): string => `WITH counted AS (
  SELECT s.userid, s.queryid, pg_catalog.sum(s.total_exec_time) AS total
  FROM ${schema}.pg_stat_statements(false) s
  WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND s.queryid IS NOT NULL AND s.userid <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)
  GROUP BY s.userid, s.queryid
), shares AS (
  SELECT DISTINCT ON (queryid) userid, queryid, pg_catalog.sum(total) OVER (PARTITION BY queryid)
    / nullif(pg_catalog.sum(total) OVER (), 0) AS share
  FROM counted ORDER BY queryid, total DESC
), top AS MATERIALIZED (SELECT * FROM shares WHERE share >= ${leastShare} ORDER BY share DESC LIMIT ${mostTexts}),
texts AS MATERIALIZED (
  SELECT t.userid, t.queryid, t.share, pg_catalog.min(s.query) AS query
  FROM ${schema}.pg_stat_statements(true) s JOIN top t ON t.userid = s.userid AND t.queryid = s.queryid
  WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  GROUP BY t.userid, t.queryid, t.share
)
SELECT s.queryid::text AS id, r.rolname AS role, pg_catalog.quote_ident(r.rolname) AS "quotedRole", r.rolsuper AS "isSuperusers", pg_catalog.pg_has_role(r.oid, '${membership}') AS "mayBecome",
  coalesce((SELECT pg_catalog.substr(entry, 13) FROM pg_catalog.pg_db_role_setting d CROSS JOIN LATERAL pg_catalog.unnest(d.setconfig) AS entry
    WHERE pg_catalog.starts_with(entry, 'search_path=') AND d.setrole IN (0, r.oid)
      AND d.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
    ORDER BY d.setrole = 0, d.setdatabase = 0 LIMIT 1), '"$user", public') AS path,
  s.query AS text, s.share::float8 AS share
FROM texts s JOIN pg_catalog.pg_roles r ON r.oid = s.userid
WHERE s.query ~* '^[\\s(]*(select|update|delete|with)\\y' AND s.query !~ '['';]|\\$[^0-9]'
ORDER BY s.share DESC LIMIT ${most}`;

/** @param schema Of pg_stat_statements, quoted. */
export const readWorst = (
  postgres: PostgresConnection,
  schema: string,
  { major }: Pick<ServerFacts, 'major'>,
): Promise<readonly WorstStatement[]> =>
  postgres.query<WorstStatement & { [column: string]: unknown }>(asking(schema, major >= 16 ? 'SET' : 'MEMBER'));
