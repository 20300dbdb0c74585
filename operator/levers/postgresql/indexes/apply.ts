import { setTimeout } from 'node:timers/promises';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { Problem, problemMessage } from '../../../api/problem.ts';
import { openDeadline } from '../../../kube/deadline.ts';
import type { Outcome } from '../../lever.ts';
import { connectPostgres, type PostgresConnection } from '../connect.ts';
import type { PostgresAddress } from '../address.ts';
import { addressOf } from '../observe.ts';
import { serverProblem, sqlState } from '../server-error.ts';
import {
  beginsWithinMs,
  briefMs,
  dropIndex,
  dropInvalid,
  indexKey,
  invalidOid,
  isTimeOut,
  rejectedBy,
  type Begun,
  type Leftover,
  type Running,
} from './builds.ts';
import type { IndexesChange } from './changes.ts';
import type { IndexesDeps } from './observe.ts';
import { byHand, untilUnheld, type Tried } from './holders.ts';
import { failedText } from './judge.ts';
import { createIndex, qualified } from './statement.ts';
import type { IndexesUnit } from './unit.ts';
import { indexText, type WantedIndex } from './wanted.ts';

/** Begins a build, ends one, drops an index, or marks it. A build that has begun is told by the next look, never waited for. @throws {Problem} */
export async function apply(
  change: IndexesChange,
  unit: IndexesUnit,
  deps: IndexesDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const address = await addressOf(unit, deps, signal);
  const tried = 'while the service is there';
  if (change.action === 'Build') {
    const failures = deps.builds.failuresOn(address.label);
    if (change.after.some((one) => indexKey(change.database, one) in failures)) return { result: 'nothing' };
    const order = { ...change, session: unit.session, mark: unit.mark, service: unit.service };
    return outcomeOf(await deps.builds.start(order, address, beginsWithinMs), change.wanted);
  }
  if (change.action === 'BuildParent' || change.action === 'Attach') return shape(change, unit.mark, address, signal);
  try {
    await using postgres = await connectPostgres({ ...address, database: change.database }, signal, {
      isPatient: true,
    });
    const found = await ownerOf(postgres, change);
    if (found === undefined || !isOurs(found, change, unit.mark)) return { result: 'nothing' };
    const asOwner = (work: () => Promise<void>) => becoming(postgres, found.owner, work);
    if (change.action === 'Mark') await asOwner(() => mark(postgres, change, unit.mark));
    else if (change.isValid || change.isPartitioned) {
      if (change.isPartitioned) await onlyOurs(postgres, change, unit.mark);
      else await untilUnheld(postgres, change, { known: deps.holders, tried }, signal);
      await asOwner(() => dropIndex(postgres, change));
    } else {
      await asOwner(() => mark(postgres, change, unit.mark)); // should the drop have to wait, the next look knows whose it is
      const { pid, inVain } = change;
      const cancel = pid === null ? () => Promise.resolve() : () => end(postgres, change, pid, signal);
      await deps.builds.end(address.label, indexKey(change.database, change), { cancel, inVain }, signal);
      await untilUnheld(postgres, change, { known: deps.holders, tried }, signal);
      await asOwner(() => dropInvalid(postgres, change));
    }
    return { result: 'applied' };
  } catch (error) {
    signal.throwIfAborted();
    throw dropProblem(change, error, { label: address.label, tried });
  }
}

const dropProblem = (
  index: { readonly schema: string; readonly name: string },
  error: unknown,
  { label, tried }: { readonly label: string; readonly tried: Tried },
) => (isTimeOut(error) ? lockedProblem(index, error, tried) : serverProblem(error, label));

/** What of a partitioned index takes no time: all of it or nothing, and behind no lock for long. @throws {Problem} */
async function shape(change: Shaping, ours: string, address: PostgresAddress, signal: AbortSignal): Promise<Outcome> {
  await using postgres = await connectPostgres({ ...address, database: change.database }, signal);
  await postgres.query('BEGIN');
  try {
    await postgres.query(`SET LOCAL ROLE ${escapeIdentifier(change.owner)}`);
    await postgres.query(`SET LOCAL lock_timeout = ${briefMs}`);
    for (const sql of shapingOf(change, ours)) await postgres.query(sql);
    await postgres.query('COMMIT');
    return { result: 'applied' };
  } catch (error) {
    signal.throwIfAborted();
    if (sqlState(error) === '42P07') return { result: 'nothing' }; // somebody was faster: the next look sees it
    throw shapingProblem(change, error, address.label);
  }
}

function shapingOf(change: Shaping, ours: string): readonly string[] {
  if (change.action === 'Attach')
    return [
      `ALTER INDEX ${qualified(change.parent.schema, change.parent.name)} ATTACH PARTITION ${qualified(change.schema, change.name)}`,
    ];
  const { wanted, opclasses } = change;
  const on = `ONLY ${qualified(wanted.schema, wanted.table)}`;
  return [
    createIndex(wanted, { on, name: wanted.name, isConcurrent: false, opclasses }),
    `COMMENT ON INDEX ${qualified(wanted.schema, wanted.name)} IS ${escapeLiteral(ours)}`,
  ];
}

