import { expect } from '@jest/globals';
import { inspect } from 'node:util';
import type { GenerationService } from '../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { resolve, type Resolved } from '../../operator/decide/resolve.ts';
import { redis } from '../../operator/levers/redis/lever.ts';
import { apply, confirmations, intentions, observe, planAll, type LeverMemory } from '../../operator/levers/run.ts';
import { generationService } from '../world/builders.ts';

/** The password of every server in these tests: each visit checks that nothing that leaves the lever holds it. */
export const password = 's3cret-of-the-tests';

export interface TunerOptions {
  /** The Secret's keys; undefined: there is no Secret. */
  readonly secret: Readonly<Record<string, string>> | undefined;
  readonly policy?: PolicySpec['redis'];
  readonly mode?: Resolved['mode'];
  readonly memoryLimitBytes?: number;
}

/** The operator's own verbs over one declared Redis, with the memory that the state ConfigMap would hold. */
export function tuner({ secret, policy: overrides = {}, mode = 'Enforce', memoryLimitBytes }: TunerOptions) {
  let memory: LeverMemory = {};
  const data = secret && Object.fromEntries(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)]));
  const lever = redis({
    readSecret: () => Promise.resolve(data),
    memoryLimit: () => Promise.resolve(memoryLimitBytes),
  });
  const visit = async (verb: 'plan' | 'restore') => {
    const signal = AbortSignal.timeout(30_000);
    const observations = await observe([lever], resolvedWith(overrides, mode), signal);
    const plans = planAll(observations, { memory, now: 0, verb });
    memory = intentions(plans, memory);
    const [result] = await apply(plans, () => true, signal);
    if (result === undefined) throw new Error('no Redis is declared');
    memory = confirmations([result], memory);
    expect(inspect({ result, memory }, { depth: 20 })).not.toContain(password);
    const { plan, outcome, condition } = result;
    return {
      outcome,
      ...condition,
      /** status.redis[]. */
      entry: plan.status,
      causes: plan.changes.map(({ cause }) => cause),
      fields: plan.changes.flatMap(({ differences }) => differences.map(({ field }) => field)),
    };
  };
  return { visit: () => visit('plan'), restore: () => visit('restore') };
}

function resolvedWith(redisOverrides: NonNullable<PolicySpec['redis']>, mode: Resolved['mode']): Resolved {
  const workload = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis' };
  const { metadata, ...rest } = generationService({
    mode,
    overrides: { redis: redisOverrides },
    redis: [{ name: 'cache', secretRef: { name: 'redis' }, workloadRef: workload }],
  });
  const service = { ...rest, metadata: { ...metadata, namespace: 'ai' } } as GenerationService;
  const target = { kind: 'found', replicas: 2, selector: [] } as const;
  const resolution = resolve({
    service,
    policy: undefined,
    targets: new Map([['workflow', target]]),
    podsMetrics: 'Shadow',
  });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}
