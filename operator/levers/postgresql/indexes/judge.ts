import { maintenanceAt, type ClosedMaintenance, type Maintenance } from '../../../decide/maintenance-window.ts';
import type { BuildFailure } from './builds.ts';
import { unlessDeclared } from './by-default.ts';
import type { BuildSession, Index, OldTransaction, Table } from './catalogue.ts';
import { serves, type IndexForm } from './form.ts';
import type { DatabaseSeen, IndexesObserved } from './observe.ts';
import { partsOf, workOf, type Part, type PartitionWork } from './partitions.ts';
import { duplicates } from './statement.ts';
import type { IndexesUnit } from './unit.ts';
import { indexText, tableName, type WantedIndex } from './wanted.ts';

/** What is to be said of one declared index. */
export type IndexVerdict = {
  readonly wanted: WantedIndex;
  readonly database: string;
  /** On a partitioned table it is all of these, the declared one among them. */
  readonly parts?: readonly WantedIndex[];
} & (
  | { readonly state: 'Valid'; readonly there: Index }
  | { readonly state: 'NotApplicable'; readonly why: string }
  | {
      readonly state: 'Building';
      readonly session: BuildSession;
      readonly work?: PartitionWork;
    }
  /** It may be built; Invalid: after what an earlier build has left is dropped. */
  | {
      readonly state: 'Missing' | 'Invalid';
      readonly table: Table;
      readonly waits: Waits | undefined;
      /** On a partitioned table: what of it is there. */
      readonly work?: PartitionWork;
    }
  | Failed
);

interface Failed {
  readonly state: 'Failed';
  readonly reason: 'PermissionDenied' | 'ConfigRejected' | 'IndexDiffers' | 'TableMissing' | 'DiskFull' | 'Failed';
  readonly saw: string;
  readonly next: string;
}

/** What a build would have to wait for, or did. */
export type Waits =
  | WindowWaits
  | { readonly for: 'Transaction'; readonly transaction: OldTransaction }
  /** `isOver`: it is tried again now, and nobody knows whether it has passed. */
  | { readonly for: 'Passing'; readonly failure: BuildFailure; readonly isOver: boolean };

export interface WindowWaits {
  readonly for: 'Window';
  readonly maintenance: ClosedMaintenance;
}

export type ToBuild = Extract<IndexVerdict, { readonly state: 'Missing' | 'Invalid' }>;

export interface JudgeInput {
  readonly unit: IndexesUnit;
  readonly observed: IndexesObserved;
  /** ms since the epoch. */
  readonly now: number;
}

type Input = JudgeInput & { readonly maintenanceNow: () => Maintenance };

/** Every declared index, in the order of the policy. */
export function judgeAll(given: JudgeInput): readonly IndexVerdict[] {
  const { unit, observed, now } = given;
  let maintenance: Maintenance | undefined; // a calendar of years, for a build only
  const input = { ...given, maintenanceNow: () => (maintenance ??= maintenanceAt(unit.maintenanceWindows, now)) };
  return unit.policy.indexes.flatMap((wanted) => {
    const [own] = observed.databases;
    const database = observed.databases.find(({ name }) => name === (wanted.database ?? own?.name));
    if (database === undefined) return [];
    const verdict = { wanted, database: database.name, ...judge(wanted, database, input) };
    return [{ ...unlessDeclared(verdict, unit), ...partsIn(wanted, database) }];
  });
}

function partsIn(wanted: WantedIndex, { tables, partitions }: DatabaseSeen): Pick<IndexVerdict, 'parts'> {
  const table = tableOf(wanted, tables);
  return table?.kind === 'Partitioned' ? { parts: partsOf(wanted, table, partitions).map((part) => part.wanted) } : {};
}

const tableOf = (wanted: WantedIndex, tables: readonly Table[]): Table | undefined =>
  tables.find(({ schema, name }) => schema === wanted.schema && name === wanted.table);

type Judged = IndexVerdict extends infer V ? (V extends unknown ? Omit<V, 'wanted' | 'database'> : never) : never;

function judge(wanted: WantedIndex, database: DatabaseSeen, input: Input): Judged {
  const { unit, observed } = input;
  if (observed.isStandby) return { state: 'NotApplicable', why: 'a standby has the indexes of its primary' };
  const table = tableOf(wanted, database.tables);
  if (table === undefined) return withoutTable(wanted, database, unit);
  const form = database.forms[wanted.name];
  if (form?.kind === 'refused') return refused(form, { wanted, table, database, role: observed.role });
  if (form === undefined)
    return failed('ConfigRejected', `${tableName(wanted)}, which is a ${table.kind.toLowerCase()}`, 'name a table');
  const equal = database.indexes.filter((one) => one.tableOid === table.oid && serves(one, form.form));
  const there = equal.find(({ isValid }) => isValid);
  if (there !== undefined) return { state: 'Valid', there: withParts(there, database.indexes) };
  const session = builderOf(wanted, database, table, observed.builds);
  if (session !== undefined) return { state: 'Building', session };
  if (table.kind === 'Partitioned') return judgePartitioned({ wanted, table, database }, form.form, input);
  const leftover = equal.some(({ schema, name }) => schema === wanted.schema && name === wanted.name);
  if (!leftover && isTaken(wanted, database)) return differs(wanted);
  return mayNotBuild(table, observed) ?? toBuild(leftover ? 'Invalid' : 'Missing', { wanted, table, database }, input);
}

