import type { BuildFailure } from './builds.ts';
import { unlessDeclared } from './by-default.ts';
import type { BuildSession, Index, OldTransaction, Table } from './catalogue.ts';
import { serves } from './form.ts';
import type { DatabaseSeen, IndexesObserved } from './observe.ts';
import type { IndexesUnit } from './unit.ts';
import { indexText, tableName, type WantedIndex } from './wanted.ts';

/** What is to be said of one declared index. */
export type IndexVerdict = { readonly wanted: WantedIndex; readonly database: string } & (
  | { readonly state: 'Valid'; readonly there: Index }
  | { readonly state: 'NotApplicable'; readonly why: string }
  | { readonly state: 'Building'; readonly session: BuildSession }
  /** It may be built; Invalid: after what an earlier build has left is dropped. */
  | { readonly state: 'Missing' | 'Invalid'; readonly table: Table; readonly waits: Waits | undefined }
  | Failed
);

interface Failed {
  readonly state: 'Failed';
  readonly reason: 'PermissionDenied' | 'ConfigRejected' | 'IndexDiffers' | 'TableMissing' | 'Failed';
  readonly saw: string;
  readonly next: string;
}

/** What a build would have to wait for, or did. */
export type Waits =
  | { readonly for: 'Transaction'; readonly transaction: OldTransaction }
  /** `isOver`: it is tried again now, and nobody knows whether it has passed. */
  | { readonly for: 'Passing'; readonly failure: BuildFailure; readonly isOver: boolean };

export interface JudgeInput {
  readonly unit: IndexesUnit;
  readonly observed: IndexesObserved;
  /** ms since the epoch. */
  readonly now: number;
}

/** Every declared index, in the order of the policy. */
export function judgeAll(input: JudgeInput): readonly IndexVerdict[] {
  const { unit, observed } = input;
  return unit.policy.indexes.flatMap((wanted) => {
    const [own] = observed.databases;
    const database = observed.databases.find(({ name }) => name === (wanted.database ?? own?.name));
    if (database === undefined) return [];
    return [unlessDeclared({ wanted, database: database.name, ...judge(wanted, database, input) }, unit)];
  });
}

type Judged = IndexVerdict extends infer V ? (V extends unknown ? Omit<V, 'wanted' | 'database'> : never) : never;

function judge(wanted: WantedIndex, database: DatabaseSeen, input: JudgeInput): Judged {
  const { unit, observed } = input;
  if (observed.isStandby) return { state: 'NotApplicable', why: 'a standby has the indexes of its primary' };
  const table = database.tables.find(({ schema, name }) => schema === wanted.schema && name === wanted.table);
  if (table === undefined) return withoutTable(wanted, database, unit);
  const form = database.forms[wanted.name];
  if (form?.kind === 'refused') return refused(form, { wanted, table, database, role: observed.role });
  if (form === undefined)
    return failed('ConfigRejected', `${tableName(wanted)}, which is a ${table.kind.toLowerCase()}`, 'name a table');
  const equal = database.indexes.filter((one) => one.tableOid === table.oid && serves(one, form.form));
  const there = equal.find(({ isValid }) => isValid);
  if (there !== undefined) return { state: 'Valid', there };
  const session = builderOf(wanted, database, table, observed.builds);
  if (session !== undefined) return { state: 'Building', session };
  if (table.kind === 'Partitioned') return partitioned(wanted);
  const leftover = equal.some(({ schema, name }) => schema === wanted.schema && name === wanted.name);
  if (!leftover && database.taken.includes(`${wanted.schema}.${wanted.name}`))
    return failed(
      'IndexDiffers',
      `something else called ${wanted.schema}.${wanted.name}`,
      'give the declared index another name, or rename or drop what is there: genops does not touch it',
    );
  return mayNotBuild(table, observed) ?? toBuild(leftover ? 'Invalid' : 'Missing', { wanted, table, database }, input);
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

const partitioned = (wanted: WantedIndex): Judged =>
  failed(
    'ConfigRejected',
    `the partitioned table ${tableName(wanted)}, on which no index can be built concurrently`,
    'create it ON ONLY the parent, then concurrently on each partition, and attach these; genops then finds it',
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
  { observed, now }: JudgeInput,
): Judged {
  const failure = observed.failures[`${database.name}.${wanted.schema}.${wanted.name}`];
  const isResting = failure !== undefined && now < failure.againAt;
  if (isResting && !failure.isPassing) {
    const { saw, next } = failedText(failure, wanted);
    return failed('Failed', saw, next);
  }
  const old = database.oldTransactions.find((one) => one.hasSnapshot || one.tableOids.includes(table.oid));
  if (old !== undefined) return { state, table, waits: { for: 'Transaction', transaction: old } };
  return {
    state,
    table,
    waits: failure?.isPassing === true ? { for: 'Passing', failure, isOver: !isResting } : undefined,
  };
}

/** Why a build failed, and when it is tried again. */
export const failedText = ({ message, againAt }: BuildFailure, wanted: WantedIndex) => ({
  saw: `"${message}" from the build of ${indexText(wanted)}`,
  wanted: 'it valid',
  next: `see to what the message names; it is tried again at ${new Date(againAt).toISOString()}`,
});

const failed = (reason: Failed['reason'], saw: string, next: string): Failed => ({
  state: 'Failed',
  reason,
  saw,
  next,
});

/** For a GRANT that a person copies: as SQL wants it. */
const quoted = (name: string): string => (/^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);
