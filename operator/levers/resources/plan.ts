import { problemMessage } from '../../api/problem.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import { maintenanceAt, maintenanceText, type MaintenanceWindows } from '../../decide/maintenance-window.ts';
import type { LabelRequirement } from '../../decide/resolve.ts';
import type { Sized } from '../../decide/steering.ts';
import type { OwnerReference } from '../../kube/object.ts';
import type { ContainerView, PodView } from '../../metrics/pod-view.ts';
import { differenceText } from '../differences.ts';
import type { LeverChange, LeverPlan, LeverUnit, PlanInput, PlannedCondition, UnitMemory } from '../lever.ts';
import type { ConfigMapSeen } from '../owned-config-map.ts';
import type { PodTemplate } from '../pod-template.ts';
import { amountsText, declaredAmounts, differingIn, type Amount } from './amounts.ts';
import { endNewPods, newPodsConflict, planNewPods, type NewPodsChange } from './new-pods.ts';
import { flooredBy, heldByOom, heldMemory, memoryKillOf, withKill, type MemoryKill } from './oom.ts';
import { planHandOver, planTemplate, type HandOverChange, type TemplateChange } from './template.ts';

/** The container of one component. */
export interface ResourcesUnit extends LeverUnit {
  readonly namespace: string;
  /** The GenerationService. */
  readonly owner: OwnerReference;
  /** Somebody declared it, and it is not Off. */
  readonly isWanted: boolean;
  /** Nobody declared anything for this component, but for another one of the service. */
  readonly isBesideDeclared: boolean;
  /** Nothing is changed, and nothing is ended. */
  readonly isPaused: boolean;
  /** The service is being deleted: what was changed is put back, whatever is declared. */
  readonly isReleased: boolean;
  /** Of the ConfigMap that says what new Pods begin with. */
  readonly newPodsName: string;
  /** Names of those of all components of the service; absent for all units but one, which ends the rest. */
  readonly kept?: readonly string[];
  readonly targetRef: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  /** components[].containerName; undefined: the one that the target's template puts first. */
  readonly containerName: string | undefined;
  /** Of its Pods. */
  readonly selector: readonly LabelRequirement[];
  readonly policy: EffectivePolicy['resources'];
  /** Roll-outs and restarts are for these. */
  readonly maintenanceWindows: MaintenanceWindows;
  /** What a VPA of ours sizes. */
  readonly sized: readonly Sized[];
}

export interface ResourcesObserved {
  readonly pods: readonly PodView[];
  /** The API server resizes Pods that run. */
  readonly canResize: boolean;
  /** The container in the target's template. */
  readonly template: PodTemplate['containers'][number];
  /** What new Pods are told to begin with; undefined: nothing. */
  readonly newPods: ConfigMapSeen | undefined;
  /** The same of components that are gone, still in force. */
  readonly strays: readonly ConfigMapSeen[];
}

/** One Pod that is resized where it runs. */
export interface ResizeChange extends LeverChange {
  readonly kind: 'resize';
  readonly pod: Pick<PodView, 'name' | 'uid'>;
  /** Its place in the Pod's spec, and what stands there. */
  readonly container: { readonly index: number; readonly name: string };
  readonly amounts: readonly Amount[];
  /** Lists that the container does not have at all yet. */
  readonly missing: readonly Amount['list'][];
}

export type ResourcesChange = ResizeChange | TemplateChange | HandOverChange | NewPodsChange;

export type ResourcesPlan = LeverPlan<ResourcesChange>;
type Input = PlanInput<ResourcesUnit, ResourcesObserved>;

/** A resize takes the kubelet a second or two; a Pod that is new is not told of. */
const soonMs = 2_000;
const againMs = 10_000;
/** For a window that opens. */
const waitMs = 60_000;

