import type { LeverChange, LeverPlan, PlanInput, UnitMemory } from '../../lever.ts';
import { advisedEntries } from '../advice/words.ts';
import type { IndexesChange, IndexesMemory } from './changes.ts';
import { gainText, type Gain } from './gain.ts';
import { gainsOf, withGains, type Gains } from './gains.ts';
import { judgeAll, waitsForWindow, type IndexVerdict, type ToBuild, type Waits, type WindowWaits } from './judge.ts';
import type { IndexesObserved } from './observe.ts';
import { partitionChanges } from './partition-changes.ts';
import type { PartitionWork } from './partitions.ts';
import { withReads } from './reads.ts';
import type { IndexesSeen } from './standby-scans.ts';
import { withStandstill } from './standstill.ts';
import { sessionPrefix, type IndexesUnit } from './unit.ts';
import { indexText } from './wanted.ts';
import { marks, prunings, withdrawals } from './withdraw.ts';
import { conditionOf, idleIndexesOf } from './words.ts';

/** Nothing tells of a table that a migration makes, nor of an index that somebody drops. */
const idleMs = 30_000;
const busyMs = 5_000;
type Input = PlanInput<IndexesUnit, IndexesSeen, IndexesMemory>;

/** Which of the declared indexes are there, what is built next, and what stands in the way. One build on a server at a time. */
export function plan(input: Input): LeverPlan<IndexesChange> {
  const { unit, observed } = input;
  const verdicts = judgeAll(input);
  const wanted = verdicts.filter((one) => one.wanted.mode === 'Enforce');
  const ended = withdrawals(input, (...index) => unit.mode === 'Enforce' && isAmong(wanted, ...index));
  const isBusy = observed.builds.some(({ application }) => application.startsWith(sessionPrefix));
  const ready = wanted.filter(isReady);
  const atNight = wanted.filter(waitsForWindow);
  const next = isBusy || ended.length > 0 ? undefined : ready[0];
  const later = [...(ready.length > 1 ? ready.filter((one) => one !== next) : []), ...atNight];
  const pruned = mayPrune(unit, verdicts) ? prunings(input, (...index) => isAmong(verdicts, ...index)) : [];
  const gains = gainsOf(verdicts, next, input);
  const memory = withStandstill(withReads(withGains(input.memory, gains), input), input);
  const changes = [
    ...ended,
    ...(ended.length > 0 ? [] : marks(input)),
    ...(next === undefined ? [] : buildsOf(next, { ...input, memory })),
    ...pruned,
  ];
  const advised = advisedEntries(observed.advice, unit.policy.indexes);
  const isMoving = changes.length > 0 || isBusy || wanted.some(({ state }) => state === 'Building');
  return {
    changes,
    condition: conditionOf(verdicts, next, { ...input, memory }),
    ...(observed.isStandby ? {} : { idleIndexes: idleIndexesOf(memory, input) }),
    ...(memory === undefined || memory === input.memory ? {} : { remember: memory }),
    status: statusOf({ verdicts, advised, gains }),
    statusAfter: statusOf({ verdicts, advised, gains }, next?.waits === undefined ? next : undefined), // what was in the way may still be: only a look tells
    ...(later.length > 0 && { follows: later.map(differenceOf) }),
    againMs: Math.min(isMoving ? busyMs : idleMs, ...atNight.map(({ waits }) => opensInMs(waits, input.now))),
  };
}

/** A moment longer than that: a visit may come a tenth too early. */
const opensInMs = ({ maintenance: { opensAt = Number.POSITIVE_INFINITY } }: WindowWaits, now: number): number =>
  Math.max(opensAt - now, 0) * 1.1 + 1000;

/** An index that takes the place of another is there before the other goes. */
const mayPrune = ({ policy }: IndexesUnit, verdicts: readonly IndexVerdict[]): boolean =>
  policy.pruneIndexes === 'Owned' && verdicts.every(({ state }) => state === 'Valid' || state === 'NotApplicable');

const isAmong = (verdicts: readonly IndexVerdict[], database: string, schema: string, name: string): boolean =>
  verdicts.some(
    (one) =>
      one.database === database &&
      (one.parts ?? [one.wanted]).some((index) => index.schema === schema && index.name === name),
  );

const isReady = (one: IndexVerdict): one is ToBuild =>
  (one.state === 'Missing' || one.state === 'Invalid') && !isHeldUp(one.waits);
const isHeldUp = (waits: Waits | undefined): boolean =>
  waits !== undefined && !(waits.for === 'Passing' && waits.isOver);

const differenceOf = ({ wanted, state }: ToBuild): LeverChange['differences'][number] => ({
  field: `index ${wanted.name}`,
  ...(state === 'Invalid' ? { from: 'invalid' } : {}),
  to: indexText(wanted),
});

type BuildChange = Extract<IndexesChange, { readonly action: 'Build' }>;

/** Of a partitioned table partition by partition, as far as one visit goes. */
function buildsOf(verdict: ToBuild, input: PlanInput<IndexesUnit, IndexesObserved>): readonly IndexesChange[] {
  const whole = buildOf(verdict, input);
  if (verdict.work === undefined) return [whole];
  return partitionChanges(verdict.work, verdict.database, ({ wanted, table }, after) => ({
    ...whole,
    after,
    wanted,
    owner: table.owner,
    isTable: true,
    differences: [{ field: `index ${wanted.name}`, to: indexText(wanted) }],
  }));
}

function buildOf(verdict: ToBuild, { observed, memory }: PlanInput<IndexesUnit, IndexesObserved>): BuildChange {
  const { wanted, database, table } = verdict;
  const { opclasses } = observed.databases.find(({ name }) => name === database) ?? { opclasses: {} };
  return {
    action: 'Build',
    cause: 'Declared',
    differences: [differenceOf(verdict)],
    remember: remembering(memory, { [`index ${wanted.name}`]: indexText(wanted) }, observed),
    database,
    wanted,
    after: [],
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

type Entry = Readonly<Record<string, unknown>>;

interface Told {
  readonly verdicts: readonly IndexVerdict[];
  readonly advised: readonly Entry[];
  readonly gains: Gains;
}

/** Of status.postgres[]. `begun`: what is built from now on. */
function statusOf({ verdicts, advised, gains }: Told, begun?: IndexVerdict): Entry {
  const declared = verdicts.map((one) => entryOf(one, { isBegun: one === begun, gain: gains[one.wanted.name] }));
  const indexes = [...declared, ...advised];
  return indexes.length === 0 ? {} : { indexes };
}

function entryOf(verdict: IndexVerdict, { isBegun, gain }: { isBegun: boolean; gain: Gain | undefined }): Entry {
  const { wanted, state } = verdict;
  const partitions = 'work' in verdict && verdict.work !== undefined ? partitionsOf(verdict.work) : {};
  if (isBegun) return { name: wanted.name, state: 'Building', ...partitions };
  if (state === 'Valid') {
    const { isRead } = verdict.there;
    const gained = isRead ? gainText(gain) : undefined; // while nobody reads it, another one has made the statements faster
    return { name: wanted.name, state, used: isRead, ...(gained === undefined ? {} : { gain: gained }) };
  }
  if (state !== 'Building') return { name: wanted.name, state, ...partitions };
  const { phase, percent } = verdict.session;
  return {
    name: wanted.name,
    state,
    ...(phase === null ? {} : { phase }),
    ...(percent === null ? {} : { percent: Math.floor(percent / 10) * 10 }),
    ...partitions,
  };
}

const partitionsOf = ({ done, of }: PartitionWork): Entry => ({ partitions: { done, of } });
