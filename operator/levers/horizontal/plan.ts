import { type Quantity, quantity } from '../../api/quantity.ts';
import { servedMetrics } from '../../api/served-metrics.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { LabelRequirement, PodsMetricsWay, ReplicaBound } from '../../decide/resolve.ts';
import { scaledBy, sizedBy, type Sized } from '../../decide/steering.ts';
import type { OwnerReference } from '../../kube/object.ts';
import type { PodView } from '../../metrics/pod-view.ts';
import { managers } from '../apply-owned.ts';
import { differences } from '../differences.ts';
import type { LeverChange, LeverPlan, LeverUnit, PlanInput, PlannedCondition, UnitMemory } from '../lever.ts';
import { isOwn, type HpaSpec, type HpaView, type ObjectReference } from './hpa.ts';
import { floorMove } from './floor-move.ts';
import { holdsTheirs, liftHold } from './hold.ts';
import { lentFrom, returnFloor } from './lent-floor.ts';
import { outOfReach, type ReachInput } from './reach.ts';
import { refusalOf } from './refusal.ts';
import { render, type Rendered, type RenderInput } from './render.ts';

export interface HorizontalUnit extends LeverUnit {
  readonly namespace: string;
  readonly hpaName: string;
  /** The GenerationService. */
  readonly owner: OwnerReference;
  readonly targetRef: ObjectReference;
  /** Of its Pods. */
  readonly selector: readonly LabelRequirement[];
  readonly policy: EffectivePolicy['horizontal'];
  readonly podsMetrics: PodsMetricsWay;
  /** Resources that a VPA sizes, which the HPA is not scaled by; absent: none. */
  readonly taken?: readonly Sized[];
  /** What horizontal and vertical would both steer by, where the policy wants neither to; absent: nothing. */
  readonly refused?: readonly Sized[];
  /** The annotation genops.dev/adopt names HPAs: one that already aims at the target is taken over. */
  readonly adopt: boolean;
  /** That annotation as it stands; undefined: there is none. */
  readonly adoptWords?: string | undefined;
  /** spec.replicas of the target. */
  readonly replicas: number;
  /** What the budgets leave, as far as they are known; undefined: as declared. */
  readonly replicaBound?: ReplicaBound | undefined;
  /** One that is not known may leave less: an HPA that a budget has bounded stays so. */
  readonly holdsReplicas?: true;
  /** What bounded the replicas, of status. */
  readonly lastBoundBy?: string | undefined;
  /** Where the scaler last moved the floor to, of status; undefined: it never did. */
  readonly lastFloor?: number | undefined;
}

/** Every HPA that aims at the target. */
export interface HorizontalObserved {
  readonly hpas: readonly HpaView[];
  /** Some Pods have not what their spec says, which an HPA divides by; absent: all have. */
  readonly isResizing?: boolean;
  /** Those that there are; absent: nobody looked. */
  readonly pods?: readonly PodView[];
}

export type HorizontalChange = LeverChange &
  (
    | {
        readonly kind: 'apply';
        readonly name: string;
        readonly spec: HpaSpec;
        readonly owner: OwnerReference | undefined;
        readonly force: boolean;
      }
    /** What it was before we took it over. */
    | { readonly kind: 'replaceSpec'; readonly name: string; readonly uid: string; readonly spec: HpaSpec }
    | { readonly kind: 'delete'; readonly name: string; readonly uid: string }
    /** The floor of an HPA of which only that was ever ours. */
    | { readonly kind: 'floor'; readonly name: string; readonly hpa: HpaView; readonly floor: number }
  );

type Plan = LeverPlan<HorizontalChange>;

/** Nobody wakes us when a resize has ended. */
const resizingAgainMs = 5_000;

/** The HPA of one component: made, kept as declared, taken over where asked, and never fought over. */
export function plan(input: PlanInput<HorizontalUnit, HorizontalObserved>): Plan {
  const { unit, observed } = input;
  const planned = planDeclared(input);
  const isMade = unit.mode === 'Enforce' && planned.changes.some(({ kind }) => kind === 'apply');
  const own = ownOf(input);
  const lifted = isMade || observed.isResizing === true ? [] : liftHold(unit, own);
  const holds = holdsTheirs(unit, own, unit.mode === 'Enforce' ? planned.changes : []);
  return { ...planned, changes: [...planned.changes, ...lifted], ...(holds ? { holds: true } : {}) };
}

