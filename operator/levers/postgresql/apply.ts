import { setTimeout } from 'node:timers/promises';
import { postgresParameterNames } from '../../api/postgres-parameters.ts';
import { isProblem, Problem, problemMessage } from '../../api/problem.ts';
import type { Outcome } from '../lever.ts';
import type { PostgresAddress } from './address.ts';
import { fieldOf, type PostgresChange, type Write } from './changes.ts';
import { connectPostgres, type PostgresConnection } from './connect.ts';
import { letItBack } from './hand-over.ts';
import { databaseValue } from './judge.ts';
import { addressOf, readFacts, readOverlays, type Overlay, type PostgresDeps } from './observe.ts';
import { writeOwner } from './owner.ts';
import { isRejection, serverProblem, sqlState } from './server-error.ts';
import { isInForce, meansSame, shown, type ServerSetting } from './setting.ts';
import { readSettings } from './settings.ts';
import type { PostgresUnit } from './unit.ts';

type Settings = Readonly<Record<string, ServerSetting>>;

/** What the server said to the values that it did not take, by name. */
type Refusals = ReadonlyMap<string, string>;

const inForceWithinMs = 3000;
const lookEveryMs = 100;

/**
 * Writes, has the server reload, and reads back on new connections until it shows: only what the server answers counts.
 * What does not come into force is taken back, so that no restart loads it.
 *
 * @throws {Problem} Unreachable, PermissionDenied, AlterSystemOff, …
 */
export async function apply(
  change: PostgresChange,
  unit: PostgresUnit,
  deps: PostgresDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  if (change.owner !== undefined) {
    await writeOwner(unit, change.owner, deps.kube, signal);
    return { result: 'applied' };
  }
  const address = await addressOf(unit, deps, signal);
  try {
    const refusals = await writeAnswered(change, address, signal);
    const sent = change.writes.filter((one) => !refusals.has(fieldOf(one)));
    const { settings, missing } = await readBack(sent, address, signal);
    if (missing.length > 0) await takeBack(missing, change, address, signal);
    const refused = change.writes.filter((one) => refusals.has(fieldOf(one)) || missing.includes(one));
    return refused.length === 0 ? { result: 'applied' } : refusedOutcome(refused, { refusals, settings, unit });
  } catch (error) {
    signal.throwIfAborted();
    throw withValues(serverProblem(error, address.label), change, unit);
  }
}

/** Before 17 nothing tells that somebody else has the file before it is to be written: then it is said which values stay. */
function withValues(problem: Problem, { differences }: PostgresChange, { name, clusterRef }: PostgresUnit): Problem {
  const { reason, saw, next, cause } = problem;
  if (reason !== 'AlterSystemOff') return problem;
  const there = differences.map(({ field, from = 'nothing' }) => `${field} = ${from}`).join(', ');
  const wanted = differences.map(({ field, to }) => `${field} = ${to}`).join(', ');
  const toDo = clusterRef === undefined ? next : letItBack;
  return new Problem(reason, { saw: `${there} on ${name}, and ${saw}`, wanted, ...(toDo && { next: toDo }), cause });
}

/** Without an answer nobody knows what was written, and all of it may be written twice: once more, on a new connection. */
async function writeAnswered(change: PostgresChange, address: PostgresAddress, signal: AbortSignal): Promise<Refusals> {
  try {
    return await write(change, address, signal);
  } catch (error) {
    if (isProblem(error) || sqlState(error) !== '' || signal.aborted) throw error;
    return write(change, address, signal);
  }
}

/** A connection that is cut in between leaves values in the file that are not loaded: the next visit sees that and does both again. */
async function write(change: PostgresChange, address: PostgresAddress, signal: AbortSignal): Promise<Refusals> {
  await using postgres = await connectPostgres(address, signal);
  await sameServer(postgres, change);
  const refusals = new Map<string, string>();
  for (const one of change.writes) {
    try {
      await alter(postgres, one);
    } catch (error) {
      if (!Error.isError(error) || !isRejection(error)) throw error;
      refusals.set(fieldOf(one), error.message);
    }
  }
  if (change.writes.some((one) => one.database === undefined && !refusals.has(one.name))) await reload(postgres);
  return refusals;
}

async function takeBack(
  missing: readonly Write[],
  { systemId, ...change }: PostgresChange,
  address: PostgresAddress,
  signal: AbortSignal,
): Promise<void> {
  const writes = missing.map((one) => ({ ...one, to: one.before, before: one.to }));
  await write({ ...change, systemId, writes }, address, signal);
}