/** Requests and limits of one component's container: as declared in each Pod, with no Pod replaced, unless the policy asks for the template to be changed. */
export function plan(input: Input): ResourcesPlan {
  const { unit, observed, memory, now } = input;
  if (!unit.isWanted) return planWith(undefined, input);
  const kill = memoryKillOf({ pods: observed.pods, container: observed.template.name, memory, now });
  return remembering(kill, planWith(kill, input), memory);
}

/** The Pod may be gone at the next look, and the operator another one. */
function remembering(
  kill: MemoryKill | undefined,
  { changes, ...planned }: ResourcesPlan,
  memory: UnitMemory | undefined,
): ResourcesPlan {
  if (kill === undefined && memory?.applied?.['oomKilledAt'] === undefined) return { ...planned, changes };
  const told = changes.map((change) =>
    change.remember === undefined ? change : { ...change, remember: withKill(change.remember, kill) },
  );
  return { ...planned, changes: told, remember: withKill(planned.remember ?? memory ?? {}, kill) };
}

function planWith(kill: MemoryKill | undefined, { unit, observed, memory, now }: Input): ResourcesPlan {
  const gone = unit.isPaused ? [] : observed.strays.flatMap((stray) => endNewPods(unit, stray));
  const ended = unit.isPaused ? [] : [...gone, ...endNewPods(unit, observed.newPods)];
  if (!unit.isWanted) return { changes: ended, condition: off(unit), status: {} };
  if (unit.policy.method === 'Template')
    return withChanges(ended, inWindow(planTemplate(unit, observed, { kill }), unit, now));
  const wanted = declaredAmounts(unit.policy, unit.sized);
  const resized = resizing(unit, observed, wanted, kill);
  if (!observed.canResize) return withChanges(ended, resized);
  const planned = observed.pods.some(restartsOnResize) ? inWindow(resized, unit, now) : resized;
  if (unit.mode !== 'Enforce') return withChanges([...ended, ...planHandOver(memory)], planned);
  const begun = planNewPods(unit, newcomers(observed.template, flooredBy(kill, wanted), kill), observed.newPods);
  const changes = [...gone, ...begun, ...planHandOver(memory)];
  return withConflict(newPodsConflict(unit, observed.newPods), withChanges(changes, planned));
}

function off({ name, isBesideDeclared, isPaused }: ResourcesUnit): PlannedCondition {
  if (isBesideDeclared) return { status: 'True', reason: 'Applied', message: `${name} declares no resources.` }; // it is no part of what the condition is about
  const message = `${name} is switched off by the policy.`;
  return { status: 'True', reason: isPaused ? 'DryRun' : 'Off', message }; // after Off nobody looks again: what is in force would not end after the pause
}

const withChanges = (changes: readonly ResourcesChange[], planned: ResourcesPlan): ResourcesPlan => ({
  ...planned,
  changes: [...changes, ...planned.changes],
});

/** What is worse than it is said instead. */
const withConflict = (conflict: PlannedCondition | undefined, planned: ResourcesPlan): ResourcesPlan =>
  conflict === undefined || planned.condition.status === 'False' ? planned : { ...planned, condition: conflict };

/** No less memory than the template gives them, where a Pod was killed for its memory. */
function newcomers(
  { name: container, requests, limits }: ResourcesObserved['template'],
  wanted: readonly Amount[],
  kill: MemoryKill | undefined,
): { readonly container: string; readonly amounts: readonly Amount[] } {
  if (kill === undefined) return { container, amounts: wanted };
  const there = { requests, limits };
  const held = heldMemory(wanted.map((amount) => ({ ...amount, from: there[amount.list][amount.resource] })));
  const isHeld = ({ list, resource }: Amount): boolean =>
    held.some((one) => one.list === list && one.resource === resource);
  return { container, amounts: wanted.filter((amount) => !isHeld(amount)) };
}

