import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';
import type { PostgresObserved } from '../../../../operator/levers/postgresql/observe.ts';
import { plan } from '../../../../operator/levers/postgresql/plan.ts';
import type { ServerSetting } from '../../../../operator/levers/postgresql/setting.ts';
import type { PostgresUnit } from '../../../../operator/levers/postgresql/unit.ts';

export const unitWith = (postgres: PolicySpec['postgres'] = {}, unit: Partial<PostgresUnit> = {}): PostgresUnit => ({
  name: 'main',
  mode: 'Enforce',
  namespace: 'ai',
  secretName: 'postgres',
  otherSecrets: [],
  policy: effectivePolicy({ overrides: { postgres: postgres ?? {} } }).policy.postgres,
  ...unit,
});

export const settingWith = (name: string, setting: Partial<ServerSetting> = {}): ServerSetting => ({
  name,
  value: '0',
  unit: null,
  type: 'integer',
  context: 'user',
  source: 'default',
  choices: null,
  isPending: false,
  inFiles: null,
  inAutoConf: null,
  maySet: true,
  mayDiffer: (setting.context ?? 'user') === 'user',
  ...setting,
});

/** pg_settings of a PostgreSQL 17 as it starts. */
const startSettings: readonly ServerSetting[] = [
  settingWith('work_mem', { value: '4096', unit: 'kB' }),
  settingWith('maintenance_work_mem', { value: '65536', unit: 'kB' }),
  settingWith('autovacuum_work_mem', { value: '-1', unit: 'kB', context: 'sighup' }),
  settingWith('effective_cache_size', { value: '524288', unit: '8kB' }),
  settingWith('effective_io_concurrency', { value: '1' }),
  settingWith('random_page_cost', { value: '4', type: 'real' }),
  settingWith('default_statistics_target', { value: '100' }),
  settingWith('checkpoint_timeout', { value: '300', unit: 's', context: 'sighup' }),
  settingWith('checkpoint_completion_target', { value: '0.9', type: 'real', context: 'sighup' }),
  settingWith('min_wal_size', { value: '80', unit: 'MB', context: 'sighup' }),
  settingWith('max_wal_size', { value: '1024', unit: 'MB', context: 'sighup' }),
  settingWith('wal_segment_size', { value: '16777216', unit: 'B', context: 'internal' }),
  settingWith('wal_compression', { value: 'off', type: 'enum', choices: ['pglz', 'lz4', 'zstd', 'on', 'off'] }),
  settingWith('jit', { value: 'on', type: 'bool' }),
  settingWith('shared_buffers', { value: '16384', unit: '8kB', context: 'postmaster' }),
  settingWith('wal_buffers', { value: '512', unit: '8kB', context: 'postmaster' }),
  settingWith('max_connections', { value: '100', context: 'postmaster' }),
  settingWith('max_worker_processes', { value: '8', context: 'postmaster' }),
  settingWith('autovacuum_max_workers', { value: '3', context: 'postmaster' }),
  settingWith('track_activity_query_size', { value: '1024', unit: 'B', context: 'postmaster' }),
  settingWith('max_parallel_workers', { value: '8' }),
  settingWith('max_parallel_workers_per_gather', { value: '2' }),
  settingWith('max_parallel_maintenance_workers', { value: '2' }),
  settingWith('superuser_reserved_connections', { value: '3', context: 'postmaster', maySet: false }),
  settingWith('reserved_connections', { value: '2', context: 'postmaster', maySet: false }),
  settingWith('max_wal_senders', { value: '10', context: 'postmaster', maySet: false }),
  settingWith('allow_alter_system', { value: 'on', type: 'bool', context: 'sighup', maySet: false }),
];

export interface Seen extends Partial<Omit<PostgresObserved, 'settings'>> {
  /** What differs from a server as it starts, by name. */
  readonly settings?: Readonly<Record<string, Partial<ServerSetting>>>;
}

/** A server as it starts; whatever is given stands instead. */
export function seen({ settings = {}, ...facts }: Seen = {}): PostgresObserved {
  return {
    systemId: '7000000000000000001',
    address: 'pg.ai.svc:5432',
    version: '17.2',
    major: 17,
    role: 'genops',
    database: 'shop',
    ownsDatabase: false,
    databaseLimit: -1,
    roleLimit: null,
    memoryLimitBytes: undefined,
    statementsSchema: null,
    seesStatements: false,
    statements: { state: 'Unknown', why: 'nobody asked' },
    isStandby: false,
    standbys: 0,
    mayReload: true,
    maySeeFiles: true,
    overlays: [],
    statistics: { state: 'Unknown', why: 'no plan asks for it' },
    ...facts,
    settings: Object.fromEntries(startSettings.map((one) => [one.name, { ...one, ...settings[one.name] }])),
  };
}

export interface Given {
  readonly server?: Seen;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly sizing?: NonNullable<PolicySpec['postgres']>['sizing'];
  readonly unit?: Partial<PostgresUnit>;
  readonly memory?: UnitMemory;
}

/** What the lever would do. */
export const planned = ({ server, parameters = {}, sizing, unit, memory }: Given) =>
  plan({ unit: unitWith({ parameters, ...(sizing && { sizing }) }, unit), observed: seen(server), memory, now: 0 });
/** Its writes, one line each. */
export const written = ({ changes }: ReturnType<typeof planned>) =>
  changes.flatMap(({ cause, writes }) => writes.map(({ name, to, before }) => `${cause} ${name} ${before} > ${to}`));

export const small = { memory: '4Gi', cpus: '2' };
