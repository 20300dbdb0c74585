import { postgresParameterNames } from '../../api/postgres-parameters.ts';
import type { PostgresConnection } from './connect.ts';
import type { ServerSetting } from './setting.ts';

/** Read, never set: what bounds the others. */
const bounds = [
  'superuser_reserved_connections',
  'reserved_connections',
  'max_wal_senders',
  'autovacuum_worker_slots',
  'wal_segment_size',
  'allow_alter_system',
];

interface Row {
  readonly name: string;
  readonly value: string;
  readonly boot_val: string;
  readonly unit: string | null;
  readonly type: ServerSetting['type'];
  readonly context: string;
  readonly source: string;
  readonly sourcefile: string | null;
  readonly choices: readonly string[] | null;
  readonly is_pending: boolean;
  readonly may_set: boolean;
  readonly may_differ: boolean;
}

interface Line {
  readonly name: string;
  readonly setting: string | null;
  readonly sourcefile: string;
}

/**
 * `reset_val` rather than `setting`: what a new session gets, before a show function has its say (tcp_keepalives_*).
 * What we pin in our own session would not tell where its value comes from: for this one statement it is as it was given to us. OFFSET 0 keeps the order: first that, then the list.
 */
const ofCatalogue = `SELECT name, reset_val AS value, boot_val, unit, vartype AS type, context, source, sourcefile, enumvals AS choices,
  pending_restart AS is_pending, pg_catalog.has_parameter_privilege(name, 'ALTER SYSTEM') AS may_set,
  context = 'user' OR context = 'superuser' AND pg_catalog.has_parameter_privilege(name, 'SET') AS may_differ
FROM (SELECT pg_catalog.set_config('statement_timeout', NULL, true) AS given) AS unpinned
  CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_settings WHERE name = ANY ($1) AND given IS NOT NULL OFFSET 0) AS settings`;
const ofFiles = `SELECT pg_catalog.lower(name) AS name, setting, sourcefile FROM pg_catalog.pg_file_settings
WHERE pg_catalog.lower(name) = ANY ($1) ORDER BY seqno`;

/**
 * Every parameter that may be declared, and what bounds them, by name; one that this server does not have is absent.
 *
 * @param maySeeFiles Whether the role may ask pg_file_settings.
 */
export async function readSettings(
  postgres: PostgresConnection,
  maySeeFiles: boolean,
): Promise<Readonly<Record<string, ServerSetting>>> {
  const names = [...postgresParameterNames, ...bounds];
  const rows = await postgres.query<Row>(ofCatalogue, [names]);
  const lines = maySeeFiles ? await postgres.query<Line>(ofFiles, [names]) : undefined;
  return Object.fromEntries(rows.map((row) => [row.name, settingOf(row, lines)]));
}

function settingOf(
  { boot_val, sourcefile, is_pending, may_set, may_differ, ...row }: Row,
  lines: readonly Line[] | undefined,
): ServerSetting {
  const own = lines?.filter(({ name }) => name === row.name);
  const inFiles = own === undefined ? undefined : (own.at(-1)?.setting ?? null);
  const inAutoConf =
    own === undefined
      ? autoConfBySource({ ...row, sourcefile, is_pending })
      : (own.findLast((line) => isAutoConf(line.sourcefile))?.setting ?? null);
  const isHidden = overlays.has(row.source);
  return {
    ...row,
    value: isHidden ? (own === undefined ? null : (inFiles ?? boot_val)) : row.value,
    isPending: is_pending,
    maySet: may_set,
    mayDiffer: may_differ,
    ...(inFiles === undefined ? {} : { inFiles }),
    ...(inAutoConf === undefined ? {} : { inAutoConf }),
  };
}

/** Sources that win over the server's own value: a setting of every role, of the Secret's database, of our role, or of both. */
const overlays = new Set(['global', 'database', 'user', 'database user']);
const isAutoConf = (file: string): boolean => file.endsWith('/postgresql.auto.conf');

/** What the catalogue tells of that file; undefined where it does not tell. */
function autoConfBySource({
  source,
  sourcefile,
  value,
  is_pending,
}: Pick<Row, 'source' | 'sourcefile' | 'value' | 'is_pending'>): string | null | undefined {
  if (is_pending || overlays.has(source)) return undefined;
  if (source !== 'configuration file') return null;
  if (sourcefile === null) return undefined; // told to pg_read_all_settings only
  return isAutoConf(sourcefile) ? value : null;
}