function shapingProblem(change: Shaping, cause: unknown, label: string): unknown {
  const wanted =
    change.action === 'Attach' ? `${change.name} as a part of ${change.parent.name}` : indexText(change.wanted);
  if (isTimeOut(cause)) {
    const saw = `it locked by somebody for more than ${briefMs / 1000} s`;
    return new Problem('IndexBuilding', { saw, wanted, next: 'nothing: it is tried again', cause });
  }
  if (Error.isError(cause) && /^(?:22|42|0A)/.test(sqlState(cause)) && sqlState(cause) !== '42501')
    return new Problem('ConfigRejected', {
      saw: `"${cause.message}"`,
      wanted,
      next: 'correct the index in the policy',
      cause,
    });
  return serverProblem(cause, label);
}

/** One that has ended within its visit without an index was not made. @throws {Problem} */
function outcomeOf(begun: Begun, wanted: WantedIndex): Outcome {
  if (begun === 'Occupied') return { result: 'nothing' };
  if (begun === 'Built' || begun === 'Running') return { result: 'applied' };
  if (begun.isPassing) return { result: 'nothing' };
  throw new Problem('Failed', failedText(begun, wanted));
}

const cancellingAll = `SELECT pg_catalog.pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity a
WHERE a.application_name = $1 AND a.usename = session_user AND a.pid <> pg_catalog.pg_backend_pid()`;

/** Nobody asks again after it. */
type Last = { readonly isLast: boolean };

/** Ends what this process builds for a service that is gone; its session drops what is left of it. @returns What it could not end or drop, and why: to be asked again. */
export async function forget(
  service: string,
  deps: IndexesDeps,
  { isLast }: Last,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const tried = isLast ? 'no more' : 'for a day';
  const ended = deps.builds.of(service).map((running) => endBuild(running, tried, signal));
  const left = (await Promise.all(ended)).flat(); // each server may take all the time that there is
  for (const leftover of deps.builds.leftOf(service)) left.push(...(await dropLeft(leftover, deps, tried, signal)));
  return left;
}

/** With what its session then drops. */
const buildEndsWithinMs = 10_000;

/** Empty: it has ended, and what it has left is another matter. */
async function endBuild(
  { order, address, work }: Running,
  tried: Tried,
  signal: AbortSignal,
): Promise<readonly string[]> {
  using deadline = openDeadline(signal, buildEndsWithinMs);
  try {
    await using postgres = await connectPostgres(address, deadline.signal);
    await postgres.query(cancellingAll, [order.session]);
    await Promise.race([work, rejectedBy(deadline.signal)]);
    return [];
  } catch (error) {
    signal.throwIfAborted();
    const saw = `its build go on ${buildEndsWithinMs / 1000} s after it was cancelled`;
    const problem = deadline.isOver ? { saw, wanted: 'its end' } : serverProblem(error, address.label);
    return [leftText({ order, address }, problem, tried)];
  }
}

/** Empty: it is gone. */
async function dropLeft(
  leftover: Leftover,
  deps: IndexesDeps,
  tried: Tried,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { order, address, oid } = leftover;
  const { schema, name } = order.wanted;
  try {
    await using postgres = await connectPostgres({ ...address, database: order.database }, signal, { isPatient: true });
    if ((await invalidOid(postgres, { schema, name })) === oid) {
      await untilUnheld(postgres, { schema, name, oid }, { known: deps.holders, tried }, signal);
      await becoming(postgres, order.owner, () => dropInvalid(postgres, { schema, name }));
    }
    deps.builds.settle(leftover);
    return [];
  } catch (error) {
    signal.throwIfAborted();
    return [leftText(leftover, dropProblem({ schema, name }, error, { label: address.label, tried }), tried)];
  }
}

/** What is wrong with a server is said with what is left there: nobody has a Secret to correct any more. */
function leftText(
  { order, address }: Pick<Leftover, 'order' | 'address'>,
  { saw, wanted, next = '' }: Pick<Problem, 'saw' | 'wanted'> & Partial<Pick<Problem, 'next'>>,
  tried: Tried,
): string {
  const rest = byHand(order.wanted, tried);
  const told = problemMessage({ saw, wanted, next: next.endsWith(rest) ? next : rest });
  return `${order.database} of ${address.label}: ${told}`;
}

type Shaping = Extract<IndexesChange, { action: 'BuildParent' | 'Attach' }>;
type OfIndex = Extract<IndexesChange, { action: 'Drop' | 'Mark' }>;

const ofOwner = `SELECT pg_catalog.pg_get_userbyid(c.relowner) AS owner, pg_catalog.obj_description(c.oid, 'pg_class') AS comment
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND c.oid::text = $3`;