/** Plans read the indexes of partitions, never that of the whole. */
function withParts(there: Index, indexes: readonly Index[]): Index {
  const isRead = (one: Index): boolean =>
    one.isRead || (one.isPartitioned && indexes.some((part) => part.parentOid === one.oid && isRead(part)));
  return { ...there, isRead: isRead(there) };
}

function withoutTable({ schema, table }: WantedIndex, { name }: DatabaseSeen, { policy }: IndexesUnit): Judged {
  const why = `no table ${schema}.${table} in database ${name}`;
  if (policy.onMissingTable === 'Skip') return { state: 'NotApplicable', why };
  return failed(
    'TableMissing',
    why,
    'nothing, where a migration makes it; else correct the name, or onMissingTable: Skip',
  );
}

interface About {
  readonly wanted: WantedIndex;
  readonly table: Table;
  readonly database: DatabaseSeen;
}

function refused(
  { message, isForbidden }: { readonly message: string; readonly isForbidden: boolean },
  { table, database, role }: About & { readonly role: string },
): Judged {
  if (!isForbidden) return failed('ConfigRejected', `"${message}"`, 'correct the index in the policy');
  const grantee = table.mayOwn ? quoted(table.owner) : role;
  const grant = `GRANT TEMPORARY ON DATABASE ${quoted(database.name)} TO ${grantee}`;
  return failed(
    'PermissionDenied',
    `"${message}"`,
    `${grant}: the server compares indexes on an empty temporary table`,
  );
}

/** A build of this very index; or one of which the server does not tell us what it builds. */
function builderOf(
  { schema, name }: WantedIndex,
  database: DatabaseSeen,
  table: Table,
  builds: readonly BuildSession[],
): BuildSession | undefined {
  const here = builds.filter((one) => one.database === database.name && one.phase !== null);
  return (
    here.find((one) => one.schema === schema && one.index === name) ??
    here.find(({ tableOid, index }) => index === null && (tableOid === null || tableOid === table.oid))
  );
}

const isTaken = ({ schema, name }: WantedIndex, { taken }: DatabaseSeen): boolean =>
  taken.includes(`${schema}.${name}`);

const differs = ({ schema, name }: WantedIndex): Judged =>
  failed(
    'IndexDiffers',
    `something else called ${schema}.${name}`,
    'give the declared index another name, or rename or drop what is there: genops does not touch it',
  );

/** One index of the partitioned table, which is valid once each partition has its own and all are attached: built partition by partition, since none can be built concurrently on all. */
function judgePartitioned({ wanted, table, database }: About, form: IndexForm, input: Input): Judged {
  const { observed } = input;
  const parts = partsOf(wanted, table, database.partitions);
  const work = workOf(parts, database.indexes, form);
  const session = parts.flatMap((part) => builderOf(part.wanted, database, part.table, observed.builds) ?? [])[0];
  if (session !== undefined) return { state: 'Building', session, work };
  const obstacle = obstacleTo(parts, work, { database, observed, form });
  if (obstacle !== undefined) return obstacle;
  const next = work.missing[0] ?? parts[0];
  const judged = toBuild('Missing', { wanted: next?.wanted ?? wanted, table: next?.table ?? table, database }, input);
  return judged.state === 'Missing' ? { ...judged, work } : judged;
}

/** What stands in the way of any of its parts. */
function obstacleTo(
  parts: readonly Part[],
  { steps, missing }: PartitionWork,
  { database, observed, form }: Pick<About, 'database'> & Pick<JudgeInput, 'observed'> & { readonly form: IndexForm },
): Judged | undefined {
  const foreign = parts.find(({ table }) => table.kind === 'Foreign');
  if (foreign !== undefined)
    return failed(
      'ConfigRejected',
      `the foreign table ${tableName(foreign.wanted)} among the partitions`,
      'take it out of them: while it is one, no index of the whole table becomes valid',
    );
  const absent = [...missing, ...steps.flatMap((step) => (step.kind === 'Create' ? [step.part] : []))];
  const touched = [...parts.slice(0, 1), ...absent];
  const denied = touched.map(({ table }) => mayNotBuild(table, observed)).find((one) => one !== undefined);
  if (denied !== undefined) return denied;
  const taken = absent.find((part) => isTaken(part.wanted, database) && !isLeftover(part, database, form));
  if (taken !== undefined) return differs(taken.wanted);
  if (absent.length > 0 || steps.length > 0) return undefined;
  const [root] = parts;
  return failed(
    'Failed',
    `an index that is not valid, though all of its partitions have theirs, as after a partition was taken away in the middle`,
    `DROP INDEX ${root === undefined ? '' : `${quoted(root.wanted.schema)}.${quoted(root.wanted.name)}`}: it is built anew`,
  );
}

