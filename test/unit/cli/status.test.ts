import { expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import type { GenerationServiceStatus } from '../../../operator/api/status.ts';
import { statusText } from '../../../operator/cli/status.ts';

const service = (status: GenerationServiceStatus): GenerationService => ({
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'GenerationService',
  metadata: {
    name: 'generation',
    namespace: 'ai',
    uid: 'u',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { mode: 'Enforce', deletionPolicy: 'Retain', components: [] },
  status,
});

test('genops status names the policy of the spec, and the one in force where that is another', () => {
  const named = (name: string, policy?: { readonly name?: string }) => {
    const { spec, ...rest } = service(policy === undefined ? {} : { policy });
    return statusText({ ...rest, spec: { ...spec, policyRef: { name } } });
  };
  expect(named('fast', { name: 'fast' })).toMatch(/policy fast(?! \()/);
  expect(named('fsat', { name: 'fast' })).toContain('policy fsat (in force is fast)');
  expect(named('fsat', {})).toContain('policy fsat (in force are the defaults)');
  expect(named('fsat')).toMatch(/policy fsat(?! \()/);
});

interface Row {
  readonly name: string;
  readonly status: GenerationServiceStatus;
  readonly says: RegExp;
}
test.each<Row>([
  {
    name: 'a grade with its points',
    status: { rating: { grade: 'Good', score: 70, scoredOf: 100 } },
    says: /policy defaults {3}Good 70 of 100\b/,
  },
  {
    name: 'a grade of which no point is known',
    status: { rating: { grade: 'Unknown', scoredOf: 0 } },
    says: /policy defaults {3}grade Unknown {3}\(/,
  },
  {
    name: 'how many objectives are met while nothing was measured',
    status: { objectivesMet: '0/6' },
    says: /^Objectives\n {2}0\/6 met: none was measured yet/m,
  },
  {
    name: 'each objective once there are figures',
    status: {
      objectivesMet: '1/6',
      objectives: [{ name: 'Memory', state: 'Met', target: '2048Mi', measured: '512Mi' }],
    },
    says: /^Objectives\n {2}✅ Memory {2,}512Mi {2,}target 2048Mi/m,
  },
])('genops status shows $name', ({ status, says }) => {
  expect(statusText(service(status))).toMatch(says);
});