type Found = { readonly owner: string; readonly comment: string | null };

/** Undefined: the index that was looked at is no more, whatever has its name now. */
const ownerOf = async (postgres: PostgresConnection, { schema, name, oid }: OfIndex): Promise<Found | undefined> =>
  (await postgres.query<Found>(ofOwner, [schema, name, oid]))[0];

/** Whoever has put a comment of his own there since, or taken ours from what was built, has taken the index over. */
const isOurs = ({ comment }: Found, change: OfIndex, ours: string): boolean =>
  comment === ours || (comment === null && (change.action === 'Mark' || !change.isValid));

/**
 * What lacks our comment, but for what the server has made for a partition that came later: made and attached in one transaction, and not in that of the whole, as where a dump is read back in one.
 * What a person has built, and attached afterwards, was made in another.
 */
const ofOthersParts = `WITH RECURSIVE part AS (
  SELECT h.inhrelid, h.xmin AS attached FROM pg_catalog.pg_inherits h WHERE h.inhparent::text = $1
  UNION ALL
  SELECT h.inhrelid, h.xmin FROM part p JOIN pg_catalog.pg_inherits h ON h.inhparent = p.inhrelid
)
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
FROM part p JOIN pg_catalog.pg_class c ON c.oid = p.inhrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid, LATERAL (SELECT pg_catalog.obj_description(c.oid, 'pg_class') AS comment) AS told
WHERE comment IS DISTINCT FROM $2 AND NOT (comment IS NULL AND i.xmin = attached
  AND EXISTS (SELECT FROM pg_catalog.pg_index whole WHERE whole.indexrelid::text = $1 AND whole.xmin <> i.xmin)) ORDER BY 1`;
const namedParts = 3;

/** The whole takes each part with it, and none can be taken out before: an index that somebody has made holds up the drop. @throws {Problem} */
async function onlyOurs(postgres: PostgresConnection, { schema, name, oid }: OfIndex, ours: string): Promise<void> {
  const others = (await postgres.query<{ name: string }>(ofOthersParts, [oid, ours])).map((one) => one.name);
  const [first] = others;
  if (first === undefined) return;
  const more = others.length > namedParts ? ` and ${others.length - namedParts} more` : '';
  const whole = qualified(schema, name);
  throw new Problem('Failed', {
    saw: `among the parts of ${schema}.${name} what genops has not built: ${others.slice(0, namedParts).join(', ')}${more}`,
    wanted: 'to drop it, and nothing of others with it',
    next: `DROP INDEX ${whole}, which drops them too; or give each that may go its comment: COMMENT ON INDEX ${first} IS ${escapeLiteral(ours)}`,
  });
}

/** Only its owner may drop an index, or say anything of it; only our own role may end our sessions. */
async function becoming(postgres: PostgresConnection, owner: string, work: () => Promise<void>): Promise<void> {
  await postgres.query(`SET ROLE ${escapeIdentifier(owner)}`);
  await work();
  await postgres.query('RESET ROLE');
}

const lockedProblem = ({ schema, name }: Pick<OfIndex, 'schema' | 'name'>, cause: unknown, tried: Tried): Problem =>
  new Problem('Failed', {
    saw: `index ${schema}.${name} of a table that somebody has locked, or reads in a transaction that goes on`,
    wanted: 'to drop it, for which every transaction on the table has to end',
    next: `see in pg_stat_activity whose transaction is the oldest; ${byHand({ schema, name }, tried)}`,
    cause,
  });

async function mark(postgres: PostgresConnection, { schema, name }: OfIndex, text: string): Promise<void> {
  await postgres.query(`COMMENT ON INDEX ${qualified(schema, name)} IS ${escapeLiteral(text)}`);
}

const cancelling = `SELECT pg_catalog.pg_cancel_backend(p.pid) FROM pg_catalog.pg_stat_progress_create_index p
JOIN pg_catalog.pg_class c ON c.oid = p.index_relid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.pid = $1 AND p.datname = pg_catalog.current_database() AND n.nspname = $2 AND c.relname = $3`;
const endsWithinMs = 3000;
const lookEveryMs = 50;

/** Ends the build of this index, and nothing else that the process may have begun since. */
async function end(
  postgres: PostgresConnection,
  { schema, name }: OfIndex,
  pid: number,
  signal: AbortSignal,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < endsWithinMs; waitedMs += lookEveryMs) {
    if ((await postgres.query(cancelling, [pid, schema, name])).length === 0) return;
    await setTimeout(lookEveryMs, undefined, { signal });
  }
  throw new Problem('Failed', {
    saw: `the build of ${schema}.${name} (pid ${pid}) go on ${endsWithinMs / 1000} s after it was cancelled`,
    wanted: 'its end',
    next: 'nothing: it is tried again',
  });
}
