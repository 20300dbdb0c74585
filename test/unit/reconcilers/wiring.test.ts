import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Resource } from '../../../operator/kube/resource.ts';
import { horizontalPodAutoscalers, type HpaSpec } from '../../../operator/levers/horizontal/hpa.ts';
import { podResource } from '../../../operator/metrics/pod-view.ts';
import {
  apiServices,
  configMaps,
  deployments,
  generationServices,
  performancePolicies,
  resourceQuotas,
  statefulSets,
} from '../../../operator/reconcilers/kinds.ts';
import { deployment, generationService, performancePolicy } from '../../world/builders.ts';
import type { Fed } from './fed-caches.ts';
import { autoscaler, later, openWiring, pod, serviceOn, state } from './open-wiring.ts';

const nobody = {};
const all = (...names: readonly string[]) => {
  const keys = names.map((name) => `ai/${name}`);
  return { services: keys, scaler: keys, objectives: keys, optimizer: keys };
};

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('a new leader begins with everything that is there', async () => {
  await using wiring = await openWiring();
  expect(wiring.atFirst).toEqual({ ...all('a', 'b'), policies: ['ai/standard'] });
});

interface Row {
  readonly name: string;
  readonly of: Resource;
  readonly object: Fed;
  readonly expected: Readonly<Record<string, readonly string[]>>;
}
describe('a change wakes whom it concerns, at once:', () => {
  test.each<Row>([
    {
      name: 'a service of which the spec changed',
      of: generationServices,
      object: serviceOn('b', { generation: 2 }),
      expected: all('b'),
    },
    { name: 'a service that is new', of: generationServices, object: serviceOn('c'), expected: all('c') },
    {
      name: 'a quota of their namespace',
      of: resourceQuotas,
      object: { metadata: { name: 'compute' }, spec: { hard: { cpu: '4' } } },
      expected: { services: ['ai/a', 'ai/b'] },
    },
    {
      name: 'a service that is being deleted',
      of: generationServices,
      object: serviceOn('b', { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      expected: all('b'),
    },
    {
      name: 'a service deleted and made anew while nobody watched',
      of: generationServices,
      object: serviceOn('b', { uid: 'another' }),
      expected: all('b'),
    },
    {
      name: 'a service that somebody paused by annotation',
      of: generationServices,
      object: serviceOn('b', { annotations: { 'genops.dev/paused': 'true' } }),
      expected: all('b'),
    },
    {
      name: 'nobody, when a tool annotates a service',
      of: generationServices,
      object: serviceOn('b', { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' } }),
      expected: nobody,
    },
    {
      name: 'nobody, when only the status of a service changed',
      of: generationServices,
      object: { ...serviceOn('b'), status: { observedGeneration: 1 } },
      expected: nobody,
    },
    {
      name: 'a service that gave up its target, and who claims that too',
      of: generationServices,
      object: serviceOn('b', { target: 'web-a', generation: 2 }),
      expected: all('a', 'b'),
    },
    {
      name: 'the services of a policy that changed, and its own count',
      of: performancePolicies,
      object: { ...performancePolicy(), metadata: { name: 'standard', generation: 2 } },
      expected: { ...all('a'), policies: ['ai/standard'] },
    },
    {
      name: 'nobody, when only the status of a policy changed',
      of: performancePolicies,
      object: { ...performancePolicy(), status: { services: 1 } },
      expected: nobody,
    },
    {
      name: 'a policy that is new, and no service that refers to another',
      of: performancePolicies,
      object: performancePolicy({}, 'other'),
      expected: { policies: ['ai/other'] },
    },
    {
      name: 'service and scaler, and no objectives, for an HPA',
      of: horizontalPodAutoscalers,
      object: autoscaler('a', 3),
      expected: { services: ['ai/a'], scaler: ['ai/a'] },
    },
    {
      name: 'those of both targets, for an HPA that somebody aims at another',
      of: horizontalPodAutoscalers,
      object: { ...autoscaler('b'), metadata: autoscaler('a').metadata },
      expected: { services: ['ai/a', 'ai/b'], scaler: ['ai/a', 'ai/b'] },
    },
    {
      name: 'nobody, when only the status of an HPA changed',
      of: horizontalPodAutoscalers,
      object: { ...autoscaler('a'), status: { currentReplicas: 3 } },
      expected: nobody,
    },
    {
      name: 'scaler, objectives and optimizer of the one service that has a Pod which appears',
      of: podResource,
      object: pod('web-b-1', 'web-b'),
      expected: { scaler: ['ai/b'], objectives: ['ai/b'], optimizer: ['ai/b'] },
    },
    { name: 'nobody, for a Pod of no service', of: podResource, object: pod('stray', 'batch'), expected: nobody },
    {
      name: 'a service whose Deployment was scaled',
      of: deployments,
      object: deployment('web-a', { replicas: 3 }),
      expected: all('a'),
    },
    {
      name: 'a service whose Deployment asks for more',
      of: deployments,
      object: deployment('web-a', { resources: { requests: { cpu: '1' } } }),
      expected: all('a'),
    },
    {
      name: 'a service whose Deployment was made anew with another selector while nobody watched',
      of: deployments,
      object: {
        ...deployment('web-a'),
        spec: { replicas: 0, selector: { matchLabels: { app: 'web', tier: 'front' } } },
      },
      expected: all('a'),
    },
    {
      name: 'nobody, when only the status of a Deployment changed',
      of: deployments,
      object: { ...deployment('web-a'), status: { readyReplicas: 1 } },
      expected: nobody,
    },
    { name: 'nobody, for a Deployment of no service', of: deployments, object: deployment('other'), expected: nobody },
    {
      name: 'nobody, for a StatefulSet of the same name',
      of: statefulSets,
      object: { ...deployment('web-a'), kind: 'StatefulSet' },
      expected: nobody,
    },
    {
      name: 'the scaler, once it is written down what stood in an HPA',
      of: configMaps,
      object: state('b'),
      expected: { scaler: ['ai/b'] },
    },
    {
      name: 'every service, when the group of the metrics API changes hands',
      of: apiServices,
      object: { metadata: { name: 'v1beta1.custom.metrics.k8s.io' }, spec: { group: 'custom.metrics.k8s.io' } },
      expected: all('a', 'b'),
    },
    {
      name: 'nobody, for another API group',
      of: apiServices,
      object: { metadata: { name: 'v1beta1.metrics.k8s.io' }, spec: { group: 'metrics.k8s.io' } },
      expected: nobody,
    },
  ])('$name', async ({ of, object, expected }) => {
    await using wiring = await openWiring();
    await wiring.put(of, object);
    expect(await wiring.woken()).toEqual(expected);
  });
});

describe('what goes wakes whom it concerns:', () => {
  test.each([
    { name: 'a service that is gone', of: generationServices, object: 'b', expected: all('b') },
    {
      name: 'the services of a policy that is gone',
      of: performancePolicies,
      object: 'standard',
      expected: { ...all('a'), policies: ['ai/standard'] },
    },
    {
      name: 'service and scaler of an HPA that is gone',
      of: horizontalPodAutoscalers,
      object: 'hpa-a',
      expected: { services: ['ai/a'], scaler: ['ai/a'] },
    },
    { name: 'the service of a Deployment that is gone', of: deployments, object: 'web-a', expected: all('a') },
  ])('$name', async ({ of, object, expected }) => {
    await using wiring = await openWiring();
    await wiring.remove(of, object);
    expect(await wiring.woken()).toEqual(expected);
  });

  test('who claims the same target as a service that is gone', async () => {
    await using wiring = await openWiring();
    await wiring.put(generationServices, serviceOn('b', { target: 'web-a', generation: 2 }));
    await wiring.woken();
    await wiring.remove(generationServices, 'a');
    expect(await wiring.woken()).toEqual(all('a', 'b'));
  });

  test('nobody, for a Pod: who has Pods looks at them by itself', async () => {
    await using wiring = await openWiring();
    await wiring.put(podResource, pod('web-b-1', 'web-b'));
    await wiring.woken();
    await wiring.put(podResource, { ...pod('web-b-1', 'web-b'), status: { phase: 'Running' } });
    await wiring.remove(podResource, 'web-b-1');
    expect(await wiring.woken()).toEqual(nobody);
  });

  test('nobody, for a state: the service has gone before', async () => {
    await using wiring = await openWiring();
    await wiring.put(configMaps, state('b'));
    await wiring.woken();
    await wiring.remove(configMaps, 'b-genops-state');
    expect(await wiring.woken()).toEqual(nobody);
  });
});

test('only the scaler looks at an HPA that stands as a visit has just written it', async () => {
  await using wiring = await openWiring();
  const written = autoscaler('a', 3);
  wiring.caches.hpaWrites.begin('ai/hpa-a', written['spec'] as HpaSpec);
  await wiring.put(horizontalPodAutoscalers, written);
  expect(await wiring.woken()).toEqual({ scaler: ['ai/a'] });
  await wiring.put(horizontalPodAutoscalers, autoscaler('a', 4)); // by somebody else, after it
  expect(await wiring.woken()).toEqual({ services: ['ai/a'], scaler: ['ai/a'] });
});

test('whose target an HPA has left looks too, also where a visit has aimed it elsewhere', async () => {
  await using wiring = await openWiring();
  const moved: Fed = { ...autoscaler('b'), metadata: autoscaler('a').metadata };
  wiring.caches.hpaWrites.begin('ai/hpa-a', moved['spec'] as HpaSpec);
  await wiring.put(horizontalPodAutoscalers, moved);
  expect(await wiring.woken()).toEqual({ services: ['ai/a'], scaler: ['ai/a', 'ai/b'] });
});

test('who claims the same target is woken by what a service asks for, not by what is noted on it', async () => {
  await using wiring = await openWiring();
  await wiring.put(generationServices, serviceOn('b', { target: 'web-a', generation: 2 }));
  await wiring.woken();
  const annotations = { 'genops.dev/approve': 'hash' };
  await wiring.put(generationServices, serviceOn('b', { target: 'web-a', generation: 2, annotations }));
  expect(await wiring.woken()).toEqual(all('b'));
});

test('a StatefulSet wakes its service as a Deployment does', async () => {
  await using wiring = await openWiring();
  const { spec } = generationService({
    components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web-c' } }],
  });
  await wiring.put(generationServices, { metadata: { name: 'c' }, spec });
  await wiring.woken();
  await wiring.put(statefulSets, { ...deployment('web-c'), kind: 'StatefulSet' });
  expect(await wiring.woken()).toEqual(all('c'));
});

describe('a policy counts its services five seconds after they changed:', () => {
  test('once for many, and not before', async () => {
    await using wiring = await openWiring();
    await later(); // that of the start
    await wiring.woken();
    const spec = { ...generationService().spec, policyRef: { name: 'standard' } };
    for (const name of ['c', 'd', 'e']) await wiring.put(generationServices, { ...serviceOn(name), spec });
    expect(Object.keys(await wiring.woken())).not.toContain('policies');
    await jest.advanceTimersByTimeAsync(4_900);
    expect(await wiring.woken()).toEqual(nobody);
    await jest.advanceTimersByTimeAsync(200);
    expect(await wiring.woken()).toEqual({ policies: ['ai/standard'] });
    await later();
    expect(await wiring.woken()).toEqual(nobody);
  });

  test('both, when a service goes from one to another', async () => {
    await using wiring = await openWiring();
    const { spec, ...rest } = serviceOn('a', { generation: 2 });
    await wiring.put(generationServices, { ...rest, spec: { ...Object(spec), policyRef: { name: 'other' } } });
    await wiring.woken();
    await later();
    expect(await wiring.woken()).toEqual({ policies: ['ai/other', 'ai/standard'] });
  });

  test('none, for a service that names none', async () => {
    await using wiring = await openWiring();
    await later();
    await wiring.woken();
    await wiring.put(generationServices, serviceOn('c'));
    await wiring.woken();
    await later();
    expect(await wiring.woken()).toEqual(nobody);
  });

  test('not for a status that was written', async () => {
    await using wiring = await openWiring();
    await wiring.put(generationServices, { ...serviceOn('a'), status: { observedGeneration: 1 } });
    await later();
    expect(await wiring.woken()).toEqual(nobody);
  });
});

test('who no longer leads is woken by nothing', async () => {
  await using wiring = await openWiring();
  wiring.unwire();
  await wiring.put(generationServices, serviceOn('b', { generation: 2 }));
  await wiring.put(performancePolicies, performancePolicy({}, 'other'));
  await wiring.put(horizontalPodAutoscalers, autoscaler('a', 3));
  await wiring.put(deployments, deployment('web-a', { replicas: 3 }));
  await wiring.put(statefulSets, { ...deployment('web-a'), kind: 'StatefulSet' });
  await wiring.put(podResource, pod('web-b-1', 'web-b'));
  await wiring.put(configMaps, state('b'));
  await wiring.put(apiServices, {
    metadata: { name: 'v1beta1.custom.metrics.k8s.io' },
    spec: { group: 'custom.metrics.k8s.io' },
  });
  await later();
  expect(await wiring.woken()).toEqual(nobody);
});
