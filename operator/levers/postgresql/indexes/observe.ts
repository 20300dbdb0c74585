import type { LRUCache } from 'lru-cache';
import { escapeIdentifier } from 'pg';
import { connectPostgres, type PostgresConnection } from '../connect.ts';
import type { Advisor } from '../advice/advisor.ts';
import type { AdviceSeen } from '../advice/read.ts';
import type { PostgresAddress } from '../address.ts';
import { addressOf, readFacts, type PostgresDeps, type ServerFacts } from '../observe.ts';
import type { DataVolume } from '../owner.ts';
import { serverProblem, sqlState } from '../server-error.ts';
import { indexKey, type Builds, type BuildFailure } from './builds.ts';
import {
  isUnread,
  readBuilds,
  readElsewhere,
  readForm,
  readIndexes,
  readLockers,
  readOldTransactions,
  readOpclasses,
  readPartitions,
  readTables,
  readTaken,
  type BuildSession,
  type Index,
  type Locker,
  type OldTransaction,
  type Partition,
  type Table,
} from './catalogue.ts';
import type { IndexesMemory } from './changes.ts';
import type { IndexForm } from './form.ts';
import type { Gain } from './gain.ts';
import type { KnownHolders } from './holders.ts';
import { partsOf } from './partitions.ts';
import { roomOn, volumeOf, type Room, type UsedSeen } from './room.ts';
import { createIndex, isSendable, type OpclassSchemas } from './statement.ts';
import type { CountsSeen, StatementCounting } from './statement-counts.ts';
import type { Survey, Surveys } from './survey.ts';
import type { IndexesUnit } from './unit.ts';
import type { WantedIndex } from './wanted.ts';

export interface IndexesDeps extends PostgresDeps {
  readonly builds: Builds;
  readonly advisor: Advisor;
  readonly counting: StatementCounting;
  readonly surveys: Surveys;
  /** Forms that servers have worked out, by what they were worked out from: each costs a temporary table once. */
  readonly forms: LRUCache<string, WantedForm>;
  /** What a server has on its disk, by `host:port`: it looks at each of its files for that. */
  readonly used: LRUCache<string, UsedSeen>;
  readonly holders: KnownHolders;
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
  /** Of its data, also of its standbys. Null where the role may not ask. */
  readonly systemId: string | null;
  /** Standbys that follow it now. */
  readonly standbys: number;
  /** Of these, those whose scans of indexes count too. */
  readonly standbysCounted: number;
  /** The Secret’s own, those that an index is wanted in, and those that we build one in. */
  readonly databases: readonly DatabaseSeen[];
  /** Of the disk that the data lies on; absent: SQL does not tell, and neither the service nor the object of a database operator says. */
  readonly room?: Room;
  /** Of the whole server. */
  readonly builds: readonly BuildSession[];
  /** By `database.schema.name`. */
  readonly failures: Readonly<Record<string, BuildFailure>>;
  /** Of the Secret’s own database; absent where the policy does not ask for it, or a standby was looked at. */
  readonly advice?: AdviceSeen;
}

export interface DatabaseSeen {
  readonly name: string;
  readonly tables: readonly Table[];
  /** Of those of them that are partitioned. */
  readonly partitions: readonly Partition[];
  /** Of these tables, and whatever else has our mark. */
  readonly indexes: readonly Index[];
  /** `schema.name` that something has. */
  readonly taken: readonly string[];
  /** By name of the wanted index, where its table is there. */
  readonly forms: Readonly<Record<string, WantedForm>>;
  readonly oldTransactions: readonly OldTransaction[];
  readonly opclasses: OpclassSchemas;
  /** The tablespace that an index of ours goes to, which has a disk of its own; absent: that of the data. */
  readonly elsewhere?: string;
  /** Absent: there is no gain to be measured, or the server does not tell. */
  readonly counts?: CountsSeen;
  /** Of the Secret's own database; absent: the server has not told yet. */
  readonly survey?: Survey;
  /** Why the newest look for it has failed. */
  readonly surveyFailure?: string;
}

/** What the server makes of a declaration, or why it takes none. */
export type WantedForm =
  | { readonly kind: 'form'; readonly form: IndexForm }
  | { readonly kind: 'refused'; readonly message: string; readonly isForbidden: boolean };

