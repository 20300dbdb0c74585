import { horizontal, horizontalPlanner, type HorizontalDeps } from './horizontal/lever.ts';
import { indexesPlanner, postgresqlIndexes } from './postgresql/indexes/lever.ts';
import { postgresql, postgresqlPlanner, type PostgresDeps } from './postgresql/lever.ts';
import { redis, redisPlanner, type RedisDeps } from './redis/lever.ts';
import type { AnyLever } from './run.ts';
import { runtime, runtimePlanner, type RuntimeDeps } from './runtime/lever.ts';

/** Every lever there is. A new one is a folder and a line here. */
export const createLevers = (deps: HorizontalDeps & RedisDeps & PostgresDeps & RuntimeDeps): readonly AnyLever[] => [
  horizontal(deps),
  redis(deps),
  postgresql(deps),
  postgresqlIndexes(deps),
  runtime(deps),
];

/** The pure parts of each, for who has neither a cluster nor servers. */
export const planners: readonly Pick<AnyLever, 'name' | 'condition' | 'plan' | 'restore'>[] = [
  horizontalPlanner,
  redisPlanner,
  postgresqlPlanner,
  indexesPlanner,
  runtimePlanner,
];
