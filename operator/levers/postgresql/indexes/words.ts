import { problemMessage } from '../../../api/problem.ts';
import type { IdleIndexes } from '../../../decide/idle-indexes.ts';
import { maintenanceText } from '../../../decide/maintenance-window.ts';
import type { PlanInput, PlannedCondition } from '../../lever.ts';
import { adviceText } from '../advice/words.ts';
import type { Index, Transaction, Waiter } from './catalogue.ts';
import type { IndexesMemory } from './changes.ts';
import { serves } from './form.ts';
import { waitsForWindow, type IndexVerdict, type ToBuild, type Waits } from './judge.ts';
import type { DatabaseSeen, IndexesObserved } from './observe.ts';
import { unusedIndexes, unusedText } from './reads.ts';
import type { IndexesSeen } from './standby-scans.ts';
import { stillSince } from './standstill.ts';
import type { IndexesUnit } from './unit.ts';
import { indexText } from './wanted.ts';

const reasons = ['PermissionDenied', 'ConfigRejected', 'IndexDiffers', 'DiskFull', 'Failed', 'TableMissing'] as const;

type Input = PlanInput<IndexesUnit, IndexesSeen, IndexesMemory>;

/** First what does not come by itself, then what is on its way. */
export function conditionOf(
  verdicts: readonly IndexVerdict[],
  next: IndexVerdict | undefined,
  input: Input,
): PlannedCondition {
  const { unit, observed, memory, now } = input;
  const texts = (list: readonly IndexVerdict[], text: (one: IndexVerdict) => string | undefined): string =>
    list.flatMap((one) => text(one) ?? []).join('. ');
  const failed = verdicts.filter((one) => one.state === 'Failed');
  const reason = reasons.find((one) => failed.some((verdict) => verdict.reason === one));
  if (reason !== undefined)
    return { status: 'False', reason, message: texts(verdicts, (one) => trouble(one, next, input)) };
  const moving = verdicts.filter(
    (one) => ['Building', 'Missing', 'Invalid'].includes(one.state) && one.wanted.mode === 'Enforce',
  );
  if (moving.length > 0) {
    const message = texts(moving, (one) => trouble(one, next, input));
    if (moving.every(waitsForWindow)) return { status: 'True', reason: 'MaintenancePending', message };
    return { status: 'False', reason: 'IndexBuilding', message };
  }
  const said = [settledText(verdicts, unit, observed), ...unusedText(memory, { observed, now })];
  return { status: 'True', reason: 'Applied', message: said.join(' ') };
}

/** Undefined: there is nothing to say. */
function trouble(verdict: IndexVerdict, next: IndexVerdict | undefined, input: Input): string | undefined {
  const { wanted, state } = verdict;
  const about = (text: string): string => `index ${wanted.name} of ${input.unit.name}: ${text}`;
  if (state === 'Failed')
    return about(problemMessage({ saw: verdict.saw, wanted: indexText(wanted), next: verdict.next }));
  if (state === 'Building') return about(problemMessage(buildingText(verdict, input)));
  if (state === 'Valid' || state === 'NotApplicable' || wanted.mode !== 'Enforce') return undefined;
  const { waits, work } = verdict;
  if (verdict === next && waits === undefined) {
    const goesOn = work && `its build goes on: ${work.done} of ${work.of} partitions have it`;
    return about(`${goesOn ?? 'its build begins'}${unknownRoom(verdict, input.observed)}`);
  }
  return about(waits === undefined ? 'waits for its turn, one build at a time' : problemMessage(waitingText(waits)));
}

function buildingText({ session, work }: Extract<IndexVerdict, { readonly state: 'Building' }>, input: Input) {
  const { phase, percent, waitsFor, waitEvent } = session;
  const share = percent === null ? '' : `, ${Math.floor(percent / 10) * 10} %`;
  const part = work === undefined ? '' : `, on ${work.done} of ${work.of} partitions; ${session.index ?? 'one'}`;
  const saw = `being built${part}: ${phase ?? 'not begun'}${share}`;
  if (waitsFor !== null)
    return { saw: `${saw}; it waits for ${waiterText(waitsFor)}`, wanted: 'it valid', next: endIt(waitsFor.pid) };
  const since = stillSince(session, input);
  if (since === undefined) return { saw, wanted: 'it valid' };
  const waits = waitEvent === null ? '' : `, waiting for ${waitEvent}`;
  return {
    saw: `${saw}; no progress since ${minuteOf(since)}${waits}`,
    wanted: 'it valid',
    next: `see what holds up process ${session.pid} of the server; without progress it is ended after half an hour, and tried again`,
  };
}

/** Of a table that takes room worth a word. */
const largeBytes = 2 ** 30;

/** Empty: it is small, or has room. */
function unknownRoom({ table, database }: ToBuild, { databases, room, role }: IndexesObserved): string {
  if (table.sizeBytes < largeBytes) return '';
  const elsewhere = databases.find(({ name }) => name === database)?.elsewhere;
  if (elsewhere !== undefined)
    return `; nobody knows whether there is room for it in the tablespace ${elsewhere}, where indexes of ${role} go`;
  const unknown = '; nobody knows whether its disk has room for it';
  if (room === undefined) return `${unknown}: spec.postgres[].volumeSize tells`;
  if (!('unknown' in room)) return '';
  return room.unknown === 'Forbidden'
    ? `${unknown}, and how much is in use there: GRANT pg_read_all_stats TO ${role}`
    : `${unknown}: the server does not answer in time how much is in use there`;
}

