import { isDeepStrictEqual } from 'node:util';
import { isProblem, Problem } from '../api/problem.ts';
import type { IdleIndexes } from '../decide/idle-indexes.ts';
import type { Resolved } from '../decide/resolve.ts';
import { ApiError } from '../kube/api-error.ts';
import { openDeadline } from '../kube/deadline.ts';
import { differenceText } from './differences.ts';
import type {
  Difference,
  Lever,
  LeverChange,
  LeverPlan,
  LeverUnit,
  Outcome,
  PlannedCondition,
  UnitMemory,
} from './lever.ts';

/** A lever of which only run.ts knows that its parts fit together. */
export type AnyLever = Lever<LeverUnit, unknown, LeverChange>;

/** Every unit's memory, by `lever/unit`. What the state ConfigMap of a service holds. */
export type LeverMemory = Readonly<Record<string, UnitMemory>>;

export interface Observation {
  readonly lever: AnyLever;
  readonly unit: LeverUnit;
  readonly seen:
    { readonly kind: 'seen'; readonly value: unknown } | { readonly kind: 'problem'; readonly problem: Problem };
}

/** What is to happen to one unit, and what became of it. */
export interface UnitPlan {
  readonly lever: AnyLever;
  readonly unit: LeverUnit;
  readonly changes: readonly LeverChange[];
  readonly condition: PlannedCondition;
  readonly status: Readonly<Record<string, unknown>>;
  readonly statusAfter?: Readonly<Record<string, unknown>>;
  /** `Unknown`: it could not be looked at, and what it once changed may hold something. */
  readonly holds?: true | 'Unknown';
  readonly follows?: readonly Difference[];
  readonly unforeseen?: string;
  readonly cost?: string;
  /** What would be changed, where it only may be said (DryRun, Paused). */
  readonly held?: readonly Difference[];
  readonly idleIndexes?: IdleIndexes;
  readonly againMs?: number;
  readonly remember?: UnitMemory;
  /** Why it could not be observed; for the log. */
  readonly problem?: Problem;
}

export const unitKey = ({
  lever,
  unit,
}: {
  readonly lever: Pick<AnyLever, 'name'>;
  readonly unit: Pick<LeverUnit, 'name'>;
}): string => `${lever.name}/${unit.name}`;

/** A server that hangs must not hold up the visit of its service for longer than this. */
const unitTimeoutMs = 10_000;
/** A unit that could not be observed is looked at again after this: no watch tells when a server is back. */
const problemAgainMs = 15_000;

/** Looks at every unit at once: for each what was seen, or the problem that stood in the way. */
export async function observe(
  levers: readonly AnyLever[],
  resolved: Resolved,
  signal: AbortSignal,
  memory: LeverMemory = {},
): Promise<readonly Observation[]> {
  const units = levers.flatMap((lever) =>
    lever.units(resolved, (name) => memory[unitKey({ lever, unit: { name } })]).map((unit) => ({ lever, unit })),
  );
  return Promise.all(
    units.map(async ({ lever, unit }): Promise<Observation> => {
      if (unit.mode === 'Off') return { lever, unit, seen: { kind: 'seen', value: undefined } };
      const known = memory[unitKey({ lever, unit })];
      return { lever, unit, seen: await orProblem(signal, (until) => lever.observe(unit, until, known)) };
    }),
  );
}

type Verb = 'plan' | 'restore' | 'release';

/** Pure: the plan of every unit. `verb` restore: what puts back what was once changed; release: what takes back only what ends by us alone. */
export function planAll(
  observations: readonly Observation[],
  { memory, now, verb }: { readonly memory: LeverMemory; readonly now: number; readonly verb: Verb },
): readonly UnitPlan[] {
  return observations.map(({ lever, unit, seen }) => {
    if (unit.mode === 'Off')
      return {
        lever,
        unit,
        ...nothing({ status: 'True', reason: 'Off', message: `${unit.name} is switched off by the policy.` }),
      };
    if (seen.kind === 'problem') {
      const mayHold = verb === 'plan' && lever.release !== undefined && memory[unitKey({ lever, unit })] !== undefined;
      return { lever, unit, ...notSeen(seen.problem, mayHold), againMs: problemAgainMs, problem: seen.problem };
    }
    const input = { unit, observed: seen.value, memory: memory[unitKey({ lever, unit })], now };
    const plan =
      verb === 'plan'
        ? lever.plan(input)
        : ((verb === 'restore' ? lever.restore?.(input) : lever.release?.(input)) ??
          nothing({ status: 'True', reason: 'Applied', message: 'There is nothing to put back.' }));
    return { lever, unit, ...(unit.mode === 'DryRun' && verb === 'plan' ? onlySaid(plan) : plan) };
  });
}

