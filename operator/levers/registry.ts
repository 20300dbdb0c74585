import { horizontal, type HorizontalDeps } from './horizontal/lever.ts';
import { redis, type RedisDeps } from './redis/lever.ts';
import type { AnyLever } from './run.ts';

/** Every lever there is. A new one is a folder and a line here. */
export const createLevers = (deps: HorizontalDeps & RedisDeps): readonly AnyLever[] => [horizontal(deps), redis(deps)];