const isLeftover = ({ wanted, table }: Part, { indexes }: DatabaseSeen, form: IndexForm): boolean =>
  indexes.some(
    (one) =>
      one.tableOid === table.oid &&
      one.schema === wanted.schema &&
      one.name === wanted.name &&
      serves(one, form) &&
      !one.isValid,
  );

function mayNotBuild(table: Table, { role, major }: IndexesObserved): Judged | undefined {
  const name = `${table.schema}.${table.name}`;
  if (table.isSuperusers)
    return failed(
      'PermissionDenied',
      `table ${name} of ${table.owner}, a superuser, as which nothing is ever done`,
      `ALTER TABLE ${quoted(table.schema)}.${quoted(table.name)} OWNER TO a role that is none, and grant that one to ${role}; or create the index by hand: it is then found`,
    );
  if (!table.mayOwn)
    return failed(
      'PermissionDenied',
      `table ${name} of ${table.owner}, which ${role} may not become`,
      `GRANT ${quoted(table.owner)} TO ${role}${major >= 16 ? ' WITH INHERIT FALSE, SET TRUE' : ''}`,
    );
  if (table.mayCreate) return undefined;
  return failed(
    'PermissionDenied',
    `no right of ${table.owner} to create anything in schema ${table.schema}`,
    `GRANT CREATE ON SCHEMA ${quoted(table.schema)} TO ${quoted(table.owner)}`,
  );
}

function toBuild(
  state: 'Missing' | 'Invalid',
  { wanted, table, database }: About,
  { observed, now, maintenanceNow }: Input,
): Judged {
  const failure = observed.failures[`${database.name}.${wanted.schema}.${wanted.name}`];
  const isResting = failure !== undefined && now < failure.againAt;
  if (isResting && !failure.isPassing) {
    const { saw, next } = failedText(failure, wanted);
    return failed('Failed', saw, next);
  }
  const full = withoutRoom(table, database, observed);
  if (full !== undefined) return full;
  const maintenance = maintenanceNow();
  if (!maintenance.isOpen) return { state, table, waits: { for: 'Window', maintenance } };
  const old = database.oldTransactions.find((one) => one.hasSnapshot || one.tableOids.includes(table.oid));
  if (old !== undefined) return { state, table, waits: { for: 'Transaction', transaction: old } };
  return {
    state,
    table,
    waits: failure?.isPassing === true ? { for: 'Passing', failure, isOver: !isResting } : undefined,
  };
}

/** An index is seldom larger than its table, and what it sorts seldom larger than both: where not even the table would fit once more, it is not begun. */
function withoutRoom(
  { schema, name, sizeBytes }: Table,
  { elsewhere }: DatabaseSeen,
  { room }: IndexesObserved,
): Judged | undefined {
  if (elsewhere !== undefined || room === undefined || 'unknown' in room) return undefined;
  if (sizeBytes <= room.volumeBytes - room.usedBytes) return undefined;
  return failed(
    'DiskFull',
    `a table ${schema}.${name} of ${mib(sizeBytes)} on a volume of ${mib(room.volumeBytes)}, of which more than ${mib(room.volumeBytes - sizeBytes)} are in use, or kept for a write-ahead log on it (max_wal_size)`,
    'enlarge the volume, or delete what is not needed: it is looked at again',
  );
}

const mib = (amount: number): string => `${Math.ceil(amount / 2 ** 20)} MiB`;

/** It would be built at once, were it not for the time. */
export const waitsForWindow = (verdict: IndexVerdict): verdict is ToBuild & { readonly waits: WindowWaits } =>
  'waits' in verdict && verdict.waits?.for === 'Window';

/** Why a build failed, and when it is tried again. */
export function failedText({ message, isDuplicate, againAt }: BuildFailure, wanted: WantedIndex) {
  const remedy = isDuplicate
    ? `take away rows that have the same values, or declare another index without unique; they are shown in the index’s database by: ${duplicates(wanted)}`
    : 'see to what the message names';
  return {
    saw: `"${message}" from the build of ${indexText(wanted)}`,
    wanted: 'it valid',
    next: `${remedy}; it is tried again at ${new Date(againAt).toISOString()}`,
  };
}

const failed = (reason: Failed['reason'], saw: string, next: string): Failed => ({
  state: 'Failed',
  reason,
  saw,
  next,
});

/** For a GRANT that a person copies: as SQL wants it. */
const quoted = (name: string): string => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);
