import { expect, test } from '@jest/globals';
import type { PerformancePolicy } from '../../../operator/api/performance-policy.ts';
import type { KubeObject } from '../../../operator/kube/object.ts';
import { renderPolicyStatus } from '../../../operator/reconcilers/policy-status.ts';
import { createStatusWrites } from '../../../operator/reconcilers/status-writes.ts';

type Policy = PerformancePolicy & KubeObject;
const policyWith = (spec: object): Policy =>
  ({
    metadata: { namespace: 'ai', name: 'standard', uid: 'a', resourceVersion: '6', generation: 3 },
    spec,
  }) as unknown as Policy;
const [now, later] = [new Date('2026-11-25T10:00:00Z'), new Date('2026-11-25T10:00:01Z')];

test.each([
  { name: 'valid', spec: {}, expected: { status: 'True', reason: 'Valid' } },
  {
    name: 'invalid',
    spec: { horizontal: { minReplicas: 9, maxReplicas: 2 } },
    expected: { status: 'False', reason: 'Invalid', message: expect.stringMatching(/saw .*; wanted: .*for example/) },
  },
])('a policy that is $name is told so, with the services that refer to it', ({ spec, expected }) => {
  expect(renderPolicyStatus(policyWith(spec), 2, now)).toMatchObject({
    observedGeneration: 3,
    services: 2,
    conditions: expect.arrayContaining([
      expect.objectContaining({
        type: 'Accepted',
        observedGeneration: 3,
        lastTransitionTime: '2026-11-25T10:00:00Z',
        ...expected,
      }),
    ]),
  });
});

test('a policy that is invalid is Stalled for kstatus, and no longer once it is corrected', () => {
  const wrong = renderPolicyStatus(policyWith({ horizontal: { minReplicas: 9, maxReplicas: 2 } }), 0, now);
  expect(wrong.conditions).toMatchObject([
    { type: 'Accepted', status: 'False' },
    { type: 'Stalled', status: 'True', reason: 'Invalid', observedGeneration: 3 },
  ]);
  const corrected = renderPolicyStatus({ ...policyWith({}), status: wrong }, 0, later);
  expect(corrected.conditions).toMatchObject([
    { type: 'Accepted', status: 'True', lastTransitionTime: '2026-11-25T10:00:01Z' },
  ]);
});

test('before the watch brings what was written, it is what the next visit goes on from', () => {
  const statuses = createStatusWrites<Policy>();
  const cached = policyWith({});
  const written = renderPolicyStatus(statuses.latest(cached), 0, now);
  statuses.remember('ai/standard', written, { uid: 'a', resourceVersion: '7' });
  expect(renderPolicyStatus(statuses.latest(cached), 0, later)).toEqual(written); // nothing to write again
  expect(renderPolicyStatus(statuses.latest(cached), 1, later)).toEqual({ ...written, services: 1 }); // no new time
});
