import type { PolicySpec } from '../../../../../operator/api/performance-policy.ts';
import type {
  BuildSession,
  Index,
  OldTransaction,
  Table,
} from '../../../../../operator/levers/postgresql/indexes/catalogue.ts';
import type { IndexForm } from '../../../../../operator/levers/postgresql/indexes/form.ts';
import type { DatabaseSeen, IndexesObserved } from '../../../../../operator/levers/postgresql/indexes/observe.ts';
import type { IndexesUnit } from '../../../../../operator/levers/postgresql/indexes/unit.ts';
import { unitWith } from '../observations.ts';

export const mark = 'Built by genops for ai/generation (u)';
const session = 'genops index u';

type Indexes = NonNullable<NonNullable<PolicySpec['postgres']>['indexes']>;
const off: Indexes = ['workflows_status_created', 'cache_entries_lookup', 'performance_metrics_time'].map((name) => ({
  name,
  mode: 'Off',
}));

/** Wants just these indexes. */
export const wanting = (
  indexes: Indexes,
  postgres: PolicySpec['postgres'] = {},
  unit: Partial<IndexesUnit> = {},
): IndexesUnit => ({
  ...unitWith({ ...postgres, indexes: [...off, ...indexes] }),
  service: 'ai/generation',
  session,
  mark,
  byDefault: [],
  maintenanceWindows: [],
  ...unit,
});

export const byStatus: Indexes[number] = { name: 'by_status', table: 'workflows', columns: [{ name: 'status' }] };
export const bySize: Indexes[number] = { name: 'by_size', table: 'workflows', columns: [{ name: 'size' }] };

export const formOf = (column: string, form: Partial<IndexForm> = {}): IndexForm => ({
  method: 'btree',
  isUnique: false,
  isNullsNotDistinct: false,
  keyColumns: 1,
  columns: [column],
  opclasses: '3126',
  collations: '100',
  options: '0',
  predicate: null,
  ...form,
});

export const table = (more: Partial<Table> = {}): Table => ({
  oid: '16384',
  schema: 'public',
  name: 'workflows',
  kind: 'Table',
  owner: 'app',
  isSuperusers: false,
  mayOwn: true,
  mayCreate: true,
  sizeBytes: 8192,
  columns: { status: 'status text', size: 'size integer' },
  ...more,
});

export const index = (name: string, column: string, more: Partial<Index> = {}): Index => ({
  ...formOf(column),
  oid: `of ${name}`,
  tableOid: '16384',
  schema: 'public',
  name,
  isValid: true,
  isReady: true,
  comment: null,
  isRead: true,
  sizeBytes: 0,
  scans: 1,
  countedSince: 'first',
  isDispensable: true,
  isPartitioned: false,
  parentOid: null,
  ...more,
});

export const build = (more: Partial<BuildSession> = {}): BuildSession => ({
  pid: 77,
  database: 'shop',
  application: session,
  isOurRole: true,
  tableOid: '16384',
  schema: 'public',
  index: 'by_status',
  indexOid: 'of by_status',
  phase: 'building index: scanning table',
  percent: 47,
  counted: 'building index: scanning table 0 0 47 0',
  waitEvent: null,
  waitsFor: null,
  waitsSeconds: null,
  ...more,
});

export const old = (more: Partial<OldTransaction> = {}): OldTransaction => ({
  pid: 9,
  gid: null,
  role: 'app',
  application: 'batch',
  state: 'active',
  since: '2026-11-28T05:00Z',
  hasSnapshot: true,
  tableOids: [],
  ...more,
});

/** A database with the empty table `workflows`. */
export const seen = (database: Partial<DatabaseSeen> = {}, server: Partial<IndexesObserved> = {}): IndexesObserved => ({
  address: 'pg.ai.svc:5432',
  role: 'genops',
  version: '18.4',
  major: 18,
  isStandby: false,
  systemId: '7',
  standbys: 0,
  standbysCounted: 0,
  builds: [],
  failures: {},
  databases: [
    {
      name: 'shop',
      tables: [table()],
      partitions: [],
      indexes: [],
      taken: [],
      forms: { by_status: { kind: 'form', form: formOf('status') }, by_size: { kind: 'form', form: formOf('size') } },
      oldTransactions: [],
      opclasses: {},
      ...database,
    },
  ],
  ...server,
});
