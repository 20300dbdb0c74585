import { expect, test } from '@jest/globals';
import { leaseNamespaceOf, leaseProblem } from '../../../operator/cli/lease.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';
import { LeaseRefused } from '../../../operator/kube/leader.ts';

test.each([
  { where: 'in a Pod: that of the Pod', asked: undefined, env: { POD_NAMESPACE: 'team' }, expected: 'team' },
  { where: 'outside: that of the installed operator', asked: undefined, env: {}, expected: 'genops-system' },
  { where: 'in a Pod that was told another', asked: 'ops', env: { POD_NAMESPACE: 'team' }, expected: 'ops' },
])('leaseNamespaceOf() $where', ({ asked, env, expected }) => {
  expect(leaseNamespaceOf(asked, env)).toBe(expected);
});

test.each([
  { status: 404, reason: 'NotFound', next: 'next: kubectl create namespace genops-system, or' },
  { status: 403, reason: 'Forbidden', next: 'next: grant get, create and update of its Leases' },
])('leaseProblem() says what the API server saw and what to do ($reason)', ({ next, ...said }) => {
  const attempt = { verb: 'create', target: 'Lease genops-system/genops' };
  const refused = new LeaseRefused(new ApiError(attempt, { ...said, message: 'its own words' }));
  const { name, message } = leaseProblem(refused, 'genops-system');
  expect(name).toBe('UsageError');
  expect(message).toContain('saw create Lease genops-system/genops: its own words; wanted');
  expect(message).toContain(next);
});
