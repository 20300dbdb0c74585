import { postgresParameterNames } from '../../api/postgres-parameters.ts';
import { Problem } from '../../api/problem.ts';
import type { DatabaseServerFigures } from '../../decide/database-server.ts';
import type { StatementsSeen } from '../../decide/slow-statements.ts';
import type { SecretData } from '../server-address.ts';
import { postgresAddress, type PostgresAddress } from './address.ts';
import { connectPostgres, type PostgresConnection } from './connect.ts';
import type { Copies } from './copies.ts';
import type { OwnerKube } from '../owner-object.ts';
import { readOwner, type ServerOwner } from './owner.ts';
import { serverProblem, sqlState } from './server-error.ts';
import type { ServerSetting } from './setting.ts';
import { readSettings } from './settings.ts';
import { readStatements } from './statements.ts';
import { readStatistics } from './statistics.ts';
import type { PostgresUnit } from './unit.ts';

/** What the lever needs of Kubernetes. */
export interface PostgresDeps {
  /** `data` of a Secret, decoded; undefined where there is none. */
  readSecret(namespace: string, name: string, signal: AbortSignal): Promise<SecretData | undefined>;
  /** In bytes, of the container of a workload; undefined where it has none or is not there. Absent: it is not asked for. */
  memoryLimit?(
    ref: NonNullable<PostgresUnit['workloadRef']>,
    namespace: string,
    signal: AbortSignal,
  ): Promise<number | undefined>;
  /** For the objects of database operators; absent: their servers are only looked at. */
  readonly kube?: OwnerKube;
}

export interface PostgresObserved extends ServerFacts {
  /** `host:port`, a short name with its namespace. */
  readonly address: string;
  /** Of its container, where its workload is named and has one. */
  readonly memoryLimitBytes: number | undefined;
  /** That the Pods log in as; absent: nobody says. */
  readonly clientRole?: string;
  /** By name. One that is absent is unknown to this server. */
  readonly settings: Readonly<Record<string, ServerSetting>>;
  readonly overlays: readonly Overlay[];
  readonly statistics: DatabaseServerFigures;
  readonly statements: StatementsSeen;
  /** Who else sets this server, where parameters go through it; absent: nobody, or an operator of which nothing is known. */
  readonly owner?: ServerOwner;
  /** Absent: nothing that is to be changed asks for it, or the server does not say whose data it has. */
  readonly copies?: Copies;
}

export interface ServerFacts {
  /** system_identifier: of the data, also of its standbys. Null where the role may not ask. */
  readonly systemId: string | null;
  /** `18.4` */
  readonly version: string;
  readonly major: number;
  /** The role that looks, quoted as SQL wants it. */
  readonly role: string;
  /** The one that the Secret names. */
  readonly database: string;
  /** So many sessions it takes at once, of all but superusers; -1: any number. */
  readonly databaseLimit: number;
  /** So many sessions the role that was asked for may have at once; -1: any number. Null: there is no such role. */
  readonly roleLimit: number | null;
  /** The role is its owner, or has the owner's rights. */
  readonly ownsDatabase: boolean;
  readonly isStandby: boolean;
  /** Standbys that follow it now. */
  readonly standbys: number;
  readonly mayReload: boolean;
  /** Where pg_stat_statements is in the Secret's database, quoted as SQL wants it; null: it is not there. */
  readonly statementsSchema: string | null;
  /** The statements of others too. */
  readonly seesStatements: boolean;
  readonly maySeeFiles: boolean;
}

/** A value that sessions of a role, of a database or of both get instead of the server's own. */
export interface Overlay {
  readonly name: string;
  readonly value: string;
  /** Null: every role. */
  readonly role: string | null;
  /** Null: every database. */
  readonly database: string | null;
}

/** Looks at one server and changes nothing. @throws {Problem} SecretNotFound, Unreachable, AuthenticationFailed, … */
export async function observe(unit: PostgresUnit, deps: PostgresDeps, signal: AbortSignal): Promise<PostgresObserved> {
  const address = await addressOf(unit, deps, signal);
  const owner = await readOwner(unit, deps.kube, signal);
  const { workloadRef, namespace, clientRole } = unit;
  const memoryLimitBytes = workloadRef && (await deps.memoryLimit?.(workloadRef, namespace, signal));
  await using postgres = await connectPostgres(address, signal);
  try {
    const facts = await readFacts(postgres, clientRole);
    return {
      ...facts,
      address: address.label,
      memoryLimitBytes,
      ...(clientRole === undefined ? {} : { clientRole }),
      ...(owner === undefined ? {} : { owner }),
      settings: await readSettings(postgres, facts.maySeeFiles),
      overlays: await readOverlays(postgres),
      statistics: await readStatistics(postgres),
      statements: await readStatements(postgres, facts, unit.policy.slowStatements),
    };
  } catch (error) {
    signal.throwIfAborted();
    throw serverProblem(error, postgres.label);
  }
}