/** Looks at the indexes of one server. What it makes to see them is in transactions that are rolled back. @throws {Problem} */
export async function observe(
  unit: IndexesUnit,
  deps: IndexesDeps,
  signal: AbortSignal,
  memory?: IndexesMemory,
): Promise<IndexesObserved> {
  const address = await addressOf(unit, deps, signal);
  const others = unit.policy.indexes.flatMap(({ database = address.database }) => database);
  const names = [...new Set([address.database, ...others])];
  const gains = Object.values(memory?.gains ?? {});
  const volume = await volumeOf(unit, deps.kube, signal);
  const looks: Look[] = [];
  const lookInto = async (name: string): Promise<void> => {
    const own = unit.policy.indexes.filter(({ database = address.database }) => database === name);
    looks.push(
      await look(
        { ...address, database: name },
        { own, unit, deps, gains, isSecrets: name === address.database, volume },
        signal,
      ),
    );
  };
  for (const name of names) await lookInto(name);
  for (const name of buildingIn(looks, unit)) if (!names.includes(name)) await lookInto(name);
  const [first] = looks;
  const room = looks.find((one) => one.room !== undefined)?.room;
  if (first?.facts === undefined) throw new Error(`nothing was seen of ${address.label}`);
  const { role, version, major, isStandby, standbys, systemId } = first.facts;
  const isAdvised = unit.policy.indexAdvice === 'Recommend' && !isStandby;
  const advice = isAdvised ? await deps.advisor.of(address, first.facts, signal) : undefined;
  return {
    ...(advice && { advice }),
    role,
    version,
    major,
    isStandby,
    systemId,
    standbys,
    standbysCounted: 0,
    address: address.label,
    ...(room && { room }),
    databases: looks.map(({ database }) => database),
    builds: first.builds.map(
      (one) =>
        looks.flatMap(({ builds }) => builds).findLast(({ pid, index }) => pid === one.pid && index !== null) ?? one,
    ),
    failures: {
      ...deps.builds.failuresOn(address.label),
      ...Object.fromEntries(looks.flatMap(({ hidden = [] }) => hidden)),
    },
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
  /** Of the whole server, where there is something to be built in this database and it is known. */
  readonly room?: Room | undefined;
  /** Of the whole server; the names of indexes only of this database. */
  readonly builds: readonly BuildSession[];
  /** Why nobody knows whether an index is there, by `database.schema.name`. */
  readonly hidden?: readonly Hidden[];
}

type Hidden = readonly [index: string, why: BuildFailure];

interface Looking {
  readonly own: readonly WantedIndex[];
  readonly unit: IndexesUnit;
  readonly deps: IndexesDeps;
  readonly gains: readonly Gain[];
  /** Whether it is the database of the Secret: that one has to be there. */
  readonly isSecrets: boolean;
  readonly volume: DataVolume | undefined;
}

async function look(address: PostgresAddress, looking: Looking, signal: AbortSignal): Promise<Look> {
  const none = {
    name: address.database,
    tables: [],
    partitions: [],
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
    if (facts.isStandby) return { facts, builds, database: none };
    const database = await observeDatabase(postgres, address.database, facts.major, looking);
    const { deps, gains, own } = looking;
    const hidden = await hiddenIn(postgres, database, own);
    const counts = await deps.counting.of(address, facts, { ...database, builds, gains }, signal);
    const room = await roomOn(postgres, database, { volume: looking.volume, seen: deps.used }, signal);
    const { name, tables, partitions } = database;
    const told = { name, tables: [...tables, ...partitions] };
    const { survey, failure } = looking.isSecrets ? await deps.surveys.of(postgres, told, signal) : {};
    return {
      facts,
      builds,
      hidden,
      database: {
        ...database,
        ...(counts && { counts }),
        ...(survey && { survey }),
        ...(failure !== undefined && { surveyFailure: failure }),
      },
      room,
    };
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
  const elsewhere = own.length === 0 ? undefined : await readElsewhere(postgres);
  const tables = own.length === 0 ? [] : await readTables(postgres, major, own);
  const partitions = await readPartitions(postgres, major, tables);
  const indexes = await readIndexes(postgres, [...tables, ...partitions], unit.mark);
  const opclasses = await readOpclasses(postgres, own.flatMap(opclassesOf));
  const seen: Record<string, WantedForm> = {};
  const named: WantedIndex[] = [];
  for (const wanted of own) {
    const table = tables.find((one) => one.schema === wanted.schema && one.name === wanted.table);
    named.push(...(table === undefined ? [wanted] : partsOf(wanted, table, partitions).map((part) => part.wanted)));
    if (table !== undefined && table.kind !== 'View' && table.kind !== 'Foreign')
      seen[wanted.name] = await knownForm(postgres, { wanted, table, opclasses, database: name }, forms);
  }
  return {
    name,
    ...(elsewhere !== undefined && { elsewhere }),
    tables,
    partitions,
    indexes,
    forms: seen,
    opclasses,
    taken: own.length === 0 ? [] : withoutUnread(await readTaken(postgres, named), indexes),
    oldTransactions:
      tables.length === 0 ? [] : await readOldTransactions(postgres, [...tables, ...partitions], oldAfterSeconds),
  };
}

/** One of which nobody knows what it is may be just what is wanted. */
function withoutUnread(taken: readonly string[], indexes: readonly Index[]): readonly string[] {
  const unread = new Set(indexes.filter(isUnread).map(({ schema, name }) => `${schema}.${name}`));
  return taken.filter((name) => !unread.has(name));
}

/** While somebody has a table locked nobody is told the conditions of its indexes, and none is built beside one that may be the same. */
async function hiddenIn(
  postgres: PostgresConnection,
  { name: database, tables, partitions, indexes }: DatabaseSeen,
  own: readonly WantedIndex[],
): Promise<readonly Hidden[]> {
  const locked = new Set(indexes.filter(isUnread).map(({ tableOid }) => tableOid));
  if (locked.size === 0) return [];
  const lockers = await readLockers(postgres, [...locked]);
  return own.flatMap((wanted) => {
    const table = tables.find((one) => one.schema === wanted.schema && one.name === wanted.table);
    const parts = table === undefined ? [] : partsOf(wanted, table, partitions);
    const part = parts.find((one) => locked.has(one.table.oid));
    if (part === undefined) return [];
    const message = hiddenText(part.table, lockers);
    const failure = { message, isPassing: true, attempts: 0, againAt: Number.POSITIVE_INFINITY };
    return parts.map((one) => [indexKey(database, one.wanted), failure] as const);
  });
}

function hiddenText({ oid, schema, name }: Table, lockers: readonly Locker[]): string {
  const { pid, role, application } = lockers.find(({ tableOid }) => tableOid === oid) ?? { pid: null };
  const process = `pid ${pid} of role ${role ?? 'unknown'}${application ? ` (${application})` : ''}`;
  return `${schema}.${name} locked by ${pid === null ? 'somebody' : process}, which hides the conditions of its indexes`;
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
