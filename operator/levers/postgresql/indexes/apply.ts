import { setTimeout } from 'node:timers/promises';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { Problem } from '../../../api/problem.ts';
import type { Outcome } from '../../lever.ts';
import { connectPostgres, type PostgresConnection } from '../connect.ts';
import { addressOf } from '../observe.ts';
import { serverProblem } from '../server-error.ts';
import { dropIndex, dropInvalid, indexKey, rejectedBy } from './builds.ts';
import type { IndexesChange } from './changes.ts';
import type { IndexesDeps } from './observe.ts';
import { qualified } from './statement.ts';
import type { IndexesUnit } from './unit.ts';

/** So long a visit waits for a build that is soon done; one that takes longer goes on without it. */
const waitMs = 2000;

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
    const answer = await deps.builds.start(order, address, waitMs);
    return { result: answer === 'Occupied' ? 'nothing' : 'applied' };
  }
  try {
    await using postgres = await connectPostgres({ ...address, database: change.database }, signal);
    const found = await ownerOf(postgres, change);
    if (found === undefined) return { result: 'nothing' };
    const asOwner = (work: () => Promise<void>) => becoming(postgres, found.owner, work);
    if (change.action === 'Mark') await asOwner(() => mark(postgres, change, unit.mark));
    else if (change.isValid) await asOwner(() => dropMarked(postgres, change, unit.mark));
    else {
      await asOwner(() => mark(postgres, change, unit.mark)); // should the drop have to wait, the next look knows whose it is
      if (change.pid !== null) await end(postgres, change, change.pid, signal);
      await deps.builds.settle(address.label, indexKey(change.database, change), change.inVain, signal);
      await asOwner(() => dropInvalid(postgres, change));
    }
    return { result: 'applied' };
  } catch (error) {
    signal.throwIfAborted();
    throw serverProblem(error, address.label);
  }
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

type OfIndex = Pick<Exclude<IndexesChange, { action: 'Build' }>, 'schema' | 'name'>;

const ofOwner = `SELECT pg_catalog.pg_get_userbyid(c.relowner) AS owner, pg_catalog.obj_description(c.oid, 'pg_class') AS comment
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('i', 'I')`;

type Found = { readonly owner: string; readonly comment: string | null };

/** Undefined: there is no such index any more. */
const ownerOf = async (postgres: PostgresConnection, { schema, name }: OfIndex): Promise<Found | undefined> =>
  (await postgres.query<Found>(ofOwner, [schema, name]))[0];

/** Only its owner may drop an index, or say anything of it; only our own role may end our sessions. */
async function becoming(postgres: PostgresConnection, owner: string, work: () => Promise<void>): Promise<void> {
  await postgres.query(`SET ROLE ${escapeIdentifier(owner)}`);
  await work();
  await postgres.query('RESET ROLE');
}

async function mark(postgres: PostgresConnection, { schema, name }: OfIndex, text: string): Promise<void> {
  await postgres.query(`COMMENT ON INDEX ${qualified(schema, name)} IS ${escapeLiteral(text)}`);
}

/** The plan was made for an index with our mark: one that has come in its place since is somebody's. */
async function dropMarked(postgres: PostgresConnection, index: OfIndex, text: string): Promise<void> {
  const found = await ownerOf(postgres, index);
  if (found?.comment === text) await dropIndex(postgres, index.schema, index.name);
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
