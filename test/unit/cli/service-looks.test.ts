import { expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import type { GenerationServiceStatus } from '../../../operator/api/status.ts';
import { serviceLook } from '../../../operator/cli/service-looks.ts';
import { verdictOf } from '../../../operator/cli/verdict.ts';
import { storedService } from '../../world/builders.ts';

const service = (status: GenerationServiceStatus, spec: Partial<GenerationService['spec']> = {}) =>
  storedService({ metadata: { generation: 3 }, spec, status });
const condition = (type: string, status: 'True' | 'False', message: string) => ({
  type,
  status,
  reason: 'X',
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 3,
});
const settled: GenerationServiceStatus = {
  observedGeneration: 3,
  policy: { name: 'standard', observedGeneration: 7 },
  objectives: [{ name: 'Memory', state: 'Met', target: '2048Mi' }],
};
const policy = { metadata: { name: 'standard', generation: 7 }, spec: {} };

test.each<{ readonly name: string; readonly seen: GenerationService; readonly unsettled: string | undefined }>([
  { name: 'one of this very spec and policy', seen: service(settled), unsettled: undefined },
  { name: 'none', seen: service({}), unsettled: 'the operator has not looked at it yet' },
  {
    name: 'one of an older spec',
    seen: service({ ...settled, observedGeneration: 2 }),
    unsettled: 'the status is about generation 2 of the spec, which is at 3',
  },
  {
    name: 'one of an older policy',
    seen: service({ ...settled, policy: { name: 'standard', observedGeneration: 6 } }),
    unsettled: 'the status is about generation 6 of the policy, which is at 7',
  },
  {
    name: 'one kept from before the policy was broken',
    seen: service({ ...settled, conditions: [condition('PolicyAccepted', 'False', 'saw min 5 above max 3')] }),
    unsettled: 'the policy is not accepted: saw min 5 above max 3',
  },
])('a status is judged as one of now or not: $name', ({ seen, unsettled }) => {
  expect(serviceLook(seen, policy, undefined)).toMatchObject({ about: 'ai/generation', unsettled });
});

test('a status that nobody keeps up to date is no answer, whatever it says', () => {
  const silence = 'nobody has renewed the Lease genops-system/genops for 4m';
  const look = serviceLook(service(settled), policy, { silence });
  expect(look.unsettled).toBe(silence);
  expect(verdictOf(look, { allowUnexercised: true })).toEqual({ answer: 'Unknown', summary: silence });
});

test('a status of which nobody knows who keeps it is judged as it is, and the answer says so', () => {
  const unknown = 'operator: not known, nobody has had the Lease genops-system/genops';
  expect(serviceLook(service(settled), policy, { unknown })).toMatchObject({ unsettled: undefined, caution: unknown });
});

test('an objective has the mode that policy and overrides give it', () => {
  const informational = { ...policy, spec: { objectives: { memory: { mode: 'Informational' as const } } } };
  expect(serviceLook(service(settled), policy, undefined).objectives).toMatchObject([
    { name: 'Memory', mode: 'Required' },
  ]);
  expect(serviceLook(service(settled), informational, undefined).objectives).toMatchObject([{ mode: 'Informational' }]);
  const overrides = { objectives: { memory: { mode: 'Required' as const } } };
  expect(serviceLook(service(settled, { overrides }), informational, undefined).objectives).toMatchObject([
    { mode: 'Required' },
  ]);
});

test('says why nothing is measured', () => {
  const blind = service({ ...settled, conditions: [condition('MetricsAvailable', 'False', 'saw no Pod')] });
  expect(serviceLook(blind, policy, undefined).remarks).toEqual(['MetricsAvailable: saw no Pod']);
  expect(serviceLook(service(settled), policy, undefined).remarks).toEqual([]);
});

test('before anything was measured every objective of the policy is unknown', () => {
  const { objectives } = serviceLook(
    service({ observedGeneration: 3, policy: { observedGeneration: 7 } }),
    policy,
    undefined,
  );
  expect(objectives).toHaveLength(6);
  expect(objectives[0]).toEqual({ name: 'WorkflowDuration', mode: 'Required', state: 'Unknown', target: '30s' });
});
