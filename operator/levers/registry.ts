import { horizontal, horizontalPlanner, type HorizontalDeps } from './horizontal/lever.ts';
import { httpRoute, httpRoutePlanner, type HttpRouteDeps } from './http-route/lever.ts';
import { indexesPlanner, postgresqlIndexes } from './postgresql/indexes/lever.ts';
import { loadBalancer, loadBalancerPlanner, type LoadBalancerDeps } from './load-balancer/lever.ts';
import { postgresql, postgresqlPlanner, type PostgresDeps } from './postgresql/lever.ts';
import { redis, redisPlanner, type RedisDeps } from './redis/lever.ts';
import type { AnyLever } from './run.ts';
import { resources, resourcesPlanner, type ResourcesDeps } from './resources/lever.ts';
import { runtime, runtimePlanner, type RuntimeDeps } from './runtime/lever.ts';
import { vertical, verticalPlanner, type VerticalDeps } from './vertical/lever.ts';

/** Every lever there is. A new one is a folder and a line here. */
export const createLevers = (
  deps: HorizontalDeps &
    VerticalDeps &
    ResourcesDeps &
    RedisDeps &
    PostgresDeps &
    RuntimeDeps &
    LoadBalancerDeps &
    HttpRouteDeps,
): readonly AnyLever[] => [
  horizontal(deps),
  vertical(deps),
  resources(deps),
  redis(deps),
  postgresql(deps),
  postgresqlIndexes(deps),
  runtime(deps),
  loadBalancer(deps),
  httpRoute(deps),
];

/** The pure parts of each, for who has neither a cluster nor servers. */
export const planners: readonly Pick<AnyLever, 'name' | 'condition' | 'plan' | 'restore'>[] = [
  horizontalPlanner,
  verticalPlanner,
  resourcesPlanner,
  redisPlanner,
  postgresqlPlanner,
  indexesPlanner,
  runtimePlanner,
  loadBalancerPlanner,
  httpRoutePlanner,
];