/** @param mayHold Whether something that is not ours to delete may be held back: until that is known again a finalizer is neither set for it nor taken off. */
function notSeen(problem: Problem, mayHold: boolean): Omit<LeverPlan<LeverChange>, 'holds'> & Pick<UnitPlan, 'holds'> {
  const condition = conditionOf(problem);
  if (!mayHold) return nothing(condition);
  const message = `${condition.message} (whether anything is held back there is not known: a finalizer that is there stays until it is)`;
  return { ...nothing({ ...condition, message }), holds: 'Unknown' };
}

/** Whether something that is not ours to delete is held back. Undefined: nobody can tell. */
export function isHolding(plans: readonly UnitPlan[]): boolean | undefined {
  if (plans.some(({ holds }) => holds === true)) return true;
  return plans.some(({ holds }) => holds === 'Unknown') ? undefined : false;
}

/** What a plan wants to be remembered before any of it is made: what was found in force, and what is about to be done, not yet confirmed. */
export function intentions(plans: readonly UnitPlan[], known: LeverMemory): LeverMemory {
  const memory = withoutGone(plans, known);
  const found = plans.flatMap((plan) => (plan.remember === undefined ? [] : [[unitKey(plan), plan.remember] as const]));
  const intended = plans.flatMap((plan) => {
    const remembered = plan.changes.findLast(({ remember }) => remember !== undefined)?.remember;
    if (remembered === undefined) return [];
    const unconfirmed = [...(remembered.unconfirmed ?? []), ...fieldsOf(plan.changes)];
    return [[unitKey(plan), withUnconfirmed(remembered, unconfirmed)] as const];
  });
  return withEntries(withEntries(memory, found), intended);
}

/** A unit that the spec no longer has, or that is Off, holds no server; what it once changed can still be put back while it stands in the spec. */
function withoutGone(plans: readonly UnitPlan[], memory: LeverMemory): LeverMemory {
  const kept = plans.flatMap((plan) => {
    const known = memory[unitKey(plan)];
    if (known === undefined) return [];
    return [[unitKey(plan), plan.unit.mode === 'Off' ? withoutServers(known) : known] as const];
  });
  const next = Object.fromEntries(kept);
  return isDeepStrictEqual(next, memory) ? memory : next;
}

function withoutServers({ serverRun: _, address: __, nodes, ...rest }: UnitMemory): UnitMemory {
  if (nodes === undefined) return rest;
  const bare = Object.entries(nodes).map(([at, node]) => [at, withoutServers(node)] as const);
  return { ...rest, nodes: Object.fromEntries(bare) };
}

/** The same, once it is known what of it is in force. */
export function confirmations(results: readonly UnitResult[], memory: LeverMemory): LeverMemory {
  const confirmed = results.flatMap(({ plan, taken }) => {
    const intended = memory[unitKey(plan)];
    if (intended?.unconfirmed === undefined) return [];
    const inForce = new Set(fieldsOf(taken));
    const left = intended.unconfirmed.filter((field) => !inForce.has(field));
    return [[unitKey(plan), withUnconfirmed(intended, left)] as const];
  });
  return withEntries(memory, confirmed);
}

const fieldsOf = (changes: readonly LeverChange[]): readonly string[] =>
  changes.flatMap(({ differences }) => differences.map(({ field }) => field));

function withUnconfirmed({ unconfirmed: _, ...memory }: UnitMemory, fields: readonly string[]): UnitMemory {
  return fields.length === 0 ? memory : { ...memory, unconfirmed: [...new Set(fields)].toSorted() };
}

/** The same object where nothing is new: a change that is refused at each visit is written down once. */
function withEntries(memory: LeverMemory, entries: readonly (readonly [string, UnitMemory])[]): LeverMemory {
  const next = { ...memory, ...Object.fromEntries(entries) };
  return isDeepStrictEqual(next, memory) ? memory : next;
}