/** What is only told of (DryRun) is told at any time. */
function inWindow(planned: ResourcesPlan, { maintenanceWindows, mode }: ResourcesUnit, now: number): ResourcesPlan {
  const maintenance = maintenanceAt(maintenanceWindows, now);
  if (maintenance.isOpen || planned.changes.length === 0 || mode === 'DryRun') return planned;
  const waiting = planned.changes.flatMap(({ differences }) => differences).map(differenceText);
  const message = `${waiting.join(', ')} once ${maintenanceText(maintenance)}.`;
  const { remember: _, ...rest } = planned;
  return {
    ...rest,
    changes: [],
    condition: { status: 'True', reason: 'MaintenancePending', message },
    againMs: waitMs,
  };
}

const restartsOnResize = ({ containers }: PodView): boolean =>
  containers.some((container) => container.restartsOnResize === true);

/** What the template says, for the Pods that we have resized; in a template that we have written, nothing of ours. */
export function restore({ unit, observed, memory }: Input): ResourcesPlan {
  if (memory?.applied?.['method'] === 'Template') return planTemplate(unit, observed, { isReturned: true });
  const { requests, limits } = observed.template;
  const original = declaredAmounts(unit.policy, unit.sized).flatMap((amount) => {
    const text = { requests, limits }[amount.list][amount.resource];
    return text === undefined ? [] : [{ ...amount, text }]; // a Pod that runs cannot lose a request or limit
  });
  return resizing(unit, observed, original);
}

function resizing(
  unit: ResourcesUnit,
  { pods, canResize, template }: ResourcesObserved,
  wanted: readonly Amount[],
  kill?: MemoryKill,
): ResourcesPlan {
  if (!canResize) return { changes: [], condition: cannotResize(unit), status: {}, againMs };
  const floored = flooredBy(kill, wanted);
  const isFloored = floored.some((amount) => !wanted.includes(amount));
  const looks = pods.filter(runs).map((pod) => lookAt(pod, template.name, { wanted: floored, kill, isFloored }));
  const moving = looks.filter(({ pod }) => pod.resize?.state === 'InProgress');
  const open = looks.flatMap(({ change }) => (change === undefined ? [] : [change]));
  const changes = inTurn(open, looks);
  const isMoving = moving.length > 0 || open.length > 0;
  return {
    changes,
    condition: conditionOf(looks, { isMoving, kill, declared: aimOf(wanted, unit), aim: aimOf(floored, unit) }),
    status: {},
    againMs: isMoving ? soonMs : againMs,
    ...(changes.length === 0 ? {} : { remember: { applied: { method: 'InPlace' } } }),
  };
}

/** A Pod that ends, or has not begun, is not resized. */
const runs = ({ deleting, phase }: PodView): boolean => !deleting && phase === 'Running';

interface Look {
  readonly pod: PodView;
  readonly container: ContainerView | undefined;
  readonly change: ResizeChange | undefined;
  /** It keeps more memory than is declared. */
  readonly isHeld?: boolean;
}

interface Wanted {
  readonly wanted: readonly Amount[];
  /** Since then no Pod gets less memory. */
  readonly kill: MemoryKill | undefined;
  /** Less is declared than what is wanted. */
  readonly isFloored: boolean;
}

/** By its name in the template: what is injected into a Pod may stand first there. */
function lookAt(pod: PodView, named: string, { wanted, kill, isFloored }: Wanted): Look {
  const place = pod.containers.findIndex(({ name }) => name === named);
  const container = pod.containers[place];
  const all = container === undefined ? [] : differingIn(container, wanted);
  const held = kill === undefined ? [] : heldMemory(all);
  const isHeld = isFloored || held.length > 0;
  const differing = all.filter((amount) => !held.includes(amount));
  if (container === undefined || differing.length === 0) return { pod, container, change: undefined, isHeld };
  const { name, uid } = pod;
  const change: ResizeChange = {
    kind: 'resize',
    cause: 'Declared',
    node: name,
    pod: { name, uid },
    container: { index: container.index ?? place, name: container.name },
    amounts: differing.map(({ from: _, ...amount }) => amount),
    missing: (['requests', 'limits'] as const).filter((list) => !hasAny(container, list)),
    differences: differing.map(({ list, resource, from, text }) => ({
      field: `${name} ${list}.${resource}`,
      ...(from === undefined ? {} : { from }),
      to: text,
    })),
  };
  return { pod, container, change, isHeld };
}

