import type { PostgresConnection } from '../connect.ts';
import type { IndexForm } from './form.ts';
import { sessionPrefix } from './unit.ts';

/** What the catalogues of one database say. Whoever may log in may ask all of it; of other roles' transactions only pg_read_all_stats is told the age. */

export interface Table {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'Table' | 'Partitioned' | 'MaterializedView' | 'View' | 'Foreign';
  readonly owner: string;
  /** Nothing is ever done as a superuser, even where we may become one. */
  readonly isSuperusers: boolean;
  /** Whether our role may SET ROLE to the owner: nobody else can build an index. */
  readonly mayOwn: boolean;
  /** Whether the owner may create anything in the schema. */
  readonly mayCreate: boolean;
  /** Of the table without its indexes. */
  readonly sizeBytes: number;
  /** By name: `"status" character varying(20) COLLATE pg_catalog."C"`, as a CREATE TABLE takes it. */
  readonly columns: Readonly<Record<string, string>>;
}

export interface Index extends IndexForm {
  readonly oid: string;
  readonly tableOid: string;
  readonly schema: string;
  readonly name: string;
  readonly isValid: boolean;
  /** Every write keeps it up, even where it is not valid. */
  readonly isReady: boolean;
  readonly comment: string | null;
  /** Whether any plan has read it on this server since its statistics began: a crash begins them anew, a standby has its own. */
  readonly isRead: boolean;
}

/** A session that builds an index, or one of ours that is about to. */
export interface BuildSession {
  readonly pid: number;
  readonly database: string;
  readonly application: string;
  readonly isOurRole: boolean;
  /** Null: not told (another role's), or not begun. */
  readonly tableOid: string | null;
  readonly schema: string | null;
  readonly index: string | null;
  readonly indexOid: string | null;
  readonly phase: string | null;
  /** Of this phase. */
  readonly percent: number | null;
  /** What it waits for a lock of. */
  readonly waitsFor: Waiter | null;
  readonly waitsSeconds: number | null;
}

export interface Waiter {
  readonly pid: number;
  readonly role: string | null;
  readonly application: string | null;
  readonly state: string | null;
  /** Of its transaction, to the minute; null: not told. */
  readonly since: string | null;
}

/** A transaction whose end a build would have to wait for. */
export interface OldTransaction {
  /** Null: a prepared one. */
  readonly pid: number | null;
  /** Of a prepared one. */
  readonly gid: string | null;
  readonly role: string | null;
  readonly application: string | null;
  readonly state: string | null;
  /** To the minute: no figure that is another at each look. */
  readonly since: string | null;
  /** Then it holds up a build on every table of the database. */
  readonly hasSnapshot: boolean;
  /** Tables that it writes to or locks. */
  readonly tableOids: readonly string[];
}

type Row<T> = T & { readonly [column: string]: unknown };

const kinds = `CASE c.relkind WHEN 'r' THEN 'Table' WHEN 'p' THEN 'Partitioned' WHEN 'm' THEN 'MaterializedView' WHEN 'v' THEN 'View' ELSE 'Foreign' END`;
const columnText = `pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
  || CASE WHEN a.attcollation IN (0, y.typcollation) THEN '' ELSE (SELECT pg_catalog.format(' COLLATE %I.%I', cn.nspname, co.collname)
    FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation) END`;
/** Before 16 a member may always SET ROLE. */
const ofTables = (
  membership: string,
): string => `SELECT c.oid::text, n.nspname AS schema, c.relname AS name, ${kinds} AS kind,
  o.rolname AS owner, o.rolsuper AS "isSuperusers", pg_catalog.pg_has_role(c.relowner, '${membership}') AND NOT o.rolsuper AS "mayOwn",
  pg_catalog.has_schema_privilege(c.relowner, n.oid, 'CREATE') AS "mayCreate",
  coalesce(pg_catalog.pg_relation_size(c.oid), 0)::float8 AS "sizeBytes",
  (SELECT coalesce(pg_catalog.jsonb_object_agg(a.attname, ${columnText}), '{}') FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND (n.nspname, c.relname) IN (SELECT * FROM unnest($1::name[], $2::name[]))`;

export const readTables = (
  postgres: PostgresConnection,
  major: number,
  wanted: readonly { readonly schema: string; readonly table: string }[],
): Promise<readonly Table[]> =>
  postgres.query<Row<Table>>(ofTables(major >= 16 ? 'SET' : 'MEMBER'), [
    wanted.map(({ schema }) => schema),
    wanted.map(({ table }) => table),
  ]);

const form = `am.amname AS method, i.indisunique AS "isUnique", i.indnullsnotdistinct AS "isNullsNotDistinct", i.indnkeyatts::int AS "keyColumns",
  ARRAY(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k, false) FROM pg_catalog.generate_series(1, i.indnatts) k) AS columns,
  i.indclass::text AS opclasses, i.indcollation::text AS collations, i.indoption::text AS options,
  pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS predicate`;
const ofIndexes = `SELECT c.oid::text, i.indrelid::text AS "tableOid", n.nspname AS schema, c.relname AS name, ${form},
  i.indisvalid AS "isValid", i.indisready AS "isReady", pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
  pg_catalog.pg_stat_get_numscans(c.oid) > 0 AS "isRead"
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am am ON am.oid = c.relam
WHERE i.indislive AND (i.indrelid::text = ANY ($1) OR c.oid IN (SELECT d.objoid FROM pg_catalog.pg_description d
  WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND d.description = $2))`;

