import type { ReplicaBound, Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { hasRuntimeSettings } from '../levers/runtime/lever.ts';
import { isMovedDirectly } from './replica-range.ts';

/** What the budgets leave, by component, where it is less than declared. */
export interface Bounds {
  /** Connections of each Pod's pool. */
  readonly pools: ReadonlyMap<string, number>;
  readonly replicas: ReadonlyMap<string, ReplicaBound>;
}

/** The same by what leaves it, each as it was last known; undefined: it never was. */
export interface KnownBounds {
  readonly connections: readonly Bounds[] | undefined;
  readonly quota: readonly Bounds[] | undefined;
}

/** Undefined while one of them was never known: it may leave less. */
export const boundsIn = ({ connections, quota }: KnownBounds): Bounds | undefined =>
  connections && quota && leastOf([...connections, ...quota]);

/** A pool of each size is opened on every server, and a replica asks of every budget: the least counts. */
function leastOf(all: readonly Bounds[]): Bounds {
  const pools = all.flatMap((bounds) => [...bounds.pools].map(([component, max]) => ({ component, max })));
  const replicas = all.flatMap((bounds) => [...bounds.replicas].map(([component, bound]) => ({ component, ...bound })));
  return {
    pools: new Map(leastByComponent(pools).map(({ component, max }) => [component, max])),
    replicas: new Map(leastByComponent(replicas).map(({ component, max, by }) => [component, { max, by }])),
  };
}

const leastByComponent = <Bound extends { readonly component: string; readonly max: number }>(
  bounds: readonly Bound[],
): readonly Bound[] =>
  [...Map.groupBy(bounds, ({ component }) => component).values()].map((list) =>
    list.reduce((a, b) => (b.max < a.max ? b : a)),
  );

/**
 * With what its budgets leave, as far as that is known; where no budget bounds anything as it is.
 *
 * @param hasQuota Whether the namespace has one, or nobody knows.
 */
export function withBounds(
  resolved: Resolved,
  known: KnownBounds | undefined,
  { hasQuota }: { readonly hasQuota: boolean },
): Resolved {
  const { service, components } = resolved;
  const hasPools = (service.spec.postgres ?? []).length > 0 && components.some((one) => mayLower(resolved, one));
  if (!hasPools && !(hasQuota && components.some(mayClamp))) return resolved;
  const bounds = known && boundsIn(known);
  return {
    ...resolved,
    ...(hasPools && { poolBounds: bounds?.pools ?? 'AsItIs' }),
    replicaBounds: bounds?.replicas ?? 'AsItIs',
  };
}

export const mayClamp = ({ policy }: ResolvedComponent): boolean => policy.budgets.onViolation === 'Clamp';

/** Of pools. */
export const mayLower = (resolved: Resolved, component: ResolvedComponent): boolean =>
  mayClamp(component) && hasRuntimeSettings(resolved, component);

/** For who moves replicas: no further than a budget leaves; and while that is not known, no further than now where no HPA bounds them. */
export function cappedForScaler(resolved: Resolved): Resolved {
  const { replicaBounds } = resolved;
  if (replicaBounds === undefined) return resolved;
  const components = resolved.components.map((component) => {
    const { horizontal } = component.policy;
    const known = replicaBounds === 'AsItIs' ? undefined : replicaBounds.get(component.spec.name)?.max;
    const isHeld = replicaBounds === 'AsItIs' && isMovedDirectly(resolved, component);
    const most = known ?? (isHeld ? component.target.replicas : horizontal.maxReplicas);
    const maxReplicas = Math.max(Math.min(most, horizontal.maxReplicas), horizontal.minReplicas);
    return { ...component, policy: { ...component.policy, horizontal: { ...horizontal, maxReplicas } } };
  });
  return { ...resolved, components };
}