const hasAny = ({ cpuRequest, memoryRequest, cpuLimit, memoryLimit }: ContainerView, list: Amount['list']): boolean =>
  (list === 'requests' ? [cpuRequest, memoryRequest] : [cpuLimit, memoryLimit]).some((figure) => figure !== undefined);

/** Of one visit: the words of so many refusals can still be read. */
const mostAtOnce = 20;

/** Many at once, as nothing is replaced; but where a container asks to be restarted for it, one after the other, each once all others are ready. */
function inTurn(open: readonly ResizeChange[], looks: readonly Look[]): readonly ResizeChange[] {
  if (!looks.some(({ container }) => container?.restartsOnResize === true)) return open.slice(0, mostAtOnce);
  const [first] = open;
  const isCalm = (pod: PodView): boolean => pod.ready && pod.resize?.state !== 'InProgress';
  const others = looks.filter(({ pod }) => pod.name !== first?.pod.name);
  return first === undefined || !others.every(({ pod }) => isCalm(pod)) ? [] : [first];
}

function conditionOf(
  looks: readonly Look[],
  { isMoving, declared, aim, kill }: Pick<Wanted, 'kill'> & { isMoving: boolean; declared: string; aim: string },
): PlannedCondition {
  const refused = looks.filter(({ pod }) => pod.resize?.state === 'Deferred' || pod.resize?.state === 'Infeasible');
  const all = looks.length === 1 ? 'The Pod runs' : `All ${looks.length} Pods run`;
  if (refused.length > 0) return behind(refused, looks.length);
  if (isMoving) return { status: 'Unknown', reason: 'Pending', message: `Pods are being resized: ${aim}.` };
  if (kill !== undefined && looks.some(({ isHeld }) => isHeld === true)) return heldByOom(kill, declared);
  const message = looks.length === 0 ? `No Pod runs; the next gets ${aim}.` : `${all} with ${aim}.`;
  return { status: 'True', reason: 'Applied', message };
}

/** What Pods are to have, in words. */
function aimOf(wanted: readonly Amount[], { sized }: Pick<ResourcesUnit, 'sized'>): string {
  if (sized.length === 0) return amountsText(wanted);
  const rest = `the ${sized.join(' and ')} that the VerticalPodAutoscaler gives`;
  return wanted.length === 0 ? rest : `${amountsText(wanted)}, and ${rest}`;
}

/** Deferred: the kubelet tries again by itself. */
function behind(refused: readonly Look[], total: number): PlannedCondition {
  const said = refused
    .slice(0, 3)
    .map(({ pod }) => `${pod.name} (${pod.resize?.state}: ${pod.resize?.message})`)
    .join(', ');
  const message = problemMessage({
    saw: `${refused.length} of ${total} Pods that their node has no room for: ${said}`,
    wanted: 'the declared resources in force in each',
    next: 'declare less, make room on the node, or delete these Pods: their successors go where there is room',
  });
  return { status: 'False', reason: 'PodsBehind', message };
}

function cannotResize({ namespace, targetRef }: ResourcesUnit): PlannedCondition {
  const message = problemMessage({
    saw: 'an API server without pods/resize',
    wanted: `to resize the Pods of ${targetRef.kind} ${namespace}/${targetRef.name} where they run, since resources.method is InPlace`,
    next: 'upgrade the cluster to 1.33 or later, or set resources.method: Template, which rolls the workload out',
  });
  return { status: 'False', reason: 'ResizeUnavailable', message };
}
