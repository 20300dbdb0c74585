import type { LRUCache } from 'lru-cache';
import { escapeIdentifier } from 'pg';
import { connectPostgres, type PostgresConnection } from '../connect.ts';
import type { PostgresAddress } from '../address.ts';
import { addressOf, readFacts, type PostgresDeps, type ServerFacts } from '../observe.ts';
import { serverProblem, sqlState } from '../server-error.ts';
import type { Builds, BuildFailure } from './builds.ts';
import {
  readBuilds,
  readForm,
  readIndexes,
  readOldTransactions,
  readOpclasses,
  readTables,
  readTaken,
  type BuildSession,
  type Index,
  type OldTransaction,
  type Table,
} from './catalogue.ts';
import type { IndexForm } from './form.ts';
import { createIndex, isSendable, type OpclassSchemas } from './statement.ts';
import type { IndexesUnit } from './unit.ts';
import type { WantedIndex } from './wanted.ts';

export interface IndexesDeps extends PostgresDeps {
  readonly builds: Builds;
  /** Forms that servers have worked out, by what they were worked out from: each costs a temporary table once. */
  readonly forms: LRUCache<string, WantedForm>;
  /** From this age on a transaction is not waited for within a build, but before it. */
  readonly oldAfterSeconds: number;
}

export interface IndexesObserved {
  /** `host:port` */
  readonly address: string;
  /** The role that looks, quoted as SQL wants it. */
  readonly role: string;
  readonly version: string;
  readonly major: number;
  /** A standby has the indexes of its primary. */
  readonly isStandby: boolean;
  /** The Secret’s own, those that an index is wanted in, and those that we build one in. */
  readonly databases: readonly DatabaseSeen[];
  /** Of the whole server. */
  readonly builds: readonly BuildSession[];
  /** By `database.schema.name`. */
  readonly failures: Readonly<Record<string, BuildFailure>>;
}

export interface DatabaseSeen {
  readonly name: string;
  readonly tables: readonly Table[];
  /** Of these tables, and whatever else has our mark. */
  readonly indexes: readonly Index[];
  /** `schema.name` that something has. */
  readonly taken: readonly string[];
  /** By name of the wanted index, where its table is there. */
  readonly forms: Readonly<Record<string, WantedForm>>;
  readonly oldTransactions: readonly OldTransaction[];
  readonly opclasses: OpclassSchemas;
}

/** What the server makes of a declaration, or why it takes none. */
export type WantedForm =
  | { readonly kind: 'form'; readonly form: IndexForm }
  | { readonly kind: 'refused'; readonly message: string; readonly isForbidden: boolean };

/** Looks at the indexes of one server. What it makes to see them is in transactions that are rolled back. @throws {Problem} */
export async function observe(unit: IndexesUnit, deps: IndexesDeps, signal: AbortSignal): Promise<IndexesObserved> {
  const address = await addressOf(unit, deps, signal);
  const others = unit.policy.indexes.flatMap(({ database = address.database }) => database);
  const names = [...new Set([address.database, ...others])];
  const looks: Look[] = [];
  const lookInto = async (name: string): Promise<void> => {
    const own = unit.policy.indexes.filter(({ database = address.database }) => database === name);
    looks.push(
      await look({ ...address, database: name }, { own, unit, deps, isSecrets: name === address.database }, signal),
    );
  };
  for (const name of names) await lookInto(name);
  for (const name of buildingIn(looks, unit)) if (!names.includes(name)) await lookInto(name);
  const [first] = looks;
  if (first?.facts === undefined) throw new Error(`nothing was seen of ${address.label}`);
  const { role, version, major, isStandby } = first.facts;
  return {
    role,
    version,
    major,
    isStandby,
    address: address.label,
    databases: looks.map(({ database }) => database),
    builds: first.builds.map(
      (one) =>
        looks.flatMap(({ builds }) => builds).findLast(({ pid, index }) => pid === one.pid && index !== null) ?? one,
    ),
    failures: deps.builds.failuresOn(address.label),
  };
}

/** Where we still build, though nothing may be declared there any more. */
const buildingIn = ([first]: readonly Look[], { session }: IndexesUnit): ReadonlySet<string> =>
  new Set(
    (first?.builds ?? []).filter((one) => one.isOurRole && one.application === session).map((one) => one.database),
  );

interface Look {
  /** Undefined: there is no such database. */
  readonly facts?: ServerFacts;
  readonly database: DatabaseSeen;
  /** Of the whole server; the names of indexes only of this database. */
  readonly builds: readonly BuildSession[];
}

interface Looking {
  readonly own: readonly WantedIndex[];
  readonly unit: IndexesUnit;
  readonly deps: IndexesDeps;
  /** Whether it is the database of the Secret: that one has to be there. */
  readonly isSecrets: boolean;
}

