import { describe, expect, test } from '@jest/globals';
import type { GenerationService, GenerationServiceSpec } from '../../../../operator/api/generation-service.ts';
import { resolve, type Resolved, type TargetSeen } from '../../../../operator/decide/resolve.ts';
import type { Kube } from '../../../../operator/kube/client.ts';
import { createOwnWrites } from '../../../../operator/kube/own-writes.ts';
import type { HpaSpec } from '../../../../operator/levers/horizontal/hpa.ts';
import { horizontal, type HorizontalDeps } from '../../../../operator/levers/horizontal/lever.ts';
import { apply, observe, planAll, type AnyLever, type UnitResult } from '../../../../operator/levers/run.ts';

const never = new AbortController().signal;
const web = { name: 'web', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } };

function resolved(spec: Partial<GenerationServiceSpec> = {}): Resolved {
  const service: GenerationService = {
    apiVersion: 'genops.dev/v1alpha1',
    kind: 'GenerationService',
    metadata: {
      namespace: 'ai',
      name: 'generation',
      uid: 'service-uid',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { mode: 'Enforce', deletionPolicy: 'Retain', components: [web], ...spec },
  };
  const targets = new Map<string, TargetSeen>(
    service.spec.components.map(({ name }) => [name, { kind: 'found', replicas: 2, selector: [] }]),
  );
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}

/** An API server that takes everything, and a cache that shows nothing of it yet. */
function openLever() {
  const sent: unknown[] = [];
  const kube: Partial<Kube> = {
    apply: (_, { metadata: { name }, spec }) => {
      sent.push(spec);
      return Promise.resolve({ name, uid: name, resourceVersion: '2', creationTimestamp: '' });
    },
  };
  const hpas: Pick<HorizontalDeps['hpas'], 'by'> = { by: () => [] };
  const hpaWrites = createOwnWrites<HpaSpec>({ hasSeen: () => false });
  const lever: AnyLever = horizontal({ kube: kube as Kube, hpas: hpas as HorizontalDeps['hpas'], hpaWrites });
  const visit = async (service: Resolved): Promise<readonly UnitResult[]> => {
    const observations = await observe([lever], service, never);
    return apply(planAll(observations, { memory: {}, now: 0, verb: 'plan' }), () => true, never);
  };
  return { sent, visit };
}

describe('the horizontal lever', () => {
  test('sends an HPA once, however often it looks before the cache shows it, and counts it once', async () => {
    const { sent, visit } = openLever();
    const outcomes = [...(await visit(resolved())), ...(await visit(resolved()))].map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['applied', 'nothing']);
    expect(sent).toMatchObject([{ minReplicas: 2, maxReplicas: 20 }]);
  });
});