const ownOf = ({ unit, observed: { hpas }, memory }: PlanInput<HorizontalUnit, HorizontalObserved>) =>
  hpas.find(isOwn(unit.owner.uid, memory?.originals));

function planDeclared(input: PlanInput<HorizontalUnit, HorizontalObserved>): Plan {
  const {
    unit: declaredUnit,
    observed: { hpas, isResizing = false, pods = [] },
    memory,
  } = input;
  const own = ownOf(input);
  const unit = withinBudget(declaredUnit, own);
  const foreign = hpas.find((hpa) => hpa !== own);
  const status = { replicas: replicasStatus(unit, own ?? foreign) };

  if (unit.policy.mode === 'FloorOnly') return floorOnly(unit, hpas, memory, status);
  const adopting = own === undefined && foreign !== undefined && unit.adopt && foreign.controller === undefined;
  const returned = adopting ? { changes: [] } : returnFloor(hpas, memory);
  const stay = (condition: PlannedCondition): Plan => ({ ...returned, condition, status });
  if (unit.policy.mode === 'Off') return { ...stay(off(unit, own)), status: {} };
  if (unit.refused !== undefined) return stay(refused(unit.refused));
  if (foreign !== undefined && !adopting) return stay(conflict(unit, foreign, own));
  const held = own ?? foreign;
  const floor = held === undefined ? firstFloor(unit) : held.spec.minReplicas;
  const isHeld = isResizing && scalesByUse(unit);
  const rendered = render({ ...unit, floor, isHeld });
  if (rendered.spec.metrics?.length === 0) return stay(noMetric(rendered));

  const differing = differences(held?.spec, rendered.spec, 'spec', equalInApi);
  const { unconfirmed, ...known } = memory ?? {};
  // A kill between writing down that it is taken over and doing it.
  const interrupted = own !== undefined && own.controller === undefined && unconfirmed !== undefined;
  const change: HorizontalChange = {
    kind: 'apply',
    cause: 'Declared',
    name: held?.name ?? unit.hpaName,
    spec: rendered.spec,
    owner: held === undefined || held.controller !== undefined ? unit.owner : undefined,
    force: adopting || interrupted,
    differences: differing,
    ...(adopting ? { remember: withOriginals(memory, adoptedFrom(foreign, memory)) } : {}),
  };
  const after = held ?? { uid: '', controller: unit.owner, name: change.name, namespace: unit.namespace };
  const declared = {
    ...stay(applied(change.name, { ...unit, isHeld, pods }, rendered)),
    ...floorMove(unit, { ...after, spec: rendered.spec }, change.remember ?? memory),
    ...(isHeld ? { againMs: resizingAgainMs } : {}),
  };
  if (differing.length === 0 && !adopting)
    return { ...declared, changes: [], ...(interrupted ? { remember: known } : {}) };
  const refusal = change.force || held === undefined ? undefined : refusalOf(held, differing, managers.declared);
  return {
    ...declared,
    changes: [change],
    statusAfter: { replicas: replicasStatus(unit, rendered) },
    ...(refusal === undefined ? {} : { refusal }),
  };
}

/** By a share of what its Pods ask for: while one has not got that yet, the share is too low. */
const scalesByUse = ({ policy, podsMetrics, taken = [] }: HorizontalUnit): boolean =>
  scaledBy(policy.metrics, { podsMetrics, taken }).some((metric) => sizedBy(metric) !== undefined);

/** With fewer replicas at most, where a budget asks for that. Never fewer than minReplicas. */
function withinBudget(unit: HorizontalUnit, own: HpaView | undefined): HorizontalUnit {
  const { policy, replicaBound, holdsReplicas = false, lastBoundBy } = unit;
  const inForce =
    holdsReplicas && own !== undefined && lastBoundBy !== undefined
      ? { max: own.spec.maxReplicas, by: lastBoundBy }
      : undefined;
  const [bound] = [replicaBound, inForce].filter((one) => one !== undefined).toSorted((a, b) => a.max - b.max);
  if (bound === undefined || bound.max >= policy.maxReplicas) return { ...unit, replicaBound: undefined };
  const maxReplicas = Math.max(bound.max, policy.minReplicas);
  return { ...unit, replicaBound: bound, policy: { ...policy, maxReplicas } };
}

/** Of an HPA that is made: where somebody has deleted the one before, a service under load must not fall to its minimum. Never more than runs now. */
const firstFloor = ({ policy: { minReplicas }, lastFloor = 0, replicas }: HorizontalUnit): number =>
  Math.max(Math.min(lastFloor, replicas), minReplicas);

