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
  /** By the server's name in the spec. */
  readonly connections: ReadonlyMap<string, Bounds | undefined>;
  readonly quota: readonly Bounds[] | undefined;
}

/** What all budgets leave. */
export interface LeftByBudgets {
  /** The least of those that are known. */
  readonly atMost: Bounds;
  /** None of them was never known: it may leave less. */
  readonly isWhole: boolean;
}

export function leftBy({ connections, quota }: KnownBounds): LeftByBudgets {
  const servers = [...connections.values()];
  const known = servers.filter((bounds) => bounds !== undefined);
  return {
    atMost: leastOf([...known, ...(quota ?? [])]),
    isWhole: known.length === servers.length && quota !== undefined,
  };
}

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
  const servers = hasPools ? known?.connections : undefined; // without pools of ours no server bounds anything
  const { atMost, isWhole } = leftBy({ connections: servers ?? new Map(), quota: known?.quota });
  return {
    ...resolved,
    ...(hasPools && { poolBounds: { atMost: atMost.pools, isWhole } }),
    replicaBounds: { atMost: atMost.replicas, isWhole },
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
    const known = replicaBounds.atMost.get(component.spec.name)?.max ?? horizontal.maxReplicas;
    const isHeld = !replicaBounds.isWhole && isMovedDirectly(resolved, component);
    const most = Math.min(known, isHeld ? component.target.replicas : known, horizontal.maxReplicas);
    const maxReplicas = Math.max(most, horizontal.minReplicas);
    return { ...component, policy: { ...component.policy, horizontal: { ...horizontal, maxReplicas } } };
  });
  return { ...resolved, components };
}
