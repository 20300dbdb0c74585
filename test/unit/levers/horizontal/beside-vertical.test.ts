import { expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import { plan, type HorizontalUnit } from '../../../../operator/levers/horizontal/plan.ts';

const unit: HorizontalUnit = {
  name: 'workflow',
  mode: 'Enforce',
  namespace: 'ai',
  hpaName: 'generation-workflow-hpa',
  owner: { apiVersion: 'genops.dev/v1alpha1', kind: 'GenerationService', name: 'generation', uid: 'service-uid' },
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
  selector: [],
  policy: effectivePolicy({}).policy.horizontal,
  podsMetrics: 'Shadow',
  adopt: false,
  replicas: 3,
};
const planned = (beside: Pick<HorizontalUnit, 'taken' | 'refused'>) =>
  plan({ unit: { ...unit, ...beside }, observed: { hpas: [] }, memory: undefined, now: 0 });

test('an HPA is not scaled by what a VPA sizes, and says so', () => {
  const { changes, condition } = planned({ taken: ['memory'] });
  expect(changes).toMatchObject([{ spec: { metrics: [{ resource: { name: 'cpu' } }] } }]);
  expect(condition.message).toMatch(/; by memory the VerticalPodAutoscaler sizes the Pods instead\.$/);
});

test('nothing is changed where the policy wants neither it nor a VPA to steer by the same resource', () => {
  const { changes, condition } = planned({ refused: ['memory'] });
  expect({ changes, reason: condition.reason }).toEqual({ changes: [], reason: 'Conflict' });
  expect(condition.message).toContain('conflictResolution is Refuse');
});
