import { childName } from '../../api/child-name.ts';
import type { Resolved, ResolvedComponent } from '../../decide/resolve.ts';
import { steering } from '../../decide/steering.ts';
import { ownerReference } from '../../kube/object.ts';
import { unitMode, type Lever } from '../lever.ts';
import { apply } from './apply.ts';
import { observe, type ResourcesDeps } from './observe.ts';
import { plan, restore, type ResourcesChange, type ResourcesObserved, type ResourcesUnit } from './plan.ts';

export type { ResourcesDeps } from './observe.ts';

/** What plans without a cluster. */
export const resourcesPlanner = { name: 'resources', condition: 'ResourcesApplied', plan, restore } satisfies Pick<
  Lever<ResourcesUnit, ResourcesObserved, ResourcesChange>,
  'name' | 'condition' | 'plan' | 'restore'
>;

/** Requests and limits of the workload's container. */
export function resources(deps: ResourcesDeps): Lever<ResourcesUnit, ResourcesObserved, ResourcesChange> {
  return {
    ...resourcesPlanner,
    units,
    observe: (unit, signal) => observe(unit, deps, signal),
    apply: (change, unit, signal) => apply(change, unit, deps, signal),
  };
}

/** Components for which somebody declared resources; all of them where status tells of what may have to end. */
function units(resolved: Resolved): readonly ResourcesUnit[] {
  const { service, mode, components } = resolved;
  const { name, namespace } = service.metadata;
  const declared = components.filter((component) => isDeclared(resolved, component));
  const known = isTold(resolved) ? components : declared;
  const kept = service.spec.components.map((component) => childName(name, component.name, 'new-pods'));
  return known.map((component, index) => {
    const { spec, target, policy } = component;
    const isWanted = declared.includes(component) && policy.resources.mode !== 'Off';
    return {
      name: spec.name,
      mode: unitMode(mode, isWanted ? policy.resources.mode : 'Enforce'), // Off is planned too: what new Pods begin with has to end
      namespace,
      owner: ownerReference(service, { controller: true }),
      isWanted,
      isBesideDeclared: declared.length > 0 && !declared.includes(component),
      isPaused: mode === 'Paused',
      isReleased: service.metadata.deletionTimestamp !== undefined,
      newPodsName: childName(name, spec.name, 'new-pods'),
      ...(index === 0 ? { kept } : {}),
      targetRef: spec.targetRef,
      containerName: spec.containerName,
      selector: target.selector,
      policy: policy.resources,
      maintenanceWindows: resolved.policy.maintenanceWindows,
      sized: steering(component).sized,
    };
  });
}

/** Once it is switched off, that is told for one visit; then there is nothing left of it. */
const isTold = ({ service: { status, metadata } }: Resolved): boolean =>
  status?.conditions?.some(
    ({ type, reason }) =>
      type === resourcesPlanner.condition && (reason !== 'Off' || metadata.deletionTimestamp !== undefined),
  ) === true;

const isDeclared = ({ declared }: Resolved, { spec }: ResolvedComponent): boolean =>
  declared.has('resources') || spec.overrides?.resources !== undefined;
