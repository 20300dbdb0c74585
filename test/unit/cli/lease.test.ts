import { expect, test } from '@jest/globals';
import {
  addressAnnotation,
  leaderOf,
  leaseNamespaceOf,
  leaseProblem,
  looksAfter,
  namespacesAnnotation,
} from '../../../operator/cli/lease.ts';
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

test.each([
  { host: '10.0.0.7', port: 8443, expected: '10.0.0.7:8443' },
  { host: 'fd00::7', port: 8443, expected: '[fd00::7]:8443' },
])('what a leader says of $host is what its followers read', ({ host, port, expected }) => {
  const annotations = addressAnnotation(host, port) ?? {};
  expect(leaderOf({ holder: 'genops-1', annotations })).toEqual({ identity: 'genops-1', address: expected });
});
test('an address that is not given, or serves nothing, is not told', () => {
  expect([addressAnnotation(undefined, 8443), addressAnnotation('', 8443), addressAnnotation('a', undefined)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
test.each(['10.0.0.7', '10.0.0.7:8443/x', 'user@10.0.0.7:8443', '10.0.0.7:8443 '])(
  'an address like %j on the Lease leads nowhere',
  (address) => {
    expect(leaderOf({ holder: 'genops-1', annotations: { 'genops.dev/address': address } })?.address).toBeUndefined();
  },
);
test('nobody leads while the Lease is free, or was not seen yet', () => {
  expect([leaderOf(undefined), leaderOf({ holder: '', annotations: {} })]).toEqual([undefined, undefined]);
});

test.each([
  { given: undefined, expected: 'Yes' },
  { given: ['team', 'ai'], expected: 'Yes' },
  { given: ['team', 'ai-2'], expected: { only: 'team, ai-2' } },
])('what a leader says it looks after ($given) is what a user is told of ai', ({ given, expected }) => {
  expect(looksAfter(namespacesAnnotation(given), 'ai')).toEqual(expected);
});
test('nobody knows what one of an earlier version looks after', () => {
  expect([looksAfter(undefined, 'ai'), looksAfter({ 'genops.dev/address': 'a:1' }, 'ai')]).toEqual([
    'Unknown',
    'Unknown',
  ]);
});
