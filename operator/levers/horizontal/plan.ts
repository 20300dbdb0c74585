import { type Quantity, quantity } from '../../api/quantity.ts';
import { servedMetrics } from '../../api/served-metrics.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { PodsMetricsWay } from '../../decide/resolve.ts';
import type { OwnerReference } from '../../kube/object.ts';
import { managers } from '../apply-owned.ts';
import { differences } from '../differences.ts';
import { fieldConflict } from '../field-conflict.ts';
import type {
  Difference,
  LeverChange,
  LeverPlan,
  LeverUnit,
  PlanInput,
  PlannedCondition,
  UnitMemory,
} from '../lever.ts';
import { horizontalPodAutoscalers, type HpaSpec, type HpaView, type ObjectReference } from './hpa.ts';
import { floorMove } from './floor-move.ts';
import { lentFrom, returnFloor } from './lent-floor.ts';
import { render, type Rendered } from './render.ts';

export interface HorizontalUnit extends LeverUnit {
  readonly namespace: string;
  readonly hpaName: string;
  /** The GenerationService. */
  readonly owner: OwnerReference;
  readonly targetRef: ObjectReference;
  readonly policy: EffectivePolicy['horizontal'];
  readonly podsMetrics: PodsMetricsWay;
  /** The annotation genops.dev/adopt names HPAs: one that already aims at the target is taken over. */
  readonly adopt: boolean;
  /** That annotation as it stands; undefined: there is none. */
  readonly adoptWords?: string | undefined;
  /** spec.replicas of the target. */
  readonly replicas: number;
  /** Where the scaler last moved the floor to, of status; undefined: it never did. */
  readonly lastFloor?: number | undefined;
}