/** Where the unit's Secret says that the server is. @throws {Problem} SecretNotFound, SecretInvalid */
export async function addressOf(unit: PostgresUnit, deps: PostgresDeps, signal: AbortSignal): Promise<PostgresAddress> {
  const { namespace, secretName } = unit;
  const data = await deps.readSecret(namespace, secretName, signal);
  if (data !== undefined) return postgresAddress(data, { namespace, name: secretName });
  throw new Problem('SecretNotFound', {
    saw: `no Secret ${namespace}/${secretName}`,
    wanted: 'the address and credentials of the PostgreSQL',
    next: `kubectl create secret generic ${secretName} -n ${namespace} --from-literal=uri=postgresql://…`,
  });
}

/** No backup, nobody who keeps only the log (it never says what it has replayed) and no logical subscriber. What we are not told may be one. */
const isStandby = `r.state IS DISTINCT FROM 'backup' AND (r.write_lsn IS NULL OR r.replay_lsn IS NOT NULL)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')`;
const factsWith = (systemId: string): string => `SELECT ${systemId} AS "systemId",
  pg_catalog.current_setting('server_version') AS version, pg_catalog.current_setting('server_version_num')::int / 10000 AS major,
  pg_catalog.quote_ident(current_user) AS role,
  pg_catalog.current_database() AS database,
  pg_catalog.pg_has_role(d.datdba, 'USAGE') AS "ownsDatabase", d.datconnlimit AS "databaseLimit",
  (SELECT CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END FROM pg_catalog.pg_roles r WHERE r.rolname = $1) AS "roleLimit",
  pg_catalog.pg_is_in_recovery() AS "isStandby",
  (SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_stat_replication r WHERE ${isStandby}) AS standbys,
  pg_catalog.has_function_privilege('pg_catalog.pg_reload_conf()', 'EXECUTE') AS "mayReload",
  (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements') AS "statementsSchema",
  pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS "seesStatements",
  pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
    AND pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE') AS "maySeeFiles"
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`;
const systemIdentifier = '(SELECT system_identifier::text FROM pg_catalog.pg_control_system())';

const overlaid = `SELECT pg_catalog.split_part(entry, '=', 1) AS name, pg_catalog.substr(entry, pg_catalog.strpos(entry, '=') + 1) AS value,
  r.rolname AS role, d.datname AS database
FROM pg_catalog.pg_db_role_setting s
  CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS entry
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
WHERE pg_catalog.split_part(entry, '=', 1) = ANY ($1)
ORDER BY name, role NULLS FIRST, database NULLS FIRST`;

export const readOverlays = (postgres: PostgresConnection): Promise<readonly Overlay[]> =>
  postgres.query<Overlay & { [column: string]: unknown }>(overlaid, [postgresParameterNames]);

/** @param role Of which the limit is asked for. @throws {Problem} NotImplemented below PostgreSQL 15, where ALTER SYSTEM cannot be granted. */
export async function readFacts(postgres: PostgresConnection, role: string | null = null): Promise<ServerFacts> {
  type Row = ServerFacts & { [column: string]: unknown };
  const [facts] = await postgres.query<Row>(factsWith(systemIdentifier), [role]).catch((error: unknown) => {
    if (sqlState(error) !== '42501') throw error;
    return postgres.query<Row>(factsWith('NULL'), [role]);
  });
  if (facts === undefined) throw new Error(`no answer to a SELECT of one row from ${postgres.label}`);
  if (facts.major >= 15) return facts;
  throw new Problem('NotImplemented', {
    saw: `PostgreSQL ${facts.version} at ${postgres.label}`,
    wanted: '15 or later, where ALTER SYSTEM can be granted to a role that is no superuser',
    next: 'upgrade the server, or set postgres.mode: "Off"',
  });
}
