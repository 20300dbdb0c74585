import { isDeepStrictEqual } from 'node:util';
import { amount } from '../../api/quantity.ts';
import { problemMessage } from '../../api/problem.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import {
  maintenanceAt,
  maintenanceText,
  type Maintenance,
  type MaintenanceWindows,
} from '../../decide/maintenance-window.ts';
import type { LabelRequirement } from '../../decide/resolve.ts';
import type { Sized, Steering } from '../../decide/steering.ts';
import type { OwnerReference } from '../../kube/object.ts';
import type { PodView } from '../../metrics/pod-view.ts';
import { differences } from '../differences.ts';
import type { LeverChange, LeverPlan, LeverUnit, PlanInput, PlannedCondition, UnitMemory } from '../lever.ts';
import { flooredBy, flooredText, oomFloorOf, withOomFloor, type OomFloor } from './oom-floor.ts';
import { recommendationOf, type Recommendation } from './recommendation.ts';
import { render, updateModeOf, withoutEvictions, type Abilities } from './render.ts';
import { aimsAt, type VpaSpec, type VpaView } from './vpa.ts';

/** The VPA of one component. */
export interface VerticalUnit extends LeverUnit {
  readonly namespace: string;
  readonly vpaName: string;
  /** The GenerationService. */
  readonly owner: OwnerReference;
  readonly targetRef: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  /** components[].containerName; undefined: the one that the target's template puts first. */
  readonly containerName: string | undefined;
  /** Of its Pods. */
  readonly selector: readonly LabelRequirement[];
  readonly policy: EffectivePolicy['vertical'];
  /** Somebody declared it, and it is not Off. */
  readonly isWanted: boolean;
  readonly steering: Pick<Steering, 'vertical' | 'both' | 'isRefused' | 'leavesNoMetric'>;
  /** Evictions are for these. */
  readonly maintenanceWindows: MaintenanceWindows;
  /** Names of the VPAs that the service's components have; absent for all units but one, which sees to the rest. */
  readonly kept?: readonly string[];
  /** The annotation genops.dev/adopt names VPAs. */
  readonly adopt: boolean;
  /** What status last said. */
  readonly told: Recommendation | undefined;
}

export type VerticalObserved =
  /** The API server serves no VPA. */
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'seen';
      /** Every VPA of the namespace that aims at the target, or that we made. */
      readonly vpas: readonly VpaView[];
      /** HPAs on the target that are not ours, and what they scale by. */
      readonly scaling: readonly Scaling[];
      /** Of the target. */
      readonly pods: readonly PodView[];
      /** The container that is sized. */
      readonly container: string;
      readonly abilities: Abilities;
    };

export interface Scaling {
  readonly name: string;
  readonly resources: readonly Sized[];
}

export type VerticalChange = LeverChange &
  (
    | {
        readonly kind: 'apply';
        readonly name: string;
        readonly spec: VpaSpec;
        /** Undefined: it was taken over, and keeps what it says of itself. */
        readonly owner: OwnerReference | undefined;
        readonly force: boolean;
      }
    /** What it was before we took it over. */
    | { readonly kind: 'replaceSpec'; readonly name: string; readonly uid: string; readonly spec: VpaSpec }
    | { readonly kind: 'delete'; readonly name: string; readonly uid: string }
  );

type Plan = LeverPlan<VerticalChange>;
type Input = PlanInput<VerticalUnit, VerticalObserved>;

/** Nobody tells of a VPA that changes, and its recommendation moves slowly. */
const againMs = 60_000;
/** The first recommendation comes within a minute or two. */
const soonMs = 15_000;