/** Puts an HPA that was taken over back as it was. One that we made goes with its owner. */
export function restore({ unit, observed: { hpas }, memory }: PlanInput<HorizontalUnit, HorizontalObserved>): Plan {
  const { uid, spec } = memory?.originals ?? {};
  const adopted = hpas.find((hpa) => hpa.uid === uid);
  const condition: PlannedCondition = {
    status: 'True',
    reason: 'Applied',
    message: 'The HorizontalPodAutoscaler is as it was before.',
  };
  if (adopted === undefined || typeof spec !== 'string')
    return { changes: returnFloor(hpas, memory).changes, condition, status: {} };
  const original = JSON.parse(spec) as HpaSpec;
  const differing = differences(adopted.spec, original, 'spec', equalInApi);
  const change: HorizontalChange = {
    kind: 'replaceSpec',
    cause: 'Declared',
    name: adopted.name,
    uid: adopted.uid,
    spec: original,
    differences: differing,
  };
  return {
    changes: differing.length === 0 ? [] : [change],
    condition,
    status: { replicas: replicasStatus(unit, adopted) },
  };
}

type Originals = NonNullable<UnitMemory['originals']>;

/** Only for an HPA of which nothing is saved yet: what stood there before us is never written over, what stood in one that is gone is. */
const withOriginals = (memory: UnitMemory | undefined, originals: Originals): UnitMemory => ({
  ...memory,
  originals: { ...memory?.originals, ...originals },
});

/** The HPA before it is taken over. A floor that we had moved while only that was ours goes back to what it was. */
function adoptedFrom({ uid, spec }: HpaView, memory: UnitMemory | undefined): Originals {
  const { floorOf, floor } = memory?.originals ?? {};
  const minReplicas = floorOf === uid ? Number(floor) : spec.minReplicas;
  return { uid, spec: JSON.stringify({ ...spec, ...(minReplicas === undefined ? {} : { minReplicas }) }) };
}

function replicasStatus(
  { replicas, policy, replicaBound }: HorizontalUnit,
  hpa: Pick<HpaView, 'spec'> | undefined,
): Readonly<Record<string, number | string>> {
  const max = policy.mode === 'FloorOnly' ? (hpa?.spec.maxReplicas ?? policy.maxReplicas) : policy.maxReplicas;
  const floor = hpa === undefined ? {} : { floor: hpa.spec.minReplicas ?? 1 };
  const boundBy = replicaBound === undefined ? {} : { boundBy: replicaBound.by };
  return { current: replicas, min: policy.minReplicas, ...floor, max, ...boundBy };
}

/** The floor that an HPA had is remembered before the scaler may move it for the first time. */
function floorOnly(
  unit: HorizontalUnit,
  hpas: readonly HpaView[],
  memory: UnitMemory | undefined,
  status: Plan['status'],
): Plan {
  const [hpa, second] = hpas;
  const stay = (condition: PlannedCondition): Plan => ({ changes: [], condition, status });
  if (hpa === undefined) return stay(noAutoscaler(unit));
  if (second !== undefined) return stay(twoAutoscalers(unit, hpa, second));
  const message = `Of HorizontalPodAutoscaler ${unit.namespace}/${hpa.name} only the floor is ours to move.`;
  const isKnown = memory?.originals?.['floorOf'] === hpa.uid;
  const remember = isKnown ? undefined : withOriginals(memory, lentFrom(hpa, memory));
  return {
    ...stay({ status: 'True', reason: 'Applied', message }),
    ...floorMove(unit, hpa, remember ?? memory),
    ...(remember === undefined ? {} : { remember }),
  };
}

function noAutoscaler({ namespace, targetRef }: HorizontalUnit): PlannedCondition {
  const message = `saw no HorizontalPodAutoscaler for ${targetRef.kind} ${namespace}/${targetRef.name}; wanted one, since horizontal.mode is FloorOnly; next: create it, or set horizontal.mode: Enforce`;
  return { status: 'False', reason: 'NoAutoscaler', message };
}

function off({ name, namespace }: HorizontalUnit, own: HpaView | undefined): PlannedCondition {
  const stays =
    own === undefined
      ? ''
      : ` HorizontalPodAutoscaler ${namespace}/${own.name} of before stays and keeps ${own.spec.minReplicas ?? 1} to ${own.spec.maxReplicas} replicas: nobody moves its floor. To be rid of it: kubectl delete hpa -n ${namespace} ${own.name}.`;
  return { status: 'True', reason: 'Off', message: `${name} is switched off by the policy.${stays}` };
}

