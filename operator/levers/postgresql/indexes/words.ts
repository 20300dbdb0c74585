import { problemMessage } from '../../../api/problem.ts';
import type { PlannedCondition } from '../../lever.ts';
import type { BuildSession, OldTransaction, Waiter } from './catalogue.ts';
import { serves } from './form.ts';
import type { IndexVerdict, Waits } from './judge.ts';
import type { DatabaseSeen, IndexesObserved } from './observe.ts';
import type { IndexesUnit } from './unit.ts';
import { indexText } from './wanted.ts';

const reasons = ['PermissionDenied', 'ConfigRejected', 'IndexDiffers', 'Failed', 'TableMissing'] as const;

/** First what does not come by itself, then what is on its way. */
export function conditionOf(
  verdicts: readonly IndexVerdict[],
  next: IndexVerdict | undefined,
  { unit, observed }: { readonly unit: IndexesUnit; readonly observed: IndexesObserved },
): PlannedCondition {
  const texts = (list: readonly IndexVerdict[], text: (one: IndexVerdict) => string | undefined): string =>
    list.flatMap((one) => text(one) ?? []).join('. ');
  const failed = verdicts.filter((one) => one.state === 'Failed');
  const reason = reasons.find((one) => failed.some((verdict) => verdict.reason === one));
  if (reason !== undefined)
    return { status: 'False', reason, message: texts(verdicts, (one) => trouble(one, next, unit)) };
  const moving = verdicts.filter(
    (one) => ['Building', 'Missing', 'Invalid'].includes(one.state) && one.wanted.mode === 'Enforce',
  );
  if (moving.length > 0)
    return { status: 'False', reason: 'IndexBuilding', message: texts(moving, (one) => trouble(one, next, unit)) };
  return { status: 'True', reason: 'Applied', message: settledText(verdicts, unit, observed) };
}

/** Undefined: there is nothing to say. */
function trouble(
  verdict: IndexVerdict,
  next: IndexVerdict | undefined,
  { name: server }: IndexesUnit,
): string | undefined {
  const { wanted, state } = verdict;
  const about = (text: string): string => `index ${wanted.name} of ${server}: ${text}`;
  if (state === 'Failed')
    return about(problemMessage({ saw: verdict.saw, wanted: indexText(wanted), next: verdict.next }));
  if (state === 'Building') return about(problemMessage(buildingText(verdict.session)));
  if (state === 'Valid' || state === 'NotApplicable' || wanted.mode !== 'Enforce') return undefined;
  const { waits } = verdict;
  if (verdict === next && waits === undefined) return about('its build begins');
  return about(waits === undefined ? 'waits for its turn, one build at a time' : problemMessage(waitingText(waits)));
}

function buildingText({ phase, percent, waitsFor }: BuildSession) {
  const share = percent === null ? '' : `, ${Math.floor(percent / 10) * 10} %`;
  const saw = `being built: ${phase ?? 'not begun'}${share}`;
  if (waitsFor === null) return { saw, wanted: 'it valid' };
  return { saw: `${saw}; it waits for ${waiterText(waitsFor)}`, wanted: 'it valid', next: endIt(waitsFor.pid) };
}

function waitingText(waits: Waits) {
  if (waits.for === 'Passing')
    return { saw: waits.failure.message, wanted: 'to build it', next: 'nothing: it is tried again' };
  const { transaction } = waits;
  const next =
    transaction.pid === null
      ? `COMMIT PREPARED or ROLLBACK PREPARED '${transaction.gid ?? ''}'`
      : endIt(transaction.pid);
  return {
    saw: transactionText(transaction),
    wanted: 'none so old before it is built: the build would wait for its end',
    next,
  };
}

const endIt = (pid: number): string => `wait for its end, or SELECT pg_terminate_backend(${pid})`;

/** Who, and since when: nothing of what it says. */
function transactionText({ pid, gid, ...transaction }: OldTransaction): string {
  const what = pid === null ? `the prepared transaction ${gid ?? ''}` : `a transaction (pid ${pid})`;
  return `${what} of ${who(transaction)}`;
}

const waiterText = ({ pid, ...waiter }: Waiter): string => `pid ${pid} of ${who(waiter)}`;

function who({ role, application, state, since }: Omit<Waiter, 'pid'>): string {
  const parts = [application ?? '', state ?? '', since === null ? '' : `since ${since}`].filter((part) => part !== '');
  return `role ${role ?? 'unknown'}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}

function settledText(verdicts: readonly IndexVerdict[], { name }: IndexesUnit, { databases }: IndexesObserved): string {
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
  return [...parts, ...databases.flatMap(redundantText)].join(' ');
}

/** Two that do one work cost every write twice. */
function redundantText({ indexes }: DatabaseSeen): readonly string[] {
  const valid = indexes.filter(({ isValid }) => isValid);
  return valid.flatMap((one, position) =>
    valid
      .slice(position + 1)
      .filter((other) => one.tableOid === other.tableOid && (serves(one, other) || serves(other, one)))
      .map((other) => `${one.name} and ${other.name} do the same work: one of them is enough.`),
  );
}
