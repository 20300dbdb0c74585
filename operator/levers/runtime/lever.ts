import { childName } from '../../api/child-name.ts';
import type { Resolved, ResolvedComponent } from '../../decide/resolve.ts';
import { ownerReference } from '../../kube/object.ts';
import { unitMode, type Lever } from '../lever.ts';
import { createAcknowledged } from './acknowledged.ts';
import { apply } from './apply.ts';
import { observe, type RuntimeDeps } from './observe.ts';
import { plan, type RuntimeChange, type RuntimeObserved, type RuntimeUnit } from './plan.ts';

export type { RuntimeDeps } from './observe.ts';

/** What plans without a cluster. */
export const runtimePlanner = { name: 'runtime', condition: 'RuntimeApplied', plan } satisfies Pick<
  Lever<RuntimeUnit, RuntimeObserved, RuntimeChange>,
  'name' | 'condition' | 'plan'
>;

/** The settings of the workload itself, in a ConfigMap that its Pods mount, and are told of where they have an admin port. There is nothing to put back: it goes with its service. */
export function runtime(deps: RuntimeDeps): Lever<RuntimeUnit, RuntimeObserved, RuntimeChange> {
  const own = { ...deps, acknowledged: createAcknowledged() };
  return {
    ...runtimePlanner,
    units,
    observe: (unit, signal) => observe(unit, own, signal),
    apply: (change, unit, signal) => apply(change, unit, own, signal),
  };
}

/** Components for which somebody declared settings. By default there are some, but a workload that was never told of them would be behind for ever. */
function units(resolved: Resolved): readonly RuntimeUnit[] {
  const { service, mode, components, poolBounds } = resolved;
  const { name, namespace } = service.metadata;
  return components
    .filter((component) => hasRuntimeSettings(resolved, component))
    .map(({ spec, policy: { runtime: policy }, target }) => ({
      name: spec.name,
      mode: unitMode(mode, policy.mode),
      namespace,
      configMapName: spec.runtimeConfigMapName ?? childName(name, spec.name, 'runtime'),
      owner: ownerReference(service, { controller: true }),
      siblings: service.spec.components.map((component) => component.name),
      selector: target.selector,
      policy,
      admin: spec.admin,
      poolBound: poolBounds?.atMost.get(spec.name),
      ...(poolBounds?.isWhole === false ? { holdsPool: true } : {}),
      replicas: target.replicas,
    }));
}

/** The component's Pods have their settings from us. */
export const hasRuntimeSettings = ({ declared }: Resolved, { spec }: ResolvedComponent): boolean =>
  declared.has('runtime') || spec.overrides?.runtime !== undefined || spec.runtimeConfigMapName !== undefined;