/** The VPA of one component: made, kept as declared, taken over where asked, never fought over, and gone when nobody wants it any more. */
export function plan({ unit, observed, memory, now }: Input): Plan {
  if (observed.kind === 'absent') return { changes: [], condition: absent(unit), status: {}, againMs };
  const { vpas, container } = observed;
  const made = madeOf(unit, vpas);
  const own = ownOf(unit, vpas, memory);
  const rest = strays(unit, vpas).map(deletion);
  if (!unit.isWanted) return unwanted(unit, own, rest, memory);
  const foreign = vpas.find((vpa) => vpa !== own && vpa !== made && aimsAt(vpa, unit.targetRef));
  const recommendation = recommendationOf((own ?? foreign)?.targets[container], unit.told);
  const stay = (condition: PlannedCondition, changes: readonly VerticalChange[] = rest): Plan => ({
    changes,
    condition,
    status: recommendation === undefined ? {} : { recommendation },
    againMs: recommendation === undefined ? soonMs : againMs,
  });
  if (unit.steering.isRefused) return stay(refused(unit), [...rest, ...ended(unit, own, memory)]);
  const isFree = own === made && foreign?.controller === undefined; // one that was taken over already is the only one
  const adopting = foreign !== undefined && unit.adopt && isFree;
  if (foreign !== undefined && !adopting) return stay(conflict(unit, foreign, isFree));
  const atAnyTime = updateModeOf(unit.policy, observed.abilities);
  const calmed = [...rest, ...calming({ unit, container, own, memory })];
  if (unit.steering.leavesNoMetric) return stay(metricless(unit), calmed);
  if (atAnyTime === undefined) return stay(unsupported(unit, observed.abilities), calmed);
  const maintenance = maintenanceAt(unit.maintenanceWindows, now);
  const updateMode = maintenance.isOpen ? atAnyTime : withoutEvictions(atAnyTime, observed.abilities);
  const yielded = new Set(observed.scaling.flatMap(({ resources }) => resources));
  const resources = unit.steering.vertical.filter((resource) => !yielded.has(resource));
  if (resources.length < unit.steering.vertical.length && !yields(unit))
    return stay(contested(unit, observed.scaling), calmed);
  const floor = oomFloorOf({ pods: observed.pods, container, memory, now });
  const spec = render({ ...unit, policy: flooredBy(floor, unit.policy), container, resources, updateMode });
  const known = withOomFloor(memory ?? {}, floor);
  const change = changeFrom({ unit, held: adopting ? foreign : own, adopting, spec, memory: known });
  const condition = inForce({ unit, container, spec, resources, name: change.name, atAnyTime, maintenance, floor });
  const isPlanned = change.differences.length > 0 || adopting;
  const { unconfirmed: _, ...settled } = known;
  const next = isPlanned ? known : settled;
  const spare = made !== undefined && (adopting || made !== own) ? [...rest, deletion(made)] : rest; // first: two would fight
  const planned = stay(condition, isPlanned ? [...spare, change] : spare);
  return isDeepStrictEqual(next, memory ?? {}) ? planned : { ...planned, remember: next };
}

/** Puts a VPA that was taken over back as it was. One that we made goes with its owner. */
export function restore({ unit, observed, memory }: Input): Plan {
  const message = 'The VerticalPodAutoscaler is as it was before.';
  const condition: PlannedCondition = { status: 'True', reason: 'Applied', message };
  const own = observed.kind === 'seen' ? ownOf(unit, observed.vpas, memory) : undefined;
  return { changes: returned(own, memory), condition, status: {} };
}

const madeOf = ({ owner, vpaName }: VerticalUnit, vpas: readonly VpaView[]): VpaView | undefined =>
  vpas.find(({ controller, name }) => controller?.uid === owner.uid && name === vpaName);

/** The one that we took over, or that we made: that goes once another is taken over. */
const ownOf = (unit: VerticalUnit, vpas: readonly VpaView[], memory: UnitMemory | undefined): VpaView | undefined =>
  vpas.find(({ uid }) => uid === memory?.originals?.['uid']) ?? madeOf(unit, vpas);

/** Those that we made for components that are gone, or that nobody wants sized any more. */
const strays = ({ owner, kept }: VerticalUnit, vpas: readonly VpaView[]): readonly VpaView[] =>
  kept === undefined
    ? []
    : vpas.filter(({ controller, name }) => controller?.uid === owner.uid && !kept.includes(name));

function unwanted(
  unit: VerticalUnit,
  own: VpaView | undefined,
  rest: readonly VerticalChange[],
  memory: UnitMemory | undefined,
): Plan {
  const changes = ended(unit, own, memory).filter(({ name }) => !rest.some((one) => one.name === name));
  const all = [...rest, ...changes];
  const message = `${unit.name} is switched off by the policy.`;
  const { originals: _, ...forgotten } = memory ?? {};
  return {
    changes: all,
    condition: { status: 'True', reason: 'Off', message },
    status: {},
    ...(all.length === 0 ? {} : { againMs: soonMs }),
    // Given back: what its owner makes of it from now on is not ours to undo.
    ...(all.length === 0 && memory?.originals !== undefined ? { remember: forgotten } : {}),
  };
}

