import type { NewCondition } from '../api/conditions.ts';
import type { UpstreamWeights } from '../api/load-balancer-report.ts';
import type { LeverName } from '../api/lever-names.ts';
import type { Problem } from '../api/problem.ts';
import type { CacheServerFigures } from '../decide/cache-server.ts';
import type { DatabaseServerFigures } from '../decide/database-server.ts';
import type { ServerConnections } from '../decide/connection-budget.ts';
import type { IdleIndexes } from '../decide/idle-indexes.ts';
import type { Lookups } from '../decide/hit-ratio.ts';
import type { ServerMemory } from '../decide/memory-budget.ts';
import type { StatementsSeen } from '../decide/slow-statements.ts';
import type { Resolved } from '../decide/resolve.ts';

/** What a lever may do to the cluster: change it, only say what it would change, or nothing at all. */
export type LeverMode = 'Enforce' | 'DryRun' | 'Off';

/**
 * One thing that the operator can move, in three parts: look, decide, act.
 *
 * A service has any number of *units* of a lever (a component to scale, a Redis to tune): each is observed, planned and applied by itself, so one that fails or hangs holds up no other.
 * What can be expected to go wrong is thrown as a `Problem` and becomes the unit's condition; anything else thrown is a bug.
 */
export interface Lever<Unit extends LeverUnit, Observed, Change extends LeverChange> {
  readonly name: LeverName;
  /** The condition that says whether the declared settings are in force. */
  readonly condition: LeverCondition;
  /** What of this service the lever moves: what is declared, and what of ours stands in the watch caches, or is remembered, though it no longer is. No I/O. `memoryOf`: by the unit's name. */
  units(resolved: Resolved, memoryOf?: (unit: string) => UnitMemory | undefined): readonly Unit[];
  /** I/O; changes nothing. `memory`: what `plan` will get, for a lever that looks more closely where a change is due. */
  observe(unit: Unit, signal: AbortSignal, memory?: MemoryOf<Change>): Promise<Observed>;
  /** What tells the server from others, where two services may name one: the older service has it. Equals `serverRun` and `address` of what is remembered. */
  serverOf?(observed: Observed): readonly string[];
  /** Totals of each part of a cache server that counts for itself, for the objective of its hit ratio. */
  lookupsOf?(observed: Observed): readonly Omit<Lookups, 'at'>[];
  /** What a cache server says of itself, for the views; undefined where only a part of it answers. */
  cacheOf?(observed: Observed): CacheServerFigures | undefined;
  /** What a server may keep in memory beside what its container has; undefined where nobody knows the limit of that. */
  memoryOf?(unit: Unit, observed: Observed): ServerMemory | undefined;
  /** What a database server counts of its work, for the views and /metrics. */
  databaseOf?(observed: Observed): DatabaseServerFigures;
  /** Which statements are slow on a database server, for the views. */
  statementsOf?(observed: Observed): StatementsSeen;
  /** Which Pod gets which part of the requests, and why, for the views. */
  weightsOf?(observed: Observed): readonly NginxWeights[];
  /** How many connections a server has, for the budget of all who use it. */
  connectionsOf?(observed: Observed): ServerConnections;
  /** Pure: what to change so that what was observed becomes what is declared, and what to say of it. */
  plan(input: PlanInput<Unit, Observed, MemoryOf<Change>>): LeverPlan<Change>;
  /** Pure: what to change so that what we once changed is as it was (deletionPolicy Restore). Absent: there is nothing to put back. */
  restore?(input: PlanInput<Unit, Observed, MemoryOf<Change>>): LeverPlan<Change>;
  /** Pure: what to take back of what stays (deletionPolicy Retain), since it ends by us alone: see `LeverPlan.holds`. Absent: there is no such thing. */
  release?(input: PlanInput<Unit, Observed, MemoryOf<Change>>): LeverPlan<Change>;
  /** I/O; idempotent; reads back, and only what the server answers counts. */
  apply(change: Change, unit: Unit, signal: AbortSignal): Promise<Outcome>;
  /** I/O: ends what still runs for a service, `namespace/name`, that is gone. Absent: nothing outlives a visit. @returns What is left of it, and why, also where a server does not answer: it is asked again, for a day. */
  forget?(service: string, last: { readonly isLast: boolean }, signal: AbortSignal): Promise<readonly string[]>;
}

/** What one nginx says of the Pods that it sends requests to. */
export interface NginxWeights {
  /** Name of its Pod. */
  readonly nginx: string;
  readonly component: string;
  readonly weights: UpstreamWeights;
}

export type LeverCondition =
  | 'HorizontalApplied'
  | 'VerticalApplied'
  | 'ResourcesApplied'
  | 'RedisApplied'
  | 'PostgresApplied'
  | 'RuntimeApplied'
  | 'LoadBalancerApplied';
/** A condition before it is merged with those of the lever's other units. */
export type PlannedCondition = Pick<NewCondition<LeverCondition>, 'status' | 'reason' | 'message'>;

/** From "applied" to what is not in force: the worst of several is what is said of all. */
export function severityOf({ status, reason }: PlannedCondition): number {
  if (status === 'False') return 3;
  if (status === 'Unknown') return 2;
  return reason === 'Applied' ? 0 : 1;
}

