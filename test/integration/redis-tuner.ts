import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import type { Resolved } from '../../operator/decide/resolve.ts';
import { redis as redisLever } from '../../operator/levers/redis/lever.ts';
import { leverTuner, secretData } from './lever-tuner.ts';

export { password } from './lever-tuner.ts';

export interface TunerOptions {
  /** The Secret's keys; undefined: there is no Secret. */
  readonly secret: Readonly<Record<string, string>> | undefined;
  readonly policy?: PolicySpec['redis'];
  readonly mode?: Resolved['mode'];
  readonly memoryLimitBytes?: number;
}

const workloadRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis' };
const redis = [{ name: 'cache', secretRef: { name: 'redis' }, workloadRef }];

export function tuner({ secret, policy = {}, mode = 'Enforce', memoryLimitBytes }: TunerOptions) {
  const visit = leverTuner(
    redisLever({
      readSecret: () => Promise.resolve(secretData(secret)),
      memoryLimit: () => Promise.resolve(memoryLimitBytes),
    }),
  );
  return {
    visit: () => visit('plan', { mode, redis, overrides: { redis: policy } }),
    restore: () => visit('restore', { redis }),
  };
}
