import { expect } from '@jest/globals';
import { inspect } from 'node:util';
import type { GenerationService } from '../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { resolve, resolveDefaults, type Resolved } from '../../operator/decide/resolve.ts';
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
    const resolved = verb === 'plan' ? resolvedWith(overrides, mode) : resolvedForRestore();
    const observations = await observe([lever], resolved, signal);
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

const target = { kind: 'found', replicas: 2, selector: [] } as const;
const targets = new Map([['workflow', target]]);

function resolvedWith(overrides: NonNullable<PolicySpec['redis']>, mode: Resolved['mode']): Resolved {
  const service = serviceWith({ mode, overrides: { redis: overrides } });
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}

/** As when a service is deleted: its policy may be gone. */
const resolvedForRestore = (): Resolved =>
  resolveDefaults({ service: serviceWith({}), targets, podsMetrics: 'Shadow' });

function serviceWith(spec: Partial<GenerationService['spec']>): GenerationService {
  const workload = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis' };
  const { metadata, ...rest } = generationService({
    ...spec,
    redis: [{ name: 'cache', secretRef: { name: 'redis' }, workloadRef: workload }],
  });
  return { ...rest, metadata: { ...metadata, namespace: 'ai' } } as GenerationService;
}
