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
  /** Of the table without its indexes, as of the last VACUUM, ANALYZE or build of an index. */
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
  /** How many plans have. */
  readonly scans: number;
  /** As of the last VACUUM, ANALYZE or build of it. */
  readonly sizeBytes: number;
  /** Another one: the server has begun to count anew. */
  readonly countedSince: string;
  /** Nothing but speed depends on it: no key, no rule, no replication, no other index. */
  readonly isDispensable: boolean;
  /** Of a partitioned table: it holds nothing itself. */
  readonly isPartitioned: boolean;
  /** The index that it is a part of. */
  readonly parentOid: string | null;
}

/** A table that is a part of another, at whatever depth below a table that an index is wanted on. */
export interface Partition extends Table {
  readonly parentOid: string;
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
  /** What the server counts of it, whatever it means: another text is progress. */
  readonly counted: string | null;
  /** `IPC/SyncRep`; null: it works. */
  readonly waitEvent: string | null;
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

/** Who has one open, and since when. */
export interface Transaction {
  /** Null: a prepared one. */
  readonly pid: number | null;
  /** Of a prepared one. */
  readonly gid: string | null;
  readonly role: string | null;
  readonly application: string | null;
  readonly state: string | null;
  /** To the minute: no figure that is another at each look. */
  readonly since: string | null;
}

/** One whose end a build would have to wait for. */
export interface OldTransaction extends Transaction {
  /** Then it holds up a build on every table of the database. */
  readonly hasSnapshot: boolean;
  /** Tables that it writes to or locks. */
  readonly tableOids: readonly string[];
}

type Row<T> = T & { readonly [column: string]: unknown };

/** As of the last VACUUM, ANALYZE or build of an index: pg_relation_size would wait for whoever has locked the table. */
export const sizeText = `pg_catalog.current_setting('block_size')::float8 * greatest(c.relpages, 0)`;

const kinds = `CASE c.relkind WHEN 'r' THEN 'Table' WHEN 'p' THEN 'Partitioned' WHEN 'm' THEN 'MaterializedView' WHEN 'v' THEN 'View' ELSE 'Foreign' END`;
const columnText = `pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
  || CASE WHEN a.attcollation IN (0, y.typcollation) THEN '' ELSE (SELECT pg_catalog.format(' COLLATE %I.%I', cn.nspname, co.collname)
    FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation) END`;
/** Before 16 a member may always SET ROLE. */
const tableText = (
  membership: string,
): string => `c.oid::text, n.nspname AS schema, c.relname AS name, ${kinds} AS kind,
  o.rolname AS owner, o.rolsuper AS "isSuperusers", pg_catalog.pg_has_role(c.relowner, '${membership}') AND NOT o.rolsuper AS "mayOwn",
  pg_catalog.has_schema_privilege(c.relowner, n.oid, 'CREATE') AS "mayCreate",
  ${sizeText} AS "sizeBytes",
  (SELECT coalesce(pg_catalog.jsonb_object_agg(a.attname, ${columnText}), '{}') FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles o ON o.oid = c.relowner`;
const ofTables = (membership: string): string => `SELECT ${tableText(membership)}
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND (n.nspname, c.relname) IN (SELECT * FROM unnest($1::name[], $2::name[]))`;

export const readTables = (
  postgres: PostgresConnection,
  major: number,
  wanted: readonly { readonly schema: string; readonly table: string }[],
): Promise<readonly Table[]> =>
  postgres.query<Row<Table>>(ofTables(membershipOf(major)), [
    wanted.map(({ schema }) => schema),
    wanted.map(({ table }) => table),
  ]);

const membershipOf = (major: number): string => (major >= 16 ? 'SET' : 'MEMBER');

/** Never pg_partition_tree, which waits for whoever has locked one of them. */
const ofPartitions = (membership: string): string => `WITH RECURSIVE tree AS (
  SELECT h.inhrelid, h.inhparent FROM pg_catalog.pg_inherits h WHERE h.inhparent::text = ANY ($1) AND NOT h.inhdetachpending
  UNION ALL
  SELECT h.inhrelid, h.inhparent FROM tree t JOIN pg_catalog.pg_inherits h ON h.inhparent = t.inhrelid WHERE NOT h.inhdetachpending
)
SELECT t.inhparent::text AS "parentOid", ${tableText(membership)} JOIN tree t ON t.inhrelid = c.oid ORDER BY n.nspname, c.relname`;

/** All that is below these, at whatever depth. */
export async function readPartitions(
  postgres: PostgresConnection,
  major: number,
  tables: readonly Table[],
): Promise<readonly Partition[]> {
  const oids = tables.filter(({ kind }) => kind === 'Partitioned').map(({ oid }) => oid);
  if (oids.length === 0) return [];
  return postgres.query<Row<Partition>>(ofPartitions(membershipOf(major)), [oids]);
}

const unread = 'unread ';
/** Nobody knows its condition, but that it has one: the server shows it to who may lock the table, however little. */
export const isUnread = ({ predicate }: Index): boolean => predicate?.startsWith(unread) === true;

const exclusive = `l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`;
const isLocked = `i.indrelid IN (SELECT l.relation FROM pg_catalog.pg_locks l WHERE ${exclusive})`;

/** Only of an expression or a condition the server looks at the table, and then it waits for whoever has locked it. @param isHidden Whether it would. */
const formText = (isHidden: string): string => {
  const shown = (text: string): string =>
    `CASE WHEN ${isHidden} THEN pg_catalog.concat('${unread}', i.indexrelid) ELSE ${text} END`;
  return `am.amname AS method, i.indisunique AS "isUnique", i.indnullsnotdistinct AS "isNullsNotDistinct", i.indnkeyatts::int AS "keyColumns",
  ARRAY(SELECT CASE WHEN i.indkey[k - 1] = 0 THEN ${shown('pg_catalog.pg_get_indexdef(i.indexrelid, k, false)')}
    ELSE (SELECT pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1]) END
    FROM pg_catalog.generate_series(1, i.indnatts) k) AS columns,
  i.indclass::text AS opclasses, i.indcollation::text AS collations, i.indoption::text AS options,
  CASE WHEN i.indpred IS NOT NULL THEN ${shown('pg_catalog.pg_get_expr(i.indpred, i.indrelid)')} END AS predicate`;
};
const ofIndexes = `SELECT c.oid::text, i.indrelid::text AS "tableOid", n.nspname AS schema, c.relname AS name, ${formText(isLocked)},
  i.indisvalid AS "isValid", i.indisready AS "isReady", pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
  ${sizeText} AS "sizeBytes", pg_catalog.pg_stat_get_numscans(c.oid) > 0 AS "isRead", pg_catalog.pg_stat_get_numscans(c.oid)::float8 AS scans,
  (SELECT pg_catalog.concat(pg_catalog.pg_postmaster_start_time(), ' ', d.stats_reset) FROM pg_catalog.pg_stat_database d
    WHERE d.datname = pg_catalog.current_database()) AS "countedSince",
  c.relkind = 'i' AND NOT (c.relispartition OR i.indisprimary OR i.indisunique OR i.indisexclusion OR i.indisreplident) AS "isDispensable", c.relkind = 'I' AS "isPartitioned",
  (SELECT h.inhparent::text FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid) AS "parentOid"
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am am ON am.oid = c.relam
WHERE i.indislive AND (i.indrelid::text = ANY ($1) OR c.oid IN (SELECT d.objoid FROM pg_catalog.pg_description d
  WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND d.description = $2))`;

/** Those of the tables, and all with this comment. */
export const readIndexes = (
  postgres: PostgresConnection,
  tables: readonly Pick<Table, 'oid'>[],
  mark: string,
): Promise<readonly Index[]> => postgres.query<Row<Index>>(ofIndexes, [tables.map(({ oid }) => oid), mark]);

/** Who has locked a table whole, or waits to. */
export interface Locker {
  readonly tableOid: string;
  /** Null: a prepared transaction. */
  readonly pid: number | null;
  readonly role: string | null;
  readonly application: string | null;
}

const ofLockers = `SELECT l.relation::text AS "tableOid", l.pid, a.usename AS role, a.application_name AS application
FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE ${exclusive} AND l.relation::text = ANY ($1) ORDER BY l.granted DESC, l.pid`;

export const readLockers = (postgres: PostgresConnection, tableOids: readonly string[]): Promise<readonly Locker[]> =>
  postgres.query<Row<Locker>>(ofLockers, [tableOids]);

/** Of an index that the session has made on a temporary table. */
export async function readForm(postgres: PostgresConnection, name: string): Promise<IndexForm | undefined> {
  const [found] = await postgres.query<Row<IndexForm>>(
    `SELECT ${formText('false')} FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am am ON am.oid = c.relam
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
  pg_catalog.concat_ws(' ', p.phase, p.lockers_done, p.current_locker_pid, p.blocks_done, p.tuples_done) AS counted,
  a.wait_event_type || '/' || a.wait_event AS "waitEvent",
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

/** A transaction that has so much as read a table: no index of it is dropped concurrently before its end. */
export interface Holder extends Transaction {
  /** No later one of the same session is called so. */
  readonly transaction: string;
}

/** Who runs autovacuum is nobody: it makes way by itself. Whoever may log in is told who holds a lock. */
const ofHolders = `SELECT DISTINCT ON (l.virtualtransaction) l.virtualtransaction AS transaction, l.pid, x.gid, coalesce(a.usename, x.owner) AS role,
  a.application_name AS application, a.state, ${minute('coalesce(a.xact_start, x.prepared)')} AS since
FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN pg_catalog.pg_locks own ON l.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid' AND own.virtualtransaction = l.virtualtransaction
  LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = own.transactionid
WHERE l.locktype = 'relation' AND l.granted AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND l.relation = (SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid::text = $1)
  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() AND (l.pid IS NULL OR a.usesysid IS NOT NULL)
ORDER BY l.virtualtransaction`;

/** Those on the table of an index. */
export const readHolders = (postgres: PostgresConnection, indexOid: string): Promise<readonly Holder[]> =>
  postgres.query<Row<Holder>>(ofHolders, [indexOid]);

/** What a server has on its disk, or may have soon. */
export interface Used {
  /** Of all that lies with the data, and in no tablespace that somebody has made: that has a disk of its own. */
  readonly dataBytes: number;
  /** Of the write-ahead log, which grows to its bound while an index is built, and beyond where a replica or a slot is behind. */
  readonly logBytes: number;
}

const ofUsed = `SELECT (pg_catalog.pg_tablespace_size('pg_default') + pg_catalog.pg_tablespace_size('pg_global'))::float8 AS "dataBytes",
  greatest(pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')), pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_keep_size')),
    (SELECT pg_catalog.max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)) FROM pg_catalog.pg_replication_slots))::float8 AS "logBytes"`;

export const readUsed = async (postgres: PostgresConnection): Promise<Used | undefined> =>
  (await postgres.query<Row<Used>>(ofUsed))[0];

const ofTablespace = `SELECT coalesce((SELECT t.spcname FROM pg_catalog.pg_tablespace t WHERE t.spcname = pg_catalog.current_setting('default_tablespace')), own.spcname) AS name
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace own ON own.oid = d.dattablespace WHERE d.datname = pg_catalog.current_database()`;

/** Where an index goes that our role makes, if not to the data; undefined: there. */
export async function readElsewhere(postgres: PostgresConnection): Promise<string | undefined> {
  const [row] = await postgres.query<{ name: string }>(ofTablespace);
  return row?.name === 'pg_default' ? undefined : row?.name;
}

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