/** Every HPA that aims at the target. */
export interface HorizontalObserved {
  readonly hpas: readonly HpaView[];
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

/** The HPA of one component: made, kept as declared, taken over where asked, and never fought over. */
export function plan({ unit, observed: { hpas }, memory }: PlanInput<HorizontalUnit, HorizontalObserved>): Plan {
  const own = hpas.find(
    ({ uid, controller }) => controller?.uid === unit.owner.uid || uid === memory?.originals?.['uid'],
  );
  const foreign = hpas.find((hpa) => hpa !== own);
  const status = { replicas: replicasStatus(unit, own ?? foreign) };

  if (unit.policy.mode === 'FloorOnly') return floorOnly(unit, hpas, memory, status);
  const adopting = own === undefined && foreign !== undefined && unit.adopt && foreign.controller === undefined;
  const returned = adopting ? { changes: [] } : returnFloor(hpas, memory);
  const stay = (condition: PlannedCondition): Plan => ({ ...returned, condition, status });
  if (unit.policy.mode === 'Off') return { ...stay(off(unit)), status: {} };
  if (foreign !== undefined && !adopting) return stay(conflict(unit, foreign));
  const held = own ?? foreign;
  const rendered = render({ ...unit, floor: held === undefined ? firstFloor(unit) : held.spec.minReplicas });
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
  const after = { uid: held?.uid ?? '', controller: held === undefined ? unit.owner : held.controller };
  const declared = {
    ...stay(applied(change.name, unit, rendered)),
    ...floorMove(unit, { ...after, spec: rendered.spec }, change.remember ?? memory),
  };
  if (differing.length === 0 && !adopting)
    return { ...declared, changes: [], ...(interrupted ? { remember: known } : {}) };
  const refusal = change.force ? undefined : refusalOf(held, differing);
  return {
    ...declared,
    changes: [change],
    statusAfter: { replicas: replicasStatus(unit, rendered) },
    ...(refusal === undefined ? {} : { refusal }),
  };
}

/** What the API server answers while others have one of these fields. */
function refusalOf(hpa: HpaView | undefined, differing: readonly Difference[]): PlannedCondition | undefined {
  const held = (hpa?.held ?? []).filter(({ field }) => differing.some((one) => isWithin(`.${one.field}`, field)));
  if (hpa === undefined || held.length === 0) return undefined;
  const object = `${horizontalPodAutoscalers.kind} ${hpa.namespace}/${hpa.name}`;
  const { message } = fieldConflict({ object, held, manager: managers.declared });
  return { status: 'False', reason: 'Conflict', message };
}

const isWithin = (path: string, field: string): boolean =>
  path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);

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
  { replicas, policy }: HorizontalUnit,
  hpa: Pick<HpaView, 'spec'> | undefined,
): Readonly<Record<string, number>> {
  const max = policy.mode === 'FloorOnly' ? (hpa?.spec.maxReplicas ?? policy.maxReplicas) : policy.maxReplicas;
  const floor = hpa === undefined ? {} : { floor: hpa.spec.minReplicas ?? 1 };
  return { current: replicas, min: policy.minReplicas, ...floor, max };
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

const off = ({ name }: HorizontalUnit): PlannedCondition => ({
  status: 'True',
  reason: 'Off',
  message: `${name} is switched off by the policy.`,
});

function twoAutoscalers({ namespace, targetRef }: HorizontalUnit, first: HpaView, second: HpaView): PlannedCondition {
  const message = `saw two HorizontalPodAutoscalers for ${targetRef.kind} ${namespace}/${targetRef.name}: ${first.name} and ${second.name}; wanted one: the HPA controller obeys neither; next: delete one of them`;
  return { status: 'False', reason: 'Conflict', message };
}

function conflict(
  { namespace, targetRef, adopt: isAsked, adoptWords }: HorizontalUnit,
  { name, controller }: HpaView,
): PlannedCondition {
  const unread = isAsked || adoptWords === undefined ? '' : `, and genops.dev/adopt=${adoptWords}, which names no hpa`;
  const owner = controller === undefined ? '' : ` (of ${controller.kind} ${controller.name})`;
  const adopt = controller === undefined ? 'annotate this service with genops.dev/adopt=hpa to take it over, ' : '';
  const message = `saw HorizontalPodAutoscaler ${namespace}/${name}${owner} for ${targetRef.kind} ${targetRef.name}${unread}; wanted it to be ours alone; next: ${adopt}set horizontal.mode: FloorOnly to move only its floor, or delete it`;
  return { status: 'False', reason: 'Conflict', message };
}

function noMetric({ shadowed, unserved }: Rendered): PlannedCondition {
  const message = `saw only Pods metrics that this HPA cannot read (${[...shadowed, ...unserved].join(', ')}); wanted at least one Resource metric beside them, since an HPA without any scales on cpu 80 %; next: add {type: Resource, resource: {name: cpu, …}} to horizontal.metrics, or install with the metrics API enabled`;
  return { status: 'False', reason: 'MetricUnavailable', message };
}

function applied(
  name: string,
  { namespace, policy }: HorizontalUnit,
  { shadowed, unserved }: Rendered,
): PlannedCondition {
  if (unserved.length > 0) {
    const message = `saw Pods metrics that nobody serves: ${unserved.join(', ')}; wanted ${servedMetrics.join(', ')}; next: remove them from horizontal.metrics (they were left out, since one missing metric blocks an HPA's scale-down for good)`;
    return { status: 'False', reason: 'MetricUnavailable', message };
  }
  const folded = shadowed.length === 0 ? '' : `; ${shadowed.join(', ')} is folded into its floor`;
  const message = `HorizontalPodAutoscaler ${namespace}/${name} keeps ${policy.minReplicas} to ${policy.maxReplicas} replicas${folded}.`;
  return { status: 'True', reason: 'Applied', message };
}

/** Quantities are equal by value: the server writes 0.1 as 100m. */
function equalInApi(field: string, from: unknown, to: unknown): boolean {
  if (Object.is(from, to)) return true;
  if (!/\.(averageValue|value|tolerance)$/.test(field) || from === undefined) return false;
  return quantity(from as Quantity) === quantity(to as Quantity);
}
