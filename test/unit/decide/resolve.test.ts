import { describe, expect, test } from '@jest/globals';
import type { GenerationService, GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { PerformancePolicy } from '../../../operator/api/performance-policy.ts';
import { resolve, resolveDefaults, type ScaleTarget, type TargetSeen } from '../../../operator/decide/resolve.ts';

const metadata = {
  namespace: 'ai',
  uid: 'u',
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-01-01T00:00:00Z',
};
const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' };
const serviceWith = (
  spec: Partial<GenerationServiceSpec> = {},
  annotations: Readonly<Record<string, string>> = {},
): GenerationService => ({
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'GenerationService',
  metadata: { ...metadata, name: 'generation', annotations },
  spec: { mode: 'Enforce', deletionPolicy: 'Retain', components: [{ name: 'workflow', targetRef }], ...spec },
});
const policy: PerformancePolicy = {
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'PerformancePolicy',
  metadata: { ...metadata, name: 'standard' },
  spec: { horizontal: { minReplicas: 5 } },
};
const found: ScaleTarget = {
  kind: 'found',
  replicas: 2,
  selector: [{ key: 'app', operator: 'In', values: ['workflow'] }],
};
const resolved = (
  service: GenerationService,
  { target = found, named }: { target?: TargetSeen; named?: PerformancePolicy } = {},
) => resolve({ service, policy: named, targets: new Map([['workflow', target]]), podsMetrics: 'Shadow' });

describe('resolve()', () => {
  test('puts policy, overrides and component together, with where each value came from', () => {
    const service = serviceWith({
      policyRef: { name: 'standard' },
      overrides: { horizontal: { maxReplicas: 30 } },
      components: [{ name: 'workflow', targetRef, overrides: { horizontal: { maxReplicas: 9 } } }],
    });
    const result = resolved(service, { named: policy });
    if (result.kind !== 'resolved') throw new Error(JSON.stringify(result.conditions));
    expect(result.resolved.policy.horizontal).toMatchObject({ minReplicas: 5, maxReplicas: 30 });
    expect(result.resolved.components).toMatchObject([
      { policy: { horizontal: { minReplicas: 5, maxReplicas: 9 } }, target: { replicas: 2 } },
    ]);
    expect(result.resolved.origins.get('horizontal.minReplicas')).toBe('policy standard');
  });
  test('names the policy that is missing and where to look', () => {
    expect(resolved(serviceWith({ policyRef: { name: 'standard' } }))).toMatchObject({
      kind: 'problem',
      conditions: [
        {
          type: 'PolicyAccepted',
          status: 'False',
          reason: 'PolicyNotFound',
          message: expect.stringMatching(
            /no PerformancePolicy ai\/standard.*spec\.policyRef\.name.*kubectl get perf -n ai/,
          ),
        },
        {},
      ],
    });
  });
  test('refuses layers that contradict each other, though each is valid by itself', () => {
    const service = serviceWith({ policyRef: { name: 'standard' }, overrides: { horizontal: { maxReplicas: 3 } } });
    expect(resolved(service, { named: policy })).toMatchObject({
      kind: 'problem',
      conditions: [
        {
          reason: 'InvalidEffectivePolicy',
          message: expect.stringMatching(/horizontal\.minReplicas.*5.*policy standard.*3.*GenerationService overrides/),
        },
        {},
      ],
    });
  });
  test.each<{ readonly target: TargetSeen; readonly reason: string; readonly says: RegExp }>([
    {
      target: { kind: 'notFound' },
      reason: 'NotFound',
      says: /no apps\/v1 Deployment ai\/workflow-execution.*create it/,
    },
    {
      target: { kind: 'unknownKind' },
      reason: 'NotFound',
      says: /no kind Deployment of apps\/v1 among those that the API server serves.*workflow-execution.*apps\/v1 Deployment/,
    },
    { target: { kind: 'noScale' }, reason: 'NoScaleSubresource', says: /scale subresource/ },
    { target: { kind: 'claimed', by: 'ai/older' }, reason: 'Conflict', says: /older GenerationService ai\/older/ },
    {
      target: { kind: 'forbidden', message: 'widgets is forbidden' },
      reason: 'PermissionDenied',
      says: /widgets is forbidden.*grant get/,
    },
  ])('says what is wrong with the target: $reason', ({ target, reason, says }) => {
    expect(resolved(serviceWith(), { target })).toMatchObject({
      kind: 'resolved',
      resolved: { components: [] },
      conditions: [
        { status: 'True' },
        { type: 'TargetFound', status: 'False', reason, message: expect.stringMatching(says) },
      ],
    });
  });
  test.each([
    { length: 63, said: 'a'.repeat(63) },
    { length: 64, said: `${'a'.repeat(62)}…` },
  ])('a name of $length characters is told in 63', ({ length, said }) => {
    const components = [{ name: 'workflow', targetRef: { ...targetRef, name: 'a'.repeat(length) } }];
    const [, targetFound] = resolved(serviceWith({ components }), { target: { kind: 'notFound' } }).conditions;
    expect(targetFound?.message).toMatch(new RegExp(`^saw no apps/v1 Deployment ai/${said}; `));
  });
  test('goes on with the components whose target is there', () => {
    const other = { name: 'render', targetRef: { ...targetRef, name: 'render' } };
    const service = serviceWith({ components: [{ name: 'workflow', targetRef }, other] });
    expect(resolved(service)).toMatchObject({
      kind: 'resolved',
      resolved: { components: [{ spec: { name: 'workflow' } }] },
      conditions: [{ status: 'True' }, { type: 'TargetFound', status: 'False', reason: 'NotFound' }],
    });
  });
  test.each([
    { value: 'true', mode: 'Paused' },
    { value: 'True', mode: 'Paused' },
    { value: '1', mode: 'Paused' },
    { value: '', mode: 'Paused' }, // kubectl annotate … genops.dev/paused=
    { value: 'false', mode: 'Enforce' },
  ])('lets the annotation "$value" make a service whose spec comes from Git $mode', ({ value, mode }) => {
    expect(resolved(serviceWith({}, { 'genops.dev/paused': value }))).toMatchObject({ resolved: { mode } });
  });
});

test('resolveDefaults() lets no missing policy and no missing target stand in the way of putting things back', () => {
  const {
    components,
    mode,
    policy: effective,
  } = resolveDefaults({
    service: serviceWith({ mode: 'Paused', policyRef: { name: 'gone' } }),
    targets: new Map([['workflow', { kind: 'notFound' }]]),
    podsMetrics: 'Shadow',
  });
  expect({ components, mode, minReplicas: effective.horizontal.minReplicas }).toEqual({
    components: [],
    mode: 'Enforce',
    minReplicas: 2,
  });
});
