import { expect } from '@jest/globals';
import { inspect } from 'node:util';
import type { GenerationService } from '../../operator/api/generation-service.ts';
import { resolve, resolveDefaults, type Resolved } from '../../operator/decide/resolve.ts';
import {
  apply,
  confirmations,
  intentions,
  observe,
  planAll,
  type AnyLever,
  type LeverMemory,
  type UnitPlan,
} from '../../operator/levers/run.ts';
import { storedService } from '../world/builders.ts';

/** Of every server in these tests: each visit checks that nothing that leaves the lever holds it. */
export const password = 's3cret-of-the-tests';

/** The keys of a Secret as a lever reads them; undefined: there is no Secret. */
export const secretData = (secret: Readonly<Record<string, string>> | undefined) =>
  secret && Object.fromEntries(Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)]));

const targets = new Map([['workflow', { kind: 'found', replicas: 2, selector: [] } as const]]);
const components = [
  { name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' } },
];

/** The operator's own verbs over the one server that a service declares, with the memory that the state ConfigMap would hold. */
export function leverTuner(lever: AnyLever) {
  let memory: LeverMemory = {};
  return async (verb: 'plan' | 'restore', spec: Partial<GenerationService['spec']>, now = 0) => {
    const resolved = resolvedFor(verb, storedService({ spec: { components, ...spec } }));
    const signal = AbortSignal.timeout(30_000);
    const observations = await observe([lever], resolved, signal, memory);
    const plans = planAll(observations, { memory, now, verb });
    memory = intentions(plans, memory);
    const [result] = await apply(plans, () => true, signal);
    if (result === undefined) throw new Error('no server is declared');
    memory = confirmations([result], memory);
    expect(inspect({ result, memory, observations }, { depth: 20 })).not.toContain(password);
    const { plan, outcome, condition } = result;
    return {
      outcome,
      ...condition,
      memory,
      /** status.redis[], status.postgres[]. */
      entry: plan.status,
      cost: plan.cost,
      causes: plan.changes.map(({ cause }) => cause),
      /** Of several servers, in the order in which they were changed. */
      nodes: plan.changes.map(({ node }) => node),
      fields: plan.changes.flatMap(({ differences }) => differences.map(({ field }) => field)),
    };
  };
}

/** What `genops diff` tells, with the price of all changes: planned as with mode Enforce, and nothing made. */
export async function diffOf(
  lever: AnyLever,
  spec: Partial<GenerationService['spec']>,
  memory: LeverMemory,
): Promise<UnitPlan | undefined> {
  const resolved = resolvedFor('plan', storedService({ spec: { components, ...spec, mode: 'Enforce' } }));
  const asking: AnyLever = { ...lever, units: (of) => lever.units(of).map((unit) => ({ ...unit, asksCost: true })) };
  const observations = await observe([asking], resolved, AbortSignal.timeout(30_000), memory);
  return planAll(observations, { memory, now: 0, verb: 'plan' })[0];
}

/** A service that is deleted is restored without its policy, which may be gone. */
function resolvedFor(verb: 'plan' | 'restore', service: GenerationService): Resolved {
  if (verb === 'restore') return resolveDefaults({ service, targets, podsMetrics: 'Shadow' });
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}