async function look(address: PostgresAddress, looking: Looking, signal: AbortSignal): Promise<Look> {
  const none = {
    name: address.database,
    tables: [],
    indexes: [],
    taken: [],
    forms: {},
    oldTransactions: [],
    opclasses: {},
  };
  try {
    await using postgres = await connectPostgres(address, signal);
    const facts = await readFacts(postgres);
    const builds = await readBuilds(postgres);
    const database = facts.isStandby ? none : await observeDatabase(postgres, address.database, facts.major, looking);
    return { facts, builds, database };
  } catch (error) {
    signal.throwIfAborted();
    const problem = serverProblem(error, address.label);
    if (problem.reason === 'SecretInvalid' && !looking.isSecrets) return { database: none, builds: [] };
    throw problem;
  }
}

async function observeDatabase(
  postgres: PostgresConnection,
  name: string,
  major: number,
  { own, unit, deps: { forms, oldAfterSeconds } }: Looking,
): Promise<DatabaseSeen> {
  const tables = own.length === 0 ? [] : await readTables(postgres, major, own);
  const indexes = await readIndexes(postgres, tables, unit.mark);
  const opclasses = await readOpclasses(postgres, own.flatMap(opclassesOf));
  const seen: Record<string, WantedForm> = {};
  for (const wanted of own) {
    const table = tables.find((one) => one.schema === wanted.schema && one.name === wanted.table);
    if (table !== undefined && table.kind !== 'View' && table.kind !== 'Foreign')
      seen[wanted.name] = await knownForm(postgres, { wanted, table, opclasses, database: name }, forms);
  }
  return {
    name,
    tables,
    indexes,
    forms: seen,
    opclasses,
    taken: own.length === 0 ? [] : await readTaken(postgres, own),
    oldTransactions: tables.length === 0 ? [] : await readOldTransactions(postgres, tables, oldAfterSeconds),
  };
}

const opclassesOf = ({ columns }: WantedIndex): readonly string[] =>
  columns.flatMap(({ opclass }) => (opclass === undefined ? [] : [opclass]));

const columnsOf = ({ columns, include = [], where = [] }: WantedIndex, table: Table): readonly (string | undefined)[] =>
  [...new Set([...columns.map(({ name }) => name), ...include, ...where.map(({ column }) => column)])].map(
    (name) => table.columns[name],
  );

interface Declared {
  readonly wanted: WantedIndex;
  readonly table: Table;
  readonly opclasses: OpclassSchemas;
  readonly database: string;
}

/** The same declaration on the same columns has the same form. */
async function knownForm(
  postgres: PostgresConnection,
  declared: Declared,
  forms: IndexesDeps['forms'],
): Promise<WantedForm> {
  const { wanted, table, opclasses, database } = declared;
  const { oid, owner, mayOwn } = table;
  const key = JSON.stringify([
    postgres.label,
    database,
    { ...wanted, name: '' },
    opclasses,
    oid,
    owner,
    mayOwn,
    columnsOf(wanted, table),
  ]);
  const known = forms.get(key);
  if (known !== undefined) return known;
  const found = await formOf(postgres, declared);
  if (found.kind === 'form') forms.set(key, found);
  return found;
}

const standIn = 'genops_form';

/**
 * The server works the declaration out on an empty temporary table that has the columns of the real one: it knows how an index that is there was written down, and what it would refuse it refuses before a long build.
 * All of it is rolled back.
 */
async function formOf(postgres: PostgresConnection, { wanted, table, opclasses }: Declared): Promise<WantedForm> {
  if (!isSendable(wanted))
    return { kind: 'refused', message: 'a value with a NUL or half a character', isForbidden: false };
  const columns = columnsOf(wanted, table).filter((column) => column !== undefined); // the server names one that is missing
  const name = `${standIn}_index`;
  await postgres.query('BEGIN READ WRITE');
  try {
    if (table.mayOwn) await postgres.query(`SET LOCAL ROLE ${escapeIdentifier(table.owner)}`);
    await postgres.query(`CREATE TEMPORARY TABLE ${standIn} (${columns.join(', ')}) ON COMMIT DROP`);
    await postgres.query(createIndex(wanted, { on: `pg_temp.${standIn}`, name, isConcurrent: false, opclasses }));
    const form = await readForm(postgres, name);
    if (form === undefined) throw new Error(`no index ${name} right after it was made on ${postgres.label}`);
    return { kind: 'form', form };
  } catch (error) {
    const state = sqlState(error);
    if (!Error.isError(error) || !/^(?:22|42|0A|2B)/.test(state)) throw error;
    return { kind: 'refused', message: error.message.replaceAll(standIn, table.name), isForbidden: state === '42501' };
  } finally {
    await postgres.query('ROLLBACK');
  }
}