function twoAutoscalers({ namespace, targetRef }: HorizontalUnit, first: HpaView, second: HpaView): PlannedCondition {
  const message = `saw two HorizontalPodAutoscalers for ${targetRef.kind} ${namespace}/${targetRef.name}: ${first.name} and ${second.name}; wanted one: the HPA controller obeys neither; next: delete one of them`;
  return { status: 'False', reason: 'Conflict', message };
}

function conflict(
  { namespace, targetRef, adopt: isAsked, adoptWords }: HorizontalUnit,
  { name, controller }: HpaView,
  own: HpaView | undefined,
): PlannedCondition {
  const isForAdoption = controller === undefined && own === undefined;
  const unread = isAsked || adoptWords === undefined ? '' : `, and genops.dev/adopt=${adoptWords}, which names no hpa`;
  // First: config/gitops offers to adopt what begins with the HPA.
  const owner = controller === undefined ? '' : `${controller.kind} ${controller.name} with `;
  const beside = own === undefined ? '' : 'beside our own ';
  const adopt = isForAdoption ? 'annotate this service with genops.dev/adopt=hpa to take it over, ' : '';
  const message = `saw ${beside}${owner}HorizontalPodAutoscaler ${namespace}/${name} for ${targetRef.kind} ${targetRef.name}${unread}; wanted it to be ours alone; next: ${adopt}set horizontal.mode: FloorOnly to move only its floor, or delete it`;
  return { status: 'False', reason: 'Conflict', message };
}

function refused(both: readonly Sized[]): PlannedCondition {
  const message = `saw horizontal.metrics and vertical.controlledResources both with ${both.join(' and ')}; wanted one of them to steer by it, since vertical.conflictResolution is Refuse; next: remove it from one of them, or set vertical.conflictResolution: Split`;
  return { status: 'False', reason: 'Conflict', message };
}

function noMetric({ shadowed, unserved }: Rendered): PlannedCondition {
  const message = `saw only Pods metrics that this HPA cannot read (${[...shadowed, ...unserved].join(', ')}); wanted at least one Resource metric beside them, since an HPA without any scales on cpu 80 %; next: add {type: Resource, resource: {name: cpu, …}} to horizontal.metrics, or install with the metrics API enabled`;
  return { status: 'False', reason: 'MetricUnavailable', message };
}

function applied(
  name: string,
  {
    namespace,
    policy,
    podsMetrics,
    taken = [],
    isHeld,
    pods,
  }: HorizontalUnit & Pick<RenderInput, 'isHeld'> & Pick<ReachInput, 'pods'>,
  { shadowed, unserved }: Rendered,
): PlannedCondition {
  if (unserved.length > 0) {
    const message = `saw Pods metrics that nobody serves: ${unserved.join(', ')}; wanted ${servedMetrics.join(', ')}; next: remove them from horizontal.metrics (they were left out, since one missing metric blocks an HPA's scale-down for good)`;
    return { status: 'False', reason: 'MetricUnavailable', message };
  }
  const read = scaledBy(policy.metrics, { podsMetrics, taken });
  const beyond = outOfReach({ policy, read, isRaised: shadowed.length > 0, pods });
  if (beyond?.isAll === true) return { status: 'False', reason: 'TargetUnreachable', message: beyond.problem };
  const folded = shadowed.length === 0 ? '' : `; ${shadowed.join(', ')} is folded into its floor`;
  const sized =
    taken.length === 0 ? '' : `; by ${taken.join(' and ')} the VerticalPodAutoscaler sizes the Pods instead`;
  const message = `HorizontalPodAutoscaler ${namespace}/${name} keeps ${policy.minReplicas} to ${policy.maxReplicas} replicas${folded}${sized}${beyond === undefined ? '' : `; ${beyond.remark}`}${isHeld ? '; it takes none away while Pods are being resized' : ''}.`;
  return { status: 'True', reason: 'Applied', message };
}

/** Quantities are equal by value: the server writes 0.1 as 100m. */
function equalInApi(field: string, from: unknown, to: unknown): boolean {
  if (Object.is(from, to)) return true;
  if (!/\.(averageValue|value|tolerance)$/.test(field) || from === undefined) return false;
  return quantity(from as Quantity) === quantity(to as Quantity);
}