/** One that we made is deleted; one that was taken over is somebody's, and is as it was. */
function ended(
  { owner }: VerticalUnit,
  own: VpaView | undefined,
  memory: UnitMemory | undefined,
): readonly VerticalChange[] {
  const isOurs = own?.controller?.uid === owner.uid;
  return isOurs ? [deletion(own)] : returned(own, memory);
}

function returned(own: VpaView | undefined, memory: UnitMemory | undefined): readonly VerticalChange[] {
  const { uid, spec } = memory?.originals ?? {};
  if (own === undefined || own.uid !== uid || typeof spec !== 'string') return [];
  const original = JSON.parse(spec) as VpaSpec;
  const differing = differences(own.spec, original, 'spec', equalInApi);
  if (differing.length === 0) return [];
  return [
    { kind: 'replaceSpec', cause: 'Declared', name: own.name, uid: own.uid, spec: original, differences: differing },
  ];
}

function deletion({ name, uid }: VpaView): VerticalChange {
  const field = 'VerticalPodAutoscaler';
  return { kind: 'delete', cause: 'Declared', name, uid, differences: [{ field, from: name, to: '(none)' }] };
}

interface Held {
  readonly unit: VerticalUnit;
  readonly held: VpaView | undefined;
  readonly adopting: boolean;
  readonly spec: VpaSpec;
  readonly memory: UnitMemory | undefined;
}

function changeFrom({ unit, held, adopting, spec, memory }: Held): VerticalChange {
  const isOurs = held === undefined || held.controller !== undefined;
  // A kill between writing down that it is taken over and doing it.
  const isInterrupted = !isOurs && memory?.unconfirmed !== undefined;
  return {
    kind: 'apply',
    cause: 'Declared',
    name: held?.name ?? unit.vpaName,
    spec,
    owner: isOurs ? unit.owner : undefined,
    force: adopting || isInterrupted,
    differences: differences(held?.spec, spec, 'spec', equalInApi),
    ...(adopting && held !== undefined
      ? { remember: { ...memory, originals: { uid: held.uid, spec: JSON.stringify(held.spec) } } }
      : {}),
  };
}

/** What it did before was declared then: until what is declared now can be, it only recommends. */
function calming({
  unit,
  container,
  own,
  memory,
}: Pick<Held, 'unit' | 'memory'> & { readonly container: string; readonly own: VpaView | undefined }) {
  if (own === undefined) return [];
  const spec = render({ ...unit, container, resources: [], updateMode: 'Off' });
  const change = changeFrom({ unit, held: own, adopting: false, spec, memory });
  return change.differences.length === 0 ? [] : [change];
}

/** Quantities are equal by value. */
function equalInApi(field: string, from: unknown, to: unknown): boolean {
  if (Object.is(from, to)) return true;
  if (!/\.(minAllowed|maxAllowed)\./.test(field)) return false;
  const [there, wanted] = [amount(from as string), amount(to as string)];
  return there !== undefined && there === wanted;
}

const where = ({ namespace }: VerticalUnit, name: string): string => `VerticalPodAutoscaler ${namespace}/${name}`;
const listed = (resources: readonly string[]): string => resources.join(' and ');

/** With mode DryRun nothing was to be changed anyway. */
function absent({ isWanted, policy, name }: VerticalUnit): PlannedCondition {
  if (!isWanted) return { status: 'True', reason: 'Off', message: `${name} is switched off by the policy.` };
  const message = problemMessage({
    saw: 'no VerticalPodAutoscaler (autoscaling.k8s.io/v1) among the kinds that the API server serves',
    wanted: 'one for each component, since vertical is declared',
    next: 'install the Vertical Pod Autoscaler (its recommender, updater and admission controller), or set vertical.mode: "Off"',
  });
  return { status: policy.mode === 'DryRun' ? 'True' : 'False', reason: 'VPANotInstalled', message };
}

function refused({ steering: { both } }: VerticalUnit): PlannedCondition {
  const message = problemMessage({
    saw: `horizontal.metrics and vertical.controlledResources both with ${listed(both)}`,
    wanted: 'one of them to steer by it, since vertical.conflictResolution is Refuse',
    next: 'remove it from one of them, or set vertical.conflictResolution: Split',
  });
  return { status: 'False', reason: 'Conflict', message };
}

