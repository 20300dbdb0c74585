import { setTimeout } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { isProblem } from '../../../api/problem.ts';
import type { PostgresAddress } from '../address.ts';
import { connectPostgres, type PostgresConnection } from '../connect.ts';
import { sqlState } from '../server-error.ts';
import type { InVain } from './standstill.ts';
import { createIndex, qualified, type OpclassSchemas } from './statement.ts';
import { tableName, type WantedIndex } from './wanted.ts';

/** What one build takes. */
export interface BuildOrder {
  readonly wanted: WantedIndex;
  readonly database: string;
  /** Of the table: it builds, and has the index. */
  readonly owner: string;
  readonly opclasses: OpclassSchemas;
  /** The probe for a table that is locked does not take a materialized view. */
  readonly isTable: boolean;
  readonly session: string;
  readonly mark: string;
  /** `namespace/name` of whom it is for. */
  readonly service: string;
}

/** Why the last build of an index came to nothing. */
export interface BuildFailure {
  readonly message: string;
  /** Nothing is wrong: something is in the way that passes. */
  readonly isPassing: boolean;
  /** The index is to be unique, and rows are not. */
  readonly isDuplicate?: true;
  readonly attempts: number;
  /** When the next may begin; ms since the epoch. */
  readonly againAt: number;
}

/** The builds that this process has begun. One goes on whatever becomes of the visit that began it, and on the server whatever becomes of us. */
export interface Builds {
  /**
   * Begins a build unless this process has one on that server.
   *
   * @returns When it has ended, or after `waitMs`; why it came to nothing, where it did.
   */
  start(order: BuildOrder, address: PostgresAddress, waitMs: number): Promise<Begun>;
  failuresOn(server: string): Readonly<Record<string, BuildFailure>>;
  /** What runs for this service, `namespace/name`. */
  of(service: string): readonly Running[];
  /** What builds for this service have left that came to nothing, and could not drop: nobody else looks for it once the service is gone. */
  leftOf(service: string): readonly Leftover[];
  /** It is dropped, or another has come in its place. */
  settle(leftover: Leftover): void;
  /** Ends a build, whoever began it: that is no failure of its own, unless it was in vain. */
  end(server: string, key: string, { cancel, inVain }: Ending, signal: AbortSignal): Promise<void>;
}

export type Begun = 'Built' | 'Running' | 'Occupied' | BuildFailure;

interface Ending {
  readonly cancel: () => Promise<void>;
  readonly inVain: InVain | null;
}

export interface Running {
  readonly order: BuildOrder;
  readonly address: PostgresAddress;
  readonly work: Promise<void>;
}

/** `oid`: of the invalid index. */
export interface Leftover extends Pick<Running, 'order' | 'address'> {
  readonly oid: string;
}

export const indexKey = (database: string, { schema, name }: Pick<WantedIndex, 'schema' | 'name'>): string =>
  `${database}.${schema}.${name}`;

interface NotedFailure {
  readonly server: string;
  readonly key: string;
  readonly failure: BuildFailure;
}
/** Previews come and go, each with a server and names of its own: whatever is forgotten is tried once more. */
const rememberedFailures = 1000;