export interface LeverUnit {
  /** Unique within the lever and the service: the component's or the server's name in the spec. */
  readonly name: string;
  readonly mode: LeverMode;
  /** Somebody wants to know what the changes cost (`genops diff`): what tells that is looked at, also where no change is due. */
  readonly asksCost?: true;
}

/** What a lever remembers is what its changes carry. */
export type MemoryOf<Change extends LeverChange> = NonNullable<Change['remember']>;

export interface PlanInput<Unit, Observed, Memory extends UnitMemory = UnitMemory> {
  readonly unit: Unit;
  readonly observed: Observed;
  /** What this unit wrote down before and after its earlier changes; survives restarts of the operator. */
  readonly memory: Memory | undefined;
  /** ms since the epoch. */
  readonly now: number;
}

export interface LeverPlan<Change extends LeverChange> {
  /** In the order in which they are to be made. Empty: everything is as declared. */
  readonly changes: readonly Change[];
  /** What holds when every change has succeeded (`Applied`), or why there is nothing to be done (`Conflict`, `NonExpiringKeys`, …). */
  readonly condition: PlannedCondition;
  /** The unit's entry in status (`status.redis[]`, `status.components[].replicas`); no figures that move at each visit. */
  readonly status: Readonly<Record<string, unknown>>;
  /** The same once every change is made, where nobody wakes us to look again. Absent: `status` holds on. */
  readonly statusAfter?: Readonly<Record<string, unknown>>;
  /** Something that is not ours to delete is held back by us, or will be after these changes: the service does not go before that is taken back. */
  readonly holds?: true;
  /** What another loop changes once all of this holds (the scaler, the floor): told by diff and DryRun, never made from here. */
  readonly follows?: readonly Difference[];
  /** What the changes would be answered with, as far as the watch caches show it: for DryRun. Who makes them asks the server itself. */
  readonly refusal?: PlannedCondition;
  /** What moves by figures that no plan has; for diff and DryRun. */
  readonly unforeseen?: string;
  /** What the changes are expected to cost. The figures are others at each look: for who asks (diff), never for status. */
  readonly cost?: string;
  /** Of a database server, what it keeps up for nothing; for the views. */
  readonly idleIndexes?: IdleIndexes;
  /** When to look again though no watch fired, in ms; absent where watches tell everything. */
  readonly againMs?: number;
  /** What was found in force though nothing is to be changed (a restart that kept it, a time-out that turned out well). Absent: the memory is right. */
  readonly remember?: MemoryOf<Change>;
}

/** One write to one object or server. */
export interface LeverChange {
  /** `Drift`: somebody changed what was in force. `Restart`: the server forgot it. */
  readonly cause: 'Declared' | 'Drift' | 'Restart';
  /** Ends what we have begun ourselves and what still runs: made in DryRun and Paused too. */
  readonly isWithdrawal?: true;
  readonly differences: readonly Difference[];
  /** Written to the state ConfigMap before the change is made, its fields as unconfirmed, so that a kill at any moment loses no original setting. Absent: nothing to remember. */
  readonly remember?: UnitMemory;
  /** Which of a unit's several servers: one that does not take a change holds up no other. */
  readonly node?: string;
  /** Neither is it held up by an earlier change that is not taken, nor does it hold up a later one. */
  readonly isIndependent?: true;
}

/** `from` is absent where the thing does not exist yet. */
export interface Difference {
  readonly field: string;
  readonly from?: string;
  readonly to: string;
}

/** Small and flat: it is stored in a ConfigMap, with what else a lever's own kind of it has. `original` values are null where the server had none. */
export interface UnitMemory {
  /** What stood there before our first change, by parameter or field. */
  readonly originals?: Readonly<Record<string, string | null>>;
  /** What we last put in force (or were about to), by parameter or field. */
  readonly applied?: Readonly<Record<string, string>>;
  /** Which server process has it: a new identity means that it restarted. */
  readonly serverRun?: string;
  /** Where that server is: it stays when the process does not. */
  readonly address?: string;
  /** The same of each of several servers that are one unit, by their addresses. */
  readonly nodes?: Readonly<Record<string, Omit<UnitMemory, 'nodes' | 'unconfirmed'>>>;
  /** Of `applied`, what the server has not yet answered to have in force, sorted: what was only intended, or refused, is no drift. */
  readonly unconfirmed?: readonly string[];
}

export type Outcome =
  | { readonly result: 'applied' }
  /** It was sent before, and what we see does not show it yet. */
  | { readonly result: 'nothing' }
  /** What it was planned from is no longer so (a fail-over since): nothing was changed, and another look tells what is to be. */
  | { readonly result: 'outdated'; readonly problem: Problem }
  /** The server answered and did not take these fields; it has the others. */
  | { readonly result: 'refused'; readonly fields: readonly string[]; readonly condition: PlannedCondition };

/** The service's mode is the ceiling of the lever's own. Paused still looks and says what it would do. */
export function unitMode(ceiling: Resolved['mode'], own: LeverMode): LeverMode {
  return own === 'Enforce' && ceiling !== 'Enforce' ? 'DryRun' : own;
}
