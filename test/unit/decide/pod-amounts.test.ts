import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { ownMemoryLimit, podAmounts } from '../../../operator/decide/pod-amounts.ts';
import type { ContainerSizes, ResolvedComponent } from '../../../operator/decide/resolve.ts';

const gib = 2 ** 30;
const app: ContainerSizes = { name: 'app', requests: { cpu: '250m', memory: '1Gi' }, limits: { memory: '2Gi' } };
const sidecar: ContainerSizes = { name: 'proxy', requests: {}, limits: { cpu: '0.1', memory: '64Mi' } };

function component(
  overrides: PolicySpec = {},
  {
    containers = [app, sidecar],
    ...rest
  }: { containers?: readonly ContainerSizes[] | undefined; vpa?: 'Sizes' | 'HeldUp'; containerName?: string } = {},
): ResolvedComponent {
  const { containerName, vpa } = rest;
  return {
    spec: { name: 'workflow', ...(containerName && { containerName }) },
    policy: effectivePolicy({ overrides }).policy,
    target: { kind: 'found', replicas: 2, selector: [], ...('containers' in rest ? {} : { containers }) },
    podsMetrics: 'Shadow',
    vpa,
  } as unknown as ResolvedComponent;
}
const exactly = (figure: number) => ({ least: figure, most: figure });

describe('podAmounts()', () => {
  test('adds up all containers of the template; a request that is not there is as large as the limit', () => {
    expect(podAmounts(component(), true)).toEqual({
      'requests.cpu': exactly(350),
      'requests.memory': exactly(gib + gib / 16),
      'limits.cpu': exactly(100),
      'limits.memory': exactly(2 * gib + gib / 16),
      pods: exactly(1),
    });
  });

  test('has what the resources lever sets on its container instead, where it sets anything', () => {
    const resources = {
      mode: 'Enforce',
      requests: { cpu: '1', memory: '3Gi' },
      limits: { cpu: '2', memory: '3Gi' },
    } as const;
    expect(podAmounts(component({ resources }), true)).toMatchObject({
      'requests.cpu': exactly(1100),
      'limits.memory': exactly(3 * gib + gib / 16),
    });
    expect(podAmounts(component({ resources }), false)).toMatchObject({ 'requests.cpu': exactly(350) });
    expect(podAmounts(component({ resources: { ...resources, mode: 'DryRun' } }), true)).toMatchObject({
      'requests.cpu': exactly(350),
    });
    expect(podAmounts(component({ resources }, { containerName: 'proxy' }), true)).toMatchObject({
      'requests.cpu': exactly(1250),
    });
  });

  test('has the bounds of a VerticalPodAutoscaler for what that sizes; limits follow in proportion, or stay', () => {
    const vertical = { mode: 'Enforce', minAllowed: { memory: '512Mi' }, maxAllowed: { memory: '4Gi' } } as const;
    const split = podAmounts(component({ vertical }, { vpa: 'Sizes' }), true);
    expect(split?.['requests.memory']).toEqual({ least: gib / 2 + gib / 16, most: 4 * gib + gib / 16 });
    expect(split?.['limits.memory']).toEqual({ least: gib + gib / 16, most: 8 * gib + gib / 16 });
    expect(split?.['requests.cpu']).toEqual(exactly(350)); // the HPA's, with Split
    const only = podAmounts(
      component({ vertical: { ...vertical, controlledValues: 'RequestsOnly' } }, { vpa: 'Sizes' }),
      true,
    );
    expect(only?.['limits.memory']).toEqual(exactly(2 * gib + gib / 16));
    expect(podAmounts(component({ vertical }), true)?.['requests.memory']).toEqual(exactly(gib + gib / 16)); // the cluster has none
  });
});

test('ownMemoryLimit(): of the container that is meant, as it is or as it is set', () => {
  expect(ownMemoryLimit(component(), true)).toBe(2 * gib);
  expect(ownMemoryLimit(component({}, { containerName: 'proxy' }), true)).toBe(gib / 16);
  expect(ownMemoryLimit(component({}, { containers: [{ ...app, limits: {} }] }), true)).toBeUndefined();
  expect(ownMemoryLimit(component({}, { containers: [] }), true)).toBeUndefined();
  expect(ownMemoryLimit(component({ resources: { mode: 'Enforce' } }), true)).toBe(2 * gib);
  expect(ownMemoryLimit(component({ resources: { mode: 'Enforce', limits: { memory: '3Gi' } } }), true)).toBe(3 * gib);
});