/** Those of the tables, and all with this comment. */
export const readIndexes = (
  postgres: PostgresConnection,
  tables: readonly Table[],
  mark: string,
): Promise<readonly Index[]> => postgres.query<Row<Index>>(ofIndexes, [tables.map(({ oid }) => oid), mark]);

/** Of an index that the session has made on a temporary table. */
export async function readForm(postgres: PostgresConnection, name: string): Promise<IndexForm | undefined> {
  const [found] = await postgres.query<Row<IndexForm>>(
    `SELECT ${form} FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am am ON am.oid = c.relam
WHERE c.relname = $1 AND c.relnamespace = pg_catalog.pg_my_temp_schema()`,
    [name],
  );
  return found;
}

const ofNames = `SELECT n.nspname || '.' || c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest($1::name[], $2::name[]))`;

/** Which of these names something has: a table, an index of another table, a sequence. */
export async function readTaken(
  postgres: PostgresConnection,
  wanted: readonly { readonly schema: string; readonly name: string }[],
): Promise<readonly string[]> {
  const names = [wanted.map(({ schema }) => schema), wanted.map(({ name }) => name)];
  return (await postgres.query<{ name: string }>(ofNames, names)).map(({ name }) => name);
}

const minute = (column: string): string =>
  `pg_catalog.to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')`;

/** Whoever is told no figures of the phase sees no percentage. */
const percent = `CASE WHEN p.blocks_total > 0 AND p.blocks_done < p.blocks_total THEN (100 * p.blocks_done / p.blocks_total)::int
  WHEN p.tuples_total > 0 THEN (100 * p.tuples_done / p.tuples_total)::int END`;
const ofBuilds = `SELECT a.pid, a.datname AS database, a.application_name AS application, a.usename = session_user AS "isOurRole",
  nullif(p.relid, 0)::text AS "tableOid", n.nspname AS schema, c.relname AS index, c.oid::text AS "indexOid", p.phase, ${percent} AS percent,
  (SELECT pg_catalog.jsonb_build_object('pid', b.pid, 'role', b.usename, 'application', b.application_name, 'state', b.state,
    'since', ${minute('b.xact_start')})
    FROM pg_catalog.pg_stat_activity b WHERE b.pid = coalesce(nullif(p.current_locker_pid, 0), (pg_catalog.pg_blocking_pids(a.pid))[1])) AS "waitsFor",
  (SELECT extract(epoch FROM pg_catalog.clock_timestamp() - min(l.waitstart))::int FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted) AS "waitsSeconds"
FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_stat_progress_create_index p ON p.pid = a.pid
  LEFT JOIN pg_catalog.pg_class c ON c.oid = p.index_relid AND p.datname = pg_catalog.current_database()
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.pid IS NOT NULL OR (a.usename = session_user AND pg_catalog.starts_with(a.application_name, '${sessionPrefix}') AND a.pid <> pg_catalog.pg_backend_pid())
ORDER BY a.pid`;

/** Of the whole server. */
export const readBuilds = (postgres: PostgresConnection): Promise<readonly BuildSession[]> =>
  postgres.query<Row<BuildSession>>(ofBuilds);

/** What has a snapshot of longer ago than $2 seconds holds up every build of its database; what writes to a table, the builds on that. */
const ofOld = `SELECT * FROM (
  SELECT a.pid, NULL AS gid, a.usename AS role, a.application_name AS application, a.state,
    a.xact_start AS began, ${minute('a.xact_start')} AS since, a.backend_xmin IS NOT NULL AS "hasSnapshot",
    ARRAY(SELECT DISTINCT l.relation::text FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND l.granted AND l.relation::text = ANY ($1)
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')) AS "tableOids"
  FROM pg_catalog.pg_stat_activity a
  WHERE a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid()
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.pid = a.pid)
  UNION ALL
  SELECT NULL, x.gid, x.owner, NULL, 'prepared', x.prepared, ${minute('x.prepared')}, false,
    ARRAY(SELECT DISTINCT l.relation::text FROM pg_catalog.pg_locks l WHERE l.pid IS NULL AND l.relation::text = ANY ($1)
      AND l.virtualtransaction IN (SELECT own.virtualtransaction FROM pg_catalog.pg_locks own WHERE own.pid IS NULL AND own.transactionid = x.transaction)
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock'))
  FROM pg_catalog.pg_prepared_xacts x WHERE x.database = pg_catalog.current_database()
) t WHERE t.began <= pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $2) AND (t."hasSnapshot" OR pg_catalog.cardinality(t."tableOids") > 0) ORDER BY t.began`;

export const readOldTransactions = (
  postgres: PostgresConnection,
  tables: readonly Table[],
  seconds: number,
): Promise<readonly OldTransaction[]> =>
  postgres.query<Row<OldTransaction>>(ofOld, [tables.map(({ oid }) => oid), seconds]);

/** Where each of these operator classes lives; the server's own before others. */
export async function readOpclasses(
  postgres: PostgresConnection,
  names: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  if (names.length === 0) return {};
  const rows = await postgres.query<{ key: string; schema: string }>(
    `SELECT am.amname || '/' || o.opcname AS key, n.nspname AS schema FROM pg_catalog.pg_opclass o
JOIN pg_catalog.pg_am am ON am.oid = o.opcmethod JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
WHERE o.opcname = ANY ($1) ORDER BY n.nspname <> 'pg_catalog' DESC, n.nspname DESC`,
    [names],
  );
  return Object.fromEntries(rows.map(({ key, schema }) => [key, schema]));
}
