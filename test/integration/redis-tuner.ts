import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import type { RedisServer } from '../../operator/api/servers.ts';
import type { Resolved } from '../../operator/decide/resolve.ts';
import { redis as redisLever } from '../../operator/levers/redis/lever.ts';
import type { LeverMemory } from '../../operator/levers/run.ts';
import { diffOf, leverTuner, secretData } from './lever-tuner.ts';

export { password } from './lever-tuner.ts';

export interface TunerOptions extends Pick<RedisServer, 'sentinelMasterName' | 'clusterRef'> {
  /** The Secret's keys; undefined: there is no Secret. */
  readonly secret: Readonly<Record<string, string>> | undefined;
  readonly policy?: PolicySpec['redis'];
  readonly mode?: Resolved['mode'];
  readonly memoryLimitBytes?: number;
  /** Happens between the look and the first change of the next visit. */
  readonly meanwhile?: () => Promise<void>;
  /** So long keys are asked for what a lower limit would cost; on a busy machine more than what the operator takes. */
  readonly sampleWithinMs?: number;
}

const workloadRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis' };

export function tuner({
  secret,
  policy = {},
  mode = 'Enforce',
  memoryLimitBytes,
  meanwhile,
  sampleWithinMs = 5_000,
  ...names
}: TunerOptions) {
  const redis = [{ name: 'cache', secretRef: { name: 'redis' }, workloadRef, ...names }];
  const lever = redisLever(
    {
      readSecret: () => Promise.resolve(secretData(secret)),
      memoryLimit: () => Promise.resolve(memoryLimitBytes),
    },
    { sampleWithinMs },
  );
  let seen: Awaited<ReturnType<typeof lever.observe>> | undefined;
  let pending = meanwhile;
  const watched: typeof lever = {
    ...lever,
    observe: async (...look) => (seen = await lever.observe(...look)),
    apply: async (...change) => {
      const happens = pending;
      pending = undefined;
      await happens?.();
      return lever.apply(...change);
    },
  };
  const visit = leverTuner(watched);
  let memory: LeverMemory = {};
  const diff = () => diffOf(lever, { redis, overrides: { redis: policy } }, memory);
  return {
    /** `now`: ms since the epoch. */
    visit: async (now?: number) => {
      const visited = await visit('plan', { mode, redis, overrides: { redis: policy } }, now);
      ({ memory } = visited);
      return visited;
    },
    /** As diff tells it. */
    cost: async () => (await diff())?.cost,
    diff,
    restore: () => visit('restore', { redis }),
    /** For the views, at the last visit. */
    figures: () => seen && lever.cacheOf?.(seen),
    /** Of all that count, at the last visit. */
    lookups: () => seen && lever.lookupsOf?.(seen).reduce((sum, { hits, misses }) => sum + hits + misses, 0),
    /** `host:port` of each primary at the last visit. */
    primaries: () => seen?.nodes.filter(({ role }) => role === 'Primary').map(({ address }) => address),
  };
}
