import { type Quantity, quantity } from '../../api/quantity.ts';
import { servedMetrics } from '../../api/served-metrics.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { PodsMetricsWay } from '../../decide/resolve.ts';
import type { OwnerReference } from '../../kube/object.ts';
import { differences } from '../differences.ts';
import type { LeverChange, LeverPlan, LeverUnit, PlanInput, PlannedCondition, UnitMemory } from '../lever.ts';
import type { HpaSpec, HpaView, ObjectReference } from './hpa.ts';
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
  /** spec.replicas of the target. */
  readonly replicas: number;
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
  const stay = (condition: PlannedCondition): Plan => ({ changes: [], condition, status });

  if (unit.policy.mode === 'FloorOnly') {
    const [first, second] = hpas;
    if (first !== undefined && second !== undefined) return stay(twoAutoscalers(unit, first, second));
    return floorOnly(unit, first, memory, status);
  }
  const adopting = own === undefined && foreign !== undefined && unit.adopt && foreign.controller === undefined;
  if (foreign !== undefined && !adopting) return stay(conflict(unit, foreign));
  const held = own ?? foreign;
  const rendered = render({ ...unit, floor: held?.spec.minReplicas });
  if (rendered.spec.metrics?.length === 0) return stay(noMetric(rendered));

  const differing = differences(held?.spec, rendered.spec, 'spec', equalInApi);
  const change: HorizontalChange = {
    kind: 'apply',
    cause: 'Declared',
    name: held?.name ?? unit.hpaName,
    spec: rendered.spec,
    owner: held === undefined || held.controller !== undefined ? unit.owner : undefined,
    force: adopting,
    differences: differing,
    ...(adopting ? { remember: withOriginals(memory, adoptedFrom(foreign, memory)) } : {}),
  };
  return {
    changes: differing.length === 0 && !adopting ? [] : [change],
    condition: applied(change.name, unit, rendered),
    status,
  };
}

/** Puts an HPA that was taken over back as it was. One that we made goes with its owner. */
export function restore({ unit, observed: { hpas }, memory }: PlanInput<HorizontalUnit, HorizontalObserved>): Plan {
  const { uid, spec, floorOf, floor } = memory?.originals ?? {};
  const adopted = hpas.find((hpa) => hpa.uid === uid);
  const lent = hpas.find((hpa) => hpa.uid === floorOf);
  if (adopted === undefined && lent !== undefined) return restoreFloor(lent, Number(floor));
  const condition: PlannedCondition = {
    status: 'True',
    reason: 'Applied',
    message: 'The HorizontalPodAutoscaler is as it was before it was taken over.',
  };
  if (adopted === undefined || typeof spec !== 'string') return { changes: [], condition, status: {} };
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

function restoreFloor(hpa: HpaView, floor: number): Plan {
  const from = hpa.spec.minReplicas ?? 1;
  const condition: PlannedCondition = {
    status: 'True',
    reason: 'Applied',
    message: `The floor of ${hpa.name} is what it was: ${floor}.`,
  };
  const differing = [{ field: 'spec.minReplicas', from: String(from), to: String(floor) }];
  const change: HorizontalChange = {
    kind: 'floor',
    cause: 'Declared',
    name: hpa.name,
    hpa,
    floor,
    differences: differing,
  };
  return { changes: from === floor ? [] : [change], condition, status: {} };
}

type Originals = NonNullable<UnitMemory['originals']>;

/** What was saved once is never written over: it is what stood there before us. */
const withOriginals = (memory: UnitMemory | undefined, originals: Originals): UnitMemory => ({
  ...memory,
  originals: { ...originals, ...memory?.originals },
});

/** The HPA before it is taken over. A floor that we had moved while only that was ours goes back to what it was. */
function adoptedFrom({ uid, spec }: HpaView, memory: UnitMemory | undefined): Originals {
  const { floorOf, floor } = memory?.originals ?? {};
  const minReplicas = floorOf === uid ? Number(floor) : spec.minReplicas;
  return { uid, spec: JSON.stringify({ ...spec, ...(minReplicas === undefined ? {} : { minReplicas }) }) };
}

/** The floor before it is moved; where the HPA was taken over before that, the floor that it had then. */
function lentFrom({ uid, spec }: HpaView, memory: UnitMemory | undefined): Originals {
  const { uid: adopted, spec: saved } = memory?.originals ?? {};
  const before = adopted === uid && typeof saved === 'string' ? (JSON.parse(saved) as HpaSpec) : spec;
  return { floorOf: uid, floor: String(before.minReplicas ?? 1) };
}

function replicasStatus(
  { replicas, policy }: HorizontalUnit,
  hpa: HpaView | undefined,
): Readonly<Record<string, number>> {
  const max = policy.mode === 'FloorOnly' ? (hpa?.spec.maxReplicas ?? policy.maxReplicas) : policy.maxReplicas;
  return { current: replicas, min: policy.minReplicas, floor: hpa?.spec.minReplicas ?? policy.minReplicas, max };
}

/** The floor that an HPA had is remembered before the scaler may move it for the first time. */
function floorOnly(
  { namespace, targetRef }: HorizontalUnit,
  hpa: HpaView | undefined,
  memory: UnitMemory | undefined,
  status: Plan['status'],
): Plan {
  if (hpa !== undefined) {
    const message = `Only the floor of HorizontalPodAutoscaler ${namespace}/${hpa.name} is moved.`;
    const isKnown = memory?.originals?.['floorOf'] === hpa.uid;
    return {
      changes: [],
      condition: { status: 'True', reason: 'Applied', message },
      status,
      ...(isKnown ? {} : { remember: withOriginals(memory, lentFrom(hpa, memory)) }),
    };
  }
  const message = `saw no HorizontalPodAutoscaler for ${targetRef.kind} ${namespace}/${targetRef.name}; wanted one, since horizontal.mode is FloorOnly; next: create it, or set horizontal.mode: Enforce`;
  return { changes: [], condition: { status: 'False', reason: 'NoAutoscaler', message }, status };
}

function twoAutoscalers({ namespace, targetRef }: HorizontalUnit, first: HpaView, second: HpaView): PlannedCondition {
  const message = `saw two HorizontalPodAutoscalers for ${targetRef.kind} ${namespace}/${targetRef.name}: ${first.name} and ${second.name}; wanted one: the HPA controller obeys neither; next: delete one of them`;
  return { status: 'False', reason: 'Conflict', message };
}

function conflict({ namespace, targetRef }: HorizontalUnit, { name, controller }: HpaView): PlannedCondition {
  const owner = controller === undefined ? '' : ` (of ${controller.kind} ${controller.name})`;
  const adopt = controller === undefined ? 'annotate this service with genops.dev/adopt=hpa to take it over, ' : '';
  const message = `saw HorizontalPodAutoscaler ${namespace}/${name}${owner} for ${targetRef.kind} ${targetRef.name}; wanted it to be ours alone; next: ${adopt}set horizontal.mode: FloorOnly to move only its floor, or delete it`;
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