export function createBuilds(now: () => number = Date.now): Builds {
  const running = new Map<string, Running>();
  const failures = new LRUCache<string, NotedFailure>({ max: rememberedFailures });
  const leftovers = new LRUCache<string, Leftover>({ max: rememberedFailures });
  const noteLeft = (one: Leftover): void => void leftovers.set(leftoverKey(one), one);
  const failureOn = (server: string, key: string) => failures.get(`${server} ${key}`)?.failure;
  const note = (server: string, key: string, found: Found | undefined, before: BuildFailure | undefined): void => {
    if (found === undefined) failures.delete(`${server} ${key}`);
    else failures.set(`${server} ${key}`, { server, key, failure: withRest(found, before, now()) });
  };
  const run = async (order: BuildOrder, address: PostgresAddress): Promise<void> => {
    const key = indexKey(order.database, order.wanted);
    const found = await build(order, address);
    if (found?.left !== undefined) noteLeft({ order, address, oid: found.left });
    note(address.label, key, found, failureOn(address.label, key));
  };
  return {
    async start(order, address, waitMs) {
      if (running.has(address.label)) return 'Occupied';
      const work = run(order, address).finally(() => running.delete(address.label));
      running.set(address.label, { order, address, work });
      const wait = new AbortController();
      const timer = setTimeout(waitMs, 'Running' as const, { signal: wait.signal }).catch(() => 'Running' as const);
      const answer = await Promise.race([work.then(() => 'Ended' as const), timer]);
      wait.abort();
      if (answer === 'Running') return answer;
      return failureOn(address.label, indexKey(order.database, order.wanted)) ?? 'Built';
    },
    failuresOn: (server) =>
      Object.fromEntries(
        [...failures.values()].filter((one) => one.server === server).map(({ key, failure }) => [key, failure]),
      ),
    of: (service) => [...running.values()].filter(({ order }) => order.service === service),
    leftOf: (service) => [...leftovers.values()].filter(({ order }) => order.service === service),
    settle: (leftover) => void leftovers.delete(leftoverKey(leftover)),
    async end(server, key, { cancel, inVain }, signal) {
      const before = failureOn(server, key); // that our own build notes its cancelling is no second failure
      await cancel();
      const own = running.get(server);
      if (own !== undefined && indexKey(own.order.database, own.order.wanted) === key)
        await Promise.race([own.work, rejectedBy(signal)]);
      note(server, key, inVain === null ? undefined : { message: vain[inVain], isPassing: false }, before);
    },
  };
}

const leftoverKey = ({ order, address, oid }: Leftover): string => `${address.label} ${order.database} ${oid}`;

export const rejectedBy = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

const passingMs = 10_000;
const firstRestMs = 60_000;
const longestRestMs = 3_600_000;

/** What passes is tried again soon; what fails, after twice as long each time. */
function withRest({ left: _, ...found }: Found, before: BuildFailure | undefined, now: number): BuildFailure {
  const { isPassing } = found;
  const attempts = isPassing ? 0 : (before?.attempts ?? 0) + 1;
  const restMs = isPassing ? passingMs : Math.min(firstRestMs * 2 ** (attempts - 1), longestRestMs);
  return { ...found, attempts, againAt: now + restMs };
}

type Found = Pick<BuildFailure, 'message' | 'isPassing' | 'isDuplicate'> & { readonly left?: string };
/** Else it would begin again at once where old transactions are not to be seen, and go on like that. */
const vain: Readonly<Record<InVain, string>> = {
  LockWait: 'half an hour of waiting for one lock',
  NoProgress: 'half an hour without any progress',
};

/** Two numbers, so that no application’s own lock is meant: `geno`, `ps` and the version of what is agreed. */
const lockKey = [0x67656e6f, 0x70730001] as const;
const probeMs = 2000;
/** So long a visit waits for a build that is soon done, or does not begin for a lock; one that takes longer goes on without it. */
export const beginsWithinMs = probeMs + 1000;
/** For one lock, and for all: what holds them is told, and it is tried again. Two of these and more fit into a visit. */
const dropLockMs = 3000;
const dropMs = 4000;
/** For a lock behind which readers or writers queue. */
export const briefMs = 1000;

/** Undefined: it is built. A connection that is lost says nothing: the server goes on, and the next look tells. */
async function build(order: BuildOrder, address: PostgresAddress): Promise<Found | undefined> {
  const forever = new AbortController().signal; // neither the visit nor the end of our leadership ends it
  try {
    await using postgres = await connectPostgres({ ...address, database: order.database }, forever, {
      application: order.session,
      isPatient: true,
    });
    return await buildIn(postgres, order);
  } catch (error) {
    if (isProblem(error)) return { message: error.message, isPassing: true }; // it never began
    if (!Error.isError(error)) throw error;
    return sqlState(error) === '' ? undefined : failureOf(error, order);
  }
}