/** The plan holds for the server that it was made for: another one has other settings and other limits. */
async function sameServer(postgres: PostgresConnection, { systemId }: PostgresChange): Promise<void> {
  const facts = await readFacts(postgres);
  if (facts.systemId === systemId) return;
  throw new Problem('Failed', {
    saw: `another server at ${postgres.label} than the one that was looked at`,
    wanted: 'the same',
    next: 'nothing: it is looked at again',
  });
}

/**
 * Neither ALTER SYSTEM nor ALTER DATABASE takes bound parameters, so the server itself quotes names and value into the statement that it is then sent.
 * The name is one of our own list: that is the boundary, whatever a policy or the memory says.
 */
async function alter(postgres: PostgresConnection, { name, database, to }: Write): Promise<void> {
  if (!postgresParameterNames.includes(name)) throw new Error(`${name} must never be sent in ALTER SYSTEM`);
  const statement = `${database === undefined ? 'ALTER SYSTEM' : 'ALTER DATABASE %I'} ${to === null ? 'RESET %I' : 'SET %I = %L'}`;
  const values = [database, name, to].filter((value) => typeof value === 'string');
  const places = values.map((_, index) => `$${index + 2}::text`).join(', ');
  const [row] = await postgres.query<{ text: string }>(`SELECT pg_catalog.format($1, ${places}) AS text`, [
    statement,
    ...values,
  ]);
  await postgres.query(row?.text ?? '');
}

const reload = (postgres: PostgresConnection): Promise<unknown> => postgres.query('SELECT pg_catalog.pg_reload_conf()');

/** pg_reload_conf answers at once and whatever the files say; a new session shows what became of it some milliseconds later. */
async function readBack(
  writes: readonly Write[],
  address: PostgresAddress,
  signal: AbortSignal,
): Promise<{ readonly settings: Settings; readonly missing: readonly Write[] }> {
  for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
    const { settings, overlays } = await readOnce(address, signal);
    const missing = writes.filter((one) => !hasLanded(one, settings[one.name], overlays));
    if (missing.length === 0 || waitedMs >= inForceWithinMs) return { settings, missing };
    await setTimeout(lookEveryMs, undefined, { signal });
  }
}

interface ReadBack {
  readonly settings: Settings;
  readonly overlays: readonly Overlay[];
}

async function readOnce(address: PostgresAddress, signal: AbortSignal): Promise<ReadBack> {
  await using postgres = await connectPostgres(address, signal);
  const { maySeeFiles } = await readFacts(postgres);
  return { settings: await readSettings(postgres, maySeeFiles), overlays: await readOverlays(postgres) };
}

/** In force; or, where only a start takes it, waiting for one. Of what was taken out nothing is left in the file, as far as we may see. */
function hasLanded(
  { name, database, to }: Write,
  setting: ServerSetting | undefined,
  overlays: ReadBack['overlays'],
): boolean {
  if (setting === undefined) return false;
  if (database !== undefined) {
    const there = databaseValue(name, { overlays, database });
    return to === null || there === undefined ? there === undefined && to === null : meansSame(setting, to, there);
  }
  if (to === null) return setting.context === 'postmaster' || typeof setting.inAutoConf !== 'string';
  if (setting.context === 'postmaster') return isInForce(setting, to) !== setting.isPending;
  return isInForce(setting, to);
}

function refusedOutcome(
  refused: readonly Write[],
  {
    refusals,
    settings,
    unit,
  }: { readonly refusals: Refusals; readonly settings: Settings; readonly unit: PostgresUnit },
): Outcome {
  const messages = refused.map((one) => {
    const { name, to } = one;
    const setting = settings[name];
    const there = setting?.value == null ? 'as before' : `${name} = ${shown(setting, setting.value)}`;
    return problemMessage({
      saw: `"${refusals.get(fieldOf(one)) ?? `${there} after it was set and the server reloaded; it was taken back`}" from ${unit.name}`,
      wanted: `${name} = ${to ?? 'what it has by itself'}`,
      next: 'correct the value in the policy',
    });
  });
  return {
    result: 'refused',
    fields: refused.map(fieldOf),
    condition: { status: 'False', reason: 'ConfigRejected', message: messages.join('. ') },
  };
}