export interface UnitResult {
  readonly plan: UnitPlan;
  readonly outcome: 'nothing' | 'applied' | 'refused' | 'failed';
  /** The changes that were made, also where a later one was not; of one that was taken in part, that part. */
  readonly taken: readonly LeverChange[];
  /** What holds now. */
  readonly condition: PlannedCondition;
  /** It was planned from what is no longer so: another look tells what is to be. */
  readonly isOutdated?: true;
}

/** Makes the changes of every unit, units side by side, those of one server in order up to the first that is not taken. `mayAct`: still the leader? Asked before each change. */
export async function apply(
  plans: readonly UnitPlan[],
  mayAct: () => boolean,
  signal: AbortSignal,
): Promise<readonly UnitResult[]> {
  return Promise.all(
    plans.map(async (plan): Promise<UnitResult> => {
      const taken: LeverChange[] = [];
      const untaken: Untaken[] = [];
      for (const change of plan.changes) {
        if (isHeldUp(change, untaken)) continue;
        mustLead(mayAct);
        const made = await orProblem(signal, (until) => plan.lever.apply(change, plan.unit, until));
        if (made.kind === 'seen') taken.push(...takenOf(change, made.value));
        untaken.push(...untakenOf(change, made));
      }
      return resultOf(plan, taken, untaken);
    }),
  );
}

const isHeldUp = ({ node, isIndependent }: LeverChange, untaken: readonly Untaken[]): boolean =>
  isIndependent !== true && untaken.some((one) => !one.isIndependent && one.node === node);

/** Why a server did not take a change. */
interface Untaken extends Pick<LeverChange, 'isIndependent'> {
  readonly node: string | undefined;
  readonly condition: PlannedCondition;
  /** Absent where the server answered, and refused. */
  readonly problem?: Problem;
  readonly isOutdated?: true;
}

type Attempt = Awaited<ReturnType<typeof orProblem<Outcome>>>;

function untakenOf({ node, isIndependent }: LeverChange, made: Attempt): readonly Untaken[] {
  const of = { node, ...(isIndependent && { isIndependent }) };
  if (made.kind === 'problem') return [{ ...of, condition: conditionOf(made.problem), problem: made.problem }];
  const { value } = made;
  if (value.result === 'outdated')
    return [{ ...of, condition: conditionOf(value.problem), problem: value.problem, isOutdated: true }];
  return value.result === 'refused' ? [{ ...of, condition: value.condition }] : [];
}

function resultOf(plan: UnitPlan, taken: readonly LeverChange[], untaken: readonly Untaken[]): UnitResult {
  const worst = untaken.find(({ problem }) => problem !== undefined) ?? untaken[0];
  if (worst !== undefined) {
    const { problem } = worst;
    const messages = untaken.map(({ condition }) => condition.message);
    const condition = { ...worst.condition, message: [...messages, ...heldBack(plan, problem)].join(' | ') };
    if (problem === undefined) return { plan, outcome: 'refused', taken, condition };
    const failed = {
      plan: { ...plan, againMs: problemAgainMs, problem },
      outcome: 'failed',
      taken,
      condition,
    } as const;
    return untaken.some(({ isOutdated }) => isOutdated) ? { ...failed, isOutdated: true } : failed;
  }
  const status = plan.changes.length === 0 ? plan.status : (plan.statusAfter ?? plan.status);
  const outcome = taken.length === 0 ? 'nothing' : 'applied';
  return { plan: { ...plan, status }, outcome, taken, condition: plan.condition };
}

/** What the plan itself did not send, and why, is not told by the server that refused something else. */
const heldBack = ({ condition: { status, reason, message } }: UnitPlan, problem: Problem | undefined) =>
  problem === undefined && status === 'False' && !passing.has(reason) ? [message] : [];

/** @throws where another may lead by now: two that change one thing would undo each other's. */
export function mustLead(mayAct: () => boolean): void {
  if (!mayAct()) throw new Error('not the leader any more: nothing is changed');
}