async function buildIn(postgres: PostgresConnection, order: BuildOrder): Promise<Found | undefined> {
  const { wanted, owner, opclasses, mark } = order;
  const index = qualified(wanted.schema, wanted.name);
  await postgres.query(unbounded);
  const [lock] = await postgres.query<{ got: boolean }>(
    'SELECT pg_catalog.pg_try_advisory_lock($1, $2) AS got',
    lockKey,
  );
  if (lock?.got !== true) return { message: `another build of genops in database ${order.database}`, isPassing: true };
  await postgres.query(`SET ROLE ${escapeIdentifier(owner)}`);
  if (order.isTable) await probe(postgres, wanted);
  await dropInvalid(postgres, wanted);
  try {
    const target = { on: qualified(wanted.schema, wanted.table), name: wanted.name, isConcurrent: true, opclasses };
    await postgres.query(createIndex(wanted, target));
  } catch (error) {
    if (!Error.isError(error) || sqlState(error) === '') throw error;
    await dropInvalid(postgres, wanted).catch(unlessPassing);
    const left = await invalidOid(postgres, wanted).catch(() => undefined); // a session that is gone tells nothing
    return { ...failureOf(error, order), ...(left !== undefined && { left }) };
  }
  await postgres.query(`COMMENT ON INDEX ${index} IS ${escapeLiteral(mark)}`);
  return undefined;
}

/** Whatever the role or the database has for each session: a time-out would leave an invalid index, and a check of the client end the build with us. */
const unbounded = `SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name IN
  ('statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'client_connection_check_interval')`;

/** Only here a time-out for locks: in a build it would also end the wait for others’ snapshots, and leave an invalid index each time. */
async function probe(postgres: PostgresConnection, { schema, table }: WantedIndex): Promise<void> {
  await postgres.query('BEGIN');
  try {
    await postgres.query(`SET LOCAL lock_timeout = ${probeMs}`);
    await postgres.query(`LOCK TABLE ${qualified(schema, table)} IN SHARE UPDATE EXCLUSIVE MODE`);
  } finally {
    await postgres.query('ROLLBACK');
  }
}

/**
 * What a build has left that came to no end: every write keeps it up, and nobody can use it. One that is still being built looks the same and is left alone.
 *
 * @throws 55P03 where it is locked: the next look finds it again.
 */
export async function dropInvalid(
  postgres: PostgresConnection,
  { schema, name }: Pick<WantedIndex, 'schema' | 'name'>,
): Promise<void> {
  if ((await invalidOid(postgres, { schema, name })) !== undefined) await dropIndex(postgres, { schema, name });
}

export async function invalidOid(
  postgres: PostgresConnection,
  { schema, name }: Pick<WantedIndex, 'schema' | 'name'>,
): Promise<string | undefined> {
  const [left] = await postgres.query<{ oid: string }>(ofInvalid, [schema, name]);
  return left?.oid;
}

const ofInvalid = `SELECT c.oid::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND NOT i.indisvalid
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = c.oid AND p.datname = pg_catalog.current_database())`;

/** The connection is to be patient: only the server’s own time-outs end a drop, else it would go on there without us. */
export async function dropIndex(
  postgres: PostgresConnection,
  {
    schema,
    name,
    isPartitioned = false,
  }: { readonly schema: string; readonly name: string; readonly isPartitioned?: boolean },
): Promise<void> {
  const [how, lockMs] = isPartitioned ? ['', briefMs] : ['CONCURRENTLY ', dropLockMs]; // a partitioned one goes in no other way, and every reader waits as long as it waits
  await postgres.query(`SET lock_timeout = ${lockMs}`);
  await postgres.query(`SET statement_timeout = ${dropMs}`);
  await postgres.query(`DROP INDEX ${how}IF EXISTS ${qualified(schema, name)}`);
  await postgres.query('SET lock_timeout = 0');
  await postgres.query('SET statement_timeout = 0');
}

/** Ended by one of them, or by somebody. */
export const isTimeOut = (error: unknown): boolean => ['55P03', '57014'].includes(sqlState(error));

/** Locked, or the server is gone with what it said: the next look finds what is left. */
function unlessPassing(error: unknown): void {
  if (sqlState(error) !== '' && !isTimeOut(error)) throw error;
}

function failureOf(error: Error, { wanted }: BuildOrder): Found {
  const isLocked = sqlState(error) === '55P03';
  if (sqlState(error) === '23505') return { message: error.message, isPassing: false, isDuplicate: true };
  return isLocked
    ? { message: `${tableName(wanted)} locked by somebody for more than ${probeMs / 1000} s`, isPassing: true }
    : { message: error.message, isPassing: false };
}