/** The HPA goes on by what is declared: two that steer by one resource fight. */
function metricless({ policy, steering: { both } }: VerticalUnit): PlannedCondition {
  const message = problemMessage({
    saw: `nothing in horizontal.metrics that the HorizontalPodAutoscaler can read beside ${listed(both)}`,
    wanted: `${listed(both)} for vertical alone, since vertical.conflictResolution is ${policy.conflictResolution}; but an HPA without a metric scales on cpu 80 %`,
    next: 'add another metric to horizontal.metrics, or set vertical.conflictResolution: Split',
  });
  return { status: 'False', reason: 'Conflict', message };
}

const yields = ({ policy: { conflictResolution } }: VerticalUnit): boolean =>
  conflictResolution === 'Split' || conflictResolution === 'PreferHorizontal';

/** What an HPA that is not ours scales by is not ours to take. */
function contested({ namespace, policy, steering }: VerticalUnit, scaling: readonly Scaling[]): PlannedCondition {
  const said = scaling.map(({ name, resources }) => `${namespace}/${name}, which scales by ${listed(resources)}`);
  const message = problemMessage({
    saw: `HorizontalPodAutoscaler ${said.join(', ')}`,
    wanted: `${listed(steering.vertical)} sized by vertical, since vertical.conflictResolution is ${policy.conflictResolution}`,
    next: 'take them out of its metrics, or set vertical.conflictResolution: Split',
  });
  return { status: 'False', reason: 'Conflict', message };
}

function conflict(unit: VerticalUnit, { name, controller }: VpaView, isFree: boolean): PlannedCondition {
  const owner = controller === undefined ? '' : ` (of ${controller.kind} ${controller.name})`;
  const adopt = isFree ? 'annotate this service with genops.dev/adopt=vpa to take it over, ' : '';
  const message = problemMessage({
    saw: `${where(unit, name)}${owner} for ${unit.targetRef.kind} ${unit.targetRef.name}`,
    wanted: 'it to be ours alone',
    next: `${adopt}set vertical.mode: "Off", or delete it`,
  });
  return { status: 'False', reason: 'Conflict', message };
}

function unsupported({ policy }: VerticalUnit, { updateModes = [], canResize }: Abilities): PlannedCondition {
  const message = problemMessage({
    saw: canResize
      ? `a VerticalPodAutoscaler that knows ${updateModes.join(', ')}`
      : 'a cluster that resizes no Pod that runs',
    wanted: `vertical.updateMode ${policy.updateMode}, which evicts no Pod`,
    next: 'upgrade it, or set vertical.updateMode: InPlaceOrRecreate or Initial',
  });
  return { status: 'False', reason: 'UpdateModeUnsupported', message };
}

interface InForce {
  readonly unit: VerticalUnit;
  readonly container: string;
  readonly spec: VpaSpec;
  readonly resources: readonly Sized[];
  readonly name: string;
  readonly atAnyTime: string;
  readonly maintenance: Maintenance;
  readonly floor: OomFloor | undefined;
}

function inForce({ unit, container, spec, resources, name, atAnyTime, maintenance, floor }: InForce): PlannedCondition {
  const { policy } = unit;
  const ours = where(unit, name);
  if (policy.mode === 'DryRun')
    return { status: 'True', reason: 'DryRun', message: `${ours} only recommends: vertical.mode is DryRun.` };
  const left = policy.controlledResources.filter((resource) => !resources.includes(resource));
  const why = `${listed(left)} is steered by the HorizontalPodAutoscaler (vertical.conflictResolution: ${policy.conflictResolution})`;
  if (spec.updatePolicy?.updateMode === 'Off')
    return { status: 'True', reason: 'Applied', message: `${ours} only recommends: ${why}.` };
  const updateMode = spec.updatePolicy?.updateMode;
  const instead = atAnyTime === policy.updateMode ? '' : `, as this cluster has no ${policy.updateMode}`;
  const waits =
    maintenance.isOpen || updateMode === atAnyTime ? '' : `; ${atAnyTime} once ${maintenanceText(maintenance)}`;
  const raised = resources.includes('memory') ? flooredText(floor, policy) : '';
  const message = `${ours} sizes ${listed(resources)} of container ${container} (${updateMode}${instead})${left.length === 0 ? '' : `; ${why}`}${raised}${waits}.`;
  return { status: 'True', reason: waits === '' ? 'Applied' : 'MaintenancePending', message };
}
