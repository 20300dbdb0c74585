import { setTimeout } from 'node:timers/promises';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { Problem } from '../../../api/problem.ts';
import type { Outcome } from '../../lever.ts';
import { connectPostgres, type PostgresConnection } from '../connect.ts';
import { addressOf } from '../observe.ts';
import { serverProblem } from '../server-error.ts';
import { beginsWithinMs, dropIndex, dropInvalid, indexKey, isTimeOut, rejectedBy, type Begun } from './builds.ts';
import type { IndexesChange } from './changes.ts';
import type { IndexesDeps } from './observe.ts';
import { failedText } from './judge.ts';
import { qualified } from './statement.ts';
import type { IndexesUnit } from './unit.ts';
import type { WantedIndex } from './wanted.ts';

/** Begins a build, ends one, drops an index, or marks it. A build that has begun is told by the next look, never waited for. @throws {Problem} */
export async function apply(
  change: IndexesChange,
  unit: IndexesUnit,
  deps: IndexesDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const address = await addressOf(unit, deps, signal);
  if (change.action === 'Build') {
    const order = { ...change, session: unit.session, mark: unit.mark, service: unit.service };
    return outcomeOf(await deps.builds.start(order, address, beginsWithinMs), change.wanted);
  }
  try {
    await using postgres = await connectPostgres({ ...address, database: change.database }, signal, {
      isPatient: true,
    });
    const found = await ownerOf(postgres, change);
    if (found === undefined || !isOurs(found, change, unit.mark)) return { result: 'nothing' };
    const asOwner = (work: () => Promise<void>) => becoming(postgres, found.owner, work);
    if (change.action === 'Mark') await asOwner(() => mark(postgres, change, unit.mark));
    else if (change.isValid) await asOwner(() => dropIndex(postgres, change.schema, change.name));
    else {
      await asOwner(() => mark(postgres, change, unit.mark)); // should the drop have to wait, the next look knows whose it is
      const { pid, inVain } = change;
      const cancel = pid === null ? () => Promise.resolve() : () => end(postgres, change, pid, signal);
      await deps.builds.end(address.label, indexKey(change.database, change), { cancel, inVain }, signal);
      await asOwner(() => dropInvalid(postgres, change));
    }
    return { result: 'applied' };
  } catch (error) {
    signal.throwIfAborted();
    if (isTimeOut(error)) throw lockedProblem(change, error);
    throw serverProblem(error, address.label);
  }
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

/** Ends what this process builds for a service that is gone; its session drops what is left of it. @throws {Problem} */
export async function forget(service: string, { builds }: IndexesDeps, signal: AbortSignal): Promise<void> {
  for (const { order, address, work } of builds.of(service)) {
    try {
      await using postgres = await connectPostgres(address, signal);
      await postgres.query(cancellingAll, [order.session]);
      await Promise.race([work, rejectedBy(signal)]);
    } catch (error) {
      signal.throwIfAborted();
      throw serverProblem(error, address.label);
    }
  }
}

type OfIndex = Exclude<IndexesChange, { action: 'Build' }>;

const ofOwner = `SELECT pg_catalog.pg_get_userbyid(c.relowner) AS owner, pg_catalog.obj_description(c.oid, 'pg_class') AS comment
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND c.oid::text = $3`;

type Found = { readonly owner: string; readonly comment: string | null };

/** Undefined: the index that was looked at is no more, whatever has its name now. */
const ownerOf = async (postgres: PostgresConnection, { schema, name, oid }: OfIndex): Promise<Found | undefined> =>
  (await postgres.query<Found>(ofOwner, [schema, name, oid]))[0];

/** Whoever has put a comment of his own there since, or taken ours from what was built, has taken the index over. */
const isOurs = ({ comment }: Found, change: OfIndex, ours: string): boolean =>
  comment === ours || (comment === null && (change.action === 'Mark' || !change.isValid));

/** Only its owner may drop an index, or say anything of it; only our own role may end our sessions. */
async function becoming(postgres: PostgresConnection, owner: string, work: () => Promise<void>): Promise<void> {
  await postgres.query(`SET ROLE ${escapeIdentifier(owner)}`);
  await work();
  await postgres.query('RESET ROLE');
}

const lockedProblem = ({ schema, name }: OfIndex, cause: unknown): Problem =>
  new Problem('Failed', {
    saw: `index ${schema}.${name} of a table that somebody has locked, or reads in a transaction that goes on`,
    wanted: 'to drop it, for which every transaction on the table has to end',
    next: 'nothing: it is tried again; where it stays so, see in pg_stat_activity whose transaction is the oldest',
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