/** What of a change was made: all, nothing, or what was not refused. */
function takenOf(change: LeverChange, outcome: Outcome): readonly LeverChange[] {
  if (outcome.result !== 'refused') return outcome.result === 'applied' ? [change] : [];
  const differences = change.differences.filter(({ field }) => !outcome.fields.includes(field));
  return differences.length === 0 ? [] : [{ ...change, differences }];
}

async function orProblem<T>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ kind: 'seen'; value: T } | { kind: 'problem'; problem: Problem }> {
  using deadline = openDeadline(signal, unitTimeoutMs);
  try {
    return { kind: 'seen', value: await work(deadline.signal) };
  } catch (error) {
    if (isProblem(error)) return { kind: 'problem', problem: error };
    signal.throwIfAborted(); // the whole visit was told to stop
    if (error instanceof ApiError && isAway(error)) throw error; // without its API server no unit can go on: the loop backs off
    return { kind: 'problem', problem: unexpected(error) };
  }
}

/** No answer, too busy, or an error of its own: not about what this unit asked for. */
const isAway = ({ status }: ApiError): boolean => status === 0 || status === 429 || status >= 500;

/** What one unit ran into must not take the others with it: a refusal of the API server, a hang, a bug. It is said, and logged with its stack. */
function unexpected(error: unknown): Problem {
  const saw = Error.isError(error) ? error.message : String(error);
  if (error instanceof ApiError && error.isNamespaceTerminating)
    return new Problem('Failed', { saw, wanted: 'the namespace to stay', next: 'nothing: it goes, and this with it' });
  if (error instanceof ApiError && error.status === 403)
    return new Problem('PermissionDenied', {
      saw,
      wanted: 'the right to do this',
      next: 'grant it to the operator',
      cause: error,
    });
  if (Error.isError(error) && error.name === 'TimeoutError')
    return new Problem('Failed', { saw: `no end within ${unitTimeoutMs / 1000} s`, wanted: 'an answer', cause: error });
  return new Problem('Failed', { saw, wanted: 'no such error', next: 'read the operator log', cause: error });
}

const nothing = (condition: PlannedCondition): LeverPlan<LeverChange> => ({ changes: [], condition, status: {} });

const conditionOf = ({ reason, message }: Problem): PlannedCondition => ({
  status: 'False',
  reason: reason as PlannedCondition['reason'],
  message,
});

/** In DryRun the changes become words, with what stands in their way, and nothing is remembered: what we did not touch may change until we do. */
function onlySaid({
  remember: _,
  refusal,
  ...plan
}: LeverPlan<LeverChange>): LeverPlan<LeverChange> & Pick<UnitPlan, 'held'> {
  const { follows = [], unforeseen, condition } = plan;
  const [changes, planned] = [plan.changes.filter(isWithdrawal), plan.changes.filter((one) => !isWithdrawal(one))];
  const held = [...planned.flatMap(({ differences }) => differences), ...follows];
  if (held.length === 0 && (unforeseen === undefined || condition.status !== 'True')) return { ...plan, changes };
  const would = `Would change ${listed(held.map(differenceText))}`;
  return { ...plan, changes, held, condition: saidOf({ would, unforeseen, condition, refusal }) };
}

interface Said {
  readonly would: string;
  readonly unforeseen: string | undefined;
  readonly condition: PlannedCondition;
  readonly refusal: PlannedCondition | undefined;
}

/** What comes by itself once the changes are made. */
const passing: ReadonlySet<string> = new Set(['Pending', 'PodsBehind', 'IndexBuilding', 'Lowering']);

function saidOf({ would, unforeseen, condition, refusal }: Said): PlannedCondition {
  if (refusal !== undefined) return { ...refusal, message: `${would}, and be refused: ${refusal.message}` };
  if (condition.status !== 'True' && !passing.has(condition.reason))
    return { ...condition, message: `${would}, but: ${condition.message}` };
  const message = `${would}${unforeseen === undefined ? '' : `; ${unforeseen}`}.`;
  return { status: 'True', reason: 'DryRun', message };
}

const isWithdrawal = (change: LeverChange): boolean => change.isWithdrawal === true;

function listed(said: readonly string[]): string {
  if (said.length === 0) return 'nothing now';
  return `${said.slice(0, 20).join(', ')}${said.length > 20 ? ` and ${said.length - 20} more` : ''}`;
}