function waitingText(waits: Waits) {
  if (waits.for === 'Window')
    return {
      saw: 'no maintenance window open',
      wanted: 'one to build it in',
      next: `nothing: ${maintenanceText(waits.maintenance)}`,
    };
  if (waits.for === 'Passing')
    return { saw: waits.failure.message, wanted: 'to build it', next: 'nothing: it is tried again' };
  const { transaction } = waits;
  return {
    saw: transactionText(transaction),
    wanted: 'none so old before it is built: the build would wait for its end',
    next: endingOf(transaction),
  };
}

const minuteOf = (ms: number): string => new Date(ms).toISOString().replace(/:\d\d\.\d+Z$/, 'Z');
const endIt = (pid: number): string => `wait for its end, or SELECT pg_terminate_backend(${pid})`;
export const endingOf = ({ pid, gid }: Pick<Transaction, 'pid' | 'gid'>): string =>
  pid === null ? `COMMIT PREPARED or ROLLBACK PREPARED '${gid ?? ''}'` : endIt(pid);

/** Who, and since when: nothing of what it says. */
export function transactionText({ pid, gid, ...transaction }: Transaction): string {
  const what = pid === null ? `the prepared transaction ${gid ?? ''}` : `a transaction (pid ${pid})`;
  return `${what} of ${who(transaction)}`;
}

const waiterText = ({ pid, ...waiter }: Waiter): string => `pid ${pid} of ${who(waiter)}`;

function who({ role, application, state, since }: Omit<Waiter, 'pid'>): string {
  const parts = [application ?? '', state ?? '', since === null ? '' : `since ${since}`].filter((part) => part !== '');
  return `role ${role ?? 'unknown'}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}

function settledText(
  verdicts: readonly IndexVerdict[],
  { name, policy }: IndexesUnit,
  { databases, advice }: IndexesObserved,
): string {
  const valid = verdicts.filter(({ state }) => state === 'Valid').length;
  const absent = [...new Set(verdicts.flatMap((one) => (one.state === 'NotApplicable' ? [one.why] : [])))];
  const said = verdicts.filter(
    ({ state, wanted }) => wanted.mode === 'DryRun' && (state === 'Missing' || state === 'Invalid'),
  );
  const parts = [
    `${valid} of ${verdicts.length} indexes of ${name} are there.`,
    ...(absent.length === 0 ? [] : [`Not applicable: ${absent.join(', ')}.`]),
    ...(said.length === 0
      ? []
      : [`Would be built, but for its mode: ${said.map(({ wanted }) => indexText(wanted)).join(', ')}.`]),
  ];
  const surveyed = databases.flatMap((one) => [...redundantText(one), ...surveyFailureText(one)]);
  return [...parts, ...surveyed, ...adviceText(advice, policy.indexes)].join(' ');
}

/** What is said of them else may be of hours ago, or missing. */
const surveyFailureText = ({ name, surveyFailure }: DatabaseSeen): readonly string[] =>
  surveyFailure === undefined
    ? []
    : [`Indexes that nobody has declared could not be looked at in database ${name}: ${surveyFailure}.`];

/** Two that do one work cost every write twice. */
function redundantText(database: DatabaseSeen): readonly string[] {
  const pairs = pairsIn(database).map((pair) => pair.map(({ name }) => name));
  const twins = database.survey?.twins ?? [];
  const told = [...pairs, ...twins.slice(0, mostTwins)].map(
    (names) => `${names.slice(0, -1).join(', ')} and ${names.at(-1)} do the same work: one of them is enough.`,
  );
  return twins.length > mostTwins ? [...told, `And ${twins.length - mostTwins} more such groups.`] : told;
}

/** A condition has room for a few names. */
const mostTwins = 5;

function pairsIn({ indexes }: DatabaseSeen): readonly (readonly [Index, Index])[] {
  const valid = indexes.filter(({ isValid, parentOid }) => isValid && parentOid === null); // of partitions the whole is told
  return valid.flatMap((one, position) =>
    valid
      .slice(position + 1)
      .filter((other) => one.tableOid === other.tableOid && (serves(one, other) || serves(other, one)))
      .map((other) => [one, other] as const),
  );
}

/** All that the message has room for some of. */
export function idleIndexesOf(
  memory: IndexesMemory | undefined,
  { observed, now }: Pick<Input, 'observed' | 'now'>,
): IdleIndexes {
  const pairs = observed.databases.flatMap(pairsIn);
  const named = pairs.map((pair) => pair.map(({ schema, name }) => `${schema}.${name}`));
  const twins = observed.databases.flatMap(({ survey }) => survey?.twins ?? []);
  return { unused: unusedIndexes(memory, { observed, now }), twins: [...named, ...twins] };
}
