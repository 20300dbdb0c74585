import type { Resolved } from '../../decide/resolve.ts';
import { steering } from '../../decide/steering.ts';
import { ownerReference } from '../../kube/object.ts';
import { isAdopted } from '../adoption.ts';
import { unitMode, type Lever } from '../lever.ts';
import { apply } from './apply.ts';
import { createAbilities, observe, type VerticalDeps } from './observe.ts';
import { plan, restore, type VerticalChange, type VerticalObserved, type VerticalUnit } from './plan.ts';
import { vpaName } from './vpa.ts';

export type { VerticalDeps } from './observe.ts';

/** What plans without a cluster. */
export const verticalPlanner = { name: 'vertical', condition: 'VerticalApplied', plan, restore } satisfies Pick<
  Lever<VerticalUnit, VerticalObserved, VerticalChange>,
  'name' | 'condition' | 'plan' | 'restore'
>;

/** One VerticalPodAutoscaler for each component that somebody wants sized. */
export function vertical(deps: VerticalDeps): Lever<VerticalUnit, VerticalObserved, VerticalChange> {
  const abilities = createAbilities(deps.kube);
  return {
    ...verticalPlanner,
    units,
    observe: (unit, signal) => observe(unit, { ...deps, abilities }, signal),
    apply: (change, unit, signal) => apply(change, unit, deps, signal),
  };
}

/** All components, where somebody declared it for one of them, or where status tells of a VPA that may have to go. */
function units(resolved: Resolved): readonly VerticalUnit[] {
  const { service, mode, components, claimed } = resolved;
  const { name, namespace } = service.metadata;
  const wanted = service.spec.components
    .filter((component) => isWanted(resolved, component.name) && !claimed.includes(component.name))
    .map((component) => vpaName(name, component.name));
  const declared = service.spec.components.filter((component) => isDeclared(resolved, component.name));
  if (declared.length === 0 && !isTold(resolved)) return [];
  const sized = declared.length === 0 ? components : components.filter(({ spec }) => isDeclared(resolved, spec.name));
  return sized.map((component, index) => ({
    name: component.spec.name,
    mode: unitMode(mode, 'Enforce'), // Off and DryRun are planned too: the VPA that is there has to go, or to stop
    namespace,
    vpaName: vpaName(name, component.spec.name),
    owner: ownerReference(service, { controller: true }),
    targetRef: component.spec.targetRef,
    containerName: component.spec.containerName,
    selector: component.target.selector,
    policy: component.policy.vertical,
    isWanted: isWanted(resolved, component.spec.name),
    steering: steering(component),
    maintenanceWindows: resolved.policy.maintenanceWindows,
    ...(index === 0 ? { kept: wanted } : {}),
    adopt: isAdopted(service, 'vpa'),
    told: service.status?.components?.find((one) => one.name === component.spec.name)?.recommendation,
  }));
}

function isWanted(resolved: Resolved, component: string): boolean {
  const found = resolved.components.find(({ spec }) => spec.name === component);
  return isDeclared(resolved, component) && (found?.policy ?? resolved.policy).vertical.mode !== 'Off';
}

/** There are defaults, but nobody’s Pods are to be sized who never asked for it. */
const isDeclared = ({ declared, service }: Resolved, component: string): boolean =>
  declared.has('vertical') ||
  service.spec.components.find(({ name }) => name === component)?.overrides?.vertical !== undefined;

const isTold = ({ service: { status } }: Resolved): boolean =>
  status?.conditions?.some(({ type, reason }) => type === verticalPlanner.condition && reason !== 'Off') === true;
