import type { LeverChange, LeverPlan, PlanInput, UnitMemory } from '../../lever.ts';
import type { IndexesChange } from './changes.ts';
import { judgeAll, type IndexVerdict, type Waits } from './judge.ts';
import type { IndexesObserved } from './observe.ts';
import { sessionPrefix, type IndexesUnit } from './unit.ts';
import { indexText } from './wanted.ts';
import { marks, prunings, withdrawals } from './withdraw.ts';
import { conditionOf } from './words.ts';

/** Nothing tells of a table that a migration makes, nor of an index that somebody drops. */
const idleMs = 30_000;
const busyMs = 5_000;
/** Which of the declared indexes are there, what is built next, and what stands in the way. One build on a server at a time. */
export function plan(input: PlanInput<IndexesUnit, IndexesObserved>): LeverPlan<IndexesChange> {
  const { unit, observed } = input;
  const verdicts = judgeAll(input);
  const wanted = verdicts.filter((one) => one.wanted.mode === 'Enforce');
  const ended = withdrawals(input, (...index) => unit.mode === 'Enforce' && isAmong(wanted, ...index));
  const isBusy = observed.builds.some(({ application }) => application.startsWith(sessionPrefix));
  const ready = wanted.filter(isReady);
  const next = isBusy || ended.length > 0 ? undefined : ready[0];
  const pruned = mayPrune(unit, verdicts) ? prunings(input, (...index) => isAmong(verdicts, ...index)) : [];
  const changes = [
    ...ended,
    ...(ended.length > 0 ? [] : marks(input)),
    ...(next === undefined ? [] : [buildOf(next, input)]),
    ...pruned,
  ];
  const isMoving = changes.length > 0 || isBusy || wanted.some(({ state }) => state === 'Building');
  return {
    changes,
    condition: conditionOf(verdicts, next, input),
    status: statusOf(verdicts),
    statusAfter: statusOf(verdicts, next?.waits === undefined ? next : undefined), // what was in the way may still be: only a look tells
    ...(ready.length > 1 && { follows: ready.filter((one) => one !== next).map(differenceOf) }),
    againMs: isMoving ? busyMs : idleMs,
  };
}

/** An index that takes the place of another is there before the other goes. */
const mayPrune = ({ policy }: IndexesUnit, verdicts: readonly IndexVerdict[]): boolean =>
  policy.pruneIndexes === 'Owned' && verdicts.every(({ state }) => state === 'Valid' || state === 'NotApplicable');

const isAmong = (verdicts: readonly IndexVerdict[], database: string, schema: string, name: string): boolean =>
  verdicts.some((one) => one.database === database && one.wanted.schema === schema && one.wanted.name === name);

type ToBuild = Extract<IndexVerdict, { state: 'Missing' | 'Invalid' }>;
const isReady = (one: IndexVerdict): one is ToBuild =>
  (one.state === 'Missing' || one.state === 'Invalid') && !isHeldUp(one.waits);
const isHeldUp = (waits: Waits | undefined): boolean =>
  waits !== undefined && !(waits.for === 'Passing' && waits.isOver);

const differenceOf = ({ wanted, state }: ToBuild): LeverChange['differences'][number] => ({
  field: `index ${wanted.name}`,
  ...(state === 'Invalid' ? { from: 'invalid' } : {}),
  to: indexText(wanted),
});

function buildOf(verdict: ToBuild, { observed, memory }: PlanInput<IndexesUnit, IndexesObserved>): IndexesChange {
  const { wanted, database, table } = verdict;
  const { opclasses } = observed.databases.find(({ name }) => name === database) ?? { opclasses: {} };
  return {
    action: 'Build',
    cause: 'Declared',
    differences: [differenceOf(verdict)],
    remember: remembering(memory, { [`index ${wanted.name}`]: indexText(wanted) }, observed),
    database,
    wanted,
    owner: table.owner,
    isTable: table.kind === 'Table',
    opclasses,
  };
}

const remembering = (
  memory: UnitMemory | undefined,
  built: Readonly<Record<string, string>>,
  { address }: IndexesObserved,
): UnitMemory => ({ ...memory, applied: { ...memory?.applied, ...built }, address });

/** Of status.postgres[]. `begun`: what is built from now on. */
const statusOf = (verdicts: readonly IndexVerdict[], begun?: IndexVerdict): Readonly<Record<string, unknown>> =>
  verdicts.length === 0 ? {} : { indexes: verdicts.map((one) => entryOf(one, one === begun)) };

function entryOf(verdict: IndexVerdict, isBegun: boolean): Readonly<Record<string, unknown>> {
  const { wanted, state } = verdict;
  if (isBegun) return { name: wanted.name, state: 'Building' };
  if (state === 'Valid') return { name: wanted.name, state, used: verdict.there.isRead };
  if (state !== 'Building') return { name: wanted.name, state };
  const { phase, percent } = verdict.session;
  return {
    name: wanted.name,
    state,
    ...(phase === null ? {} : { phase }),
    ...(percent === null ? {} : { percent: Math.floor(percent / 10) * 10 }),
  };
}
