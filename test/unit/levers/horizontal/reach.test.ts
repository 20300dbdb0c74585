import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import { plan, type HorizontalUnit } from '../../../../operator/levers/horizontal/plan.ts';
import type { ContainerView } from '../../../../operator/metrics/pod-view.ts';
import { podView } from '../../../world/pod-view.ts';
import { unitWith } from './hpa-units.ts';

type Metrics = NonNullable<NonNullable<PolicySpec['horizontal']>['metrics']>;
const at = (name: 'cpu' | 'memory', averageUtilization: number): Metrics[number] => ({
  type: 'Resource',
  resource: { name, target: { type: 'Utilization', averageUtilization } },
});
const inContainer = (container: string, averageUtilization: number): Metrics[number] => ({
  type: 'ContainerResource',
  containerResource: { name: 'cpu', container, target: { type: 'Utilization', averageUtilization } },
});
const requests: Metrics[number] = {
  type: 'Pods',
  pods: { metric: { name: 'requests_per_second' }, target: { type: 'AverageValue', averageValue: '100' } },
};
/** Asks for half a core and may use as much, and for a gibibyte and may use two. */
const app: ContainerView = {
  name: 'app',
  cpuRequest: 0.5,
  cpuLimit: 0.5,
  memoryRequest: 2 ** 30,
  memoryLimit: 2 ** 31,
};
const proxy: ContainerView = { ...app, name: 'proxy', cpuLimit: 1.5 };

interface Row {
  readonly name: string;
  readonly metrics: Metrics;
  readonly containers?: readonly ContainerView[];
  readonly pods?: number;
  readonly tolerance?: string;
  readonly unit?: Partial<HorizontalUnit>;
  readonly expected?: 'Applied' | 'TargetUnreachable';
  readonly says?: string;
}
const planned = ({ metrics, containers = [app], pods: count = 2, tolerance, unit }: Row) => {
  const behavior = tolerance === undefined ? {} : { behavior: { scaleUp: { tolerance } } };
  const pods = ['a', 'b'].slice(0, count).map((name) => podView(name, { containers }));
  const observed = { hpas: [], pods };
  return plan({ unit: unitWith({ metrics, ...behavior }, unit), observed, memory: undefined, now: 0 });
};

describe('a target that Pods cannot come to', () => {
  test.each<Row>([
    { name: '90 of 100 % is above the tolerance (1.111)', metrics: [at('cpu', 90)] },
    {
      name: '91 of 100 % is within it (1.099)',
      metrics: [at('cpu', 91)],
      expected: 'TargetUnreachable',
      says: 'saw a target of 91 % for cpu, of which limits let Pods use 100 %; wanted at most 90 %, since an HPA adds replicas only above 1.1 times its target; next: lower averageUtilization in horizontal.metrics, or give Pods a higher limit of cpu',
    },
    { name: 'twice as much is allowed', metrics: [at('memory', 180)] },
    { name: 'a tolerance of its own: 95 of 100 % at 0.05 (1.053)', metrics: [at('cpu', 95)], tolerance: '0.05' },
    {
      name: 'a tolerance of its own: 85 of 100 % at 0.2 (1.176)',
      metrics: [at('cpu', 85)],
      tolerance: '0.2',
      expected: 'TargetUnreachable',
      says: 'wanted at most 83 %',
    },
    { name: 'no limit is no bound', metrics: [at('cpu', 300)], containers: [{ ...app, cpuLimit: undefined }] },
    { name: 'without a request the HPA has no share', metrics: [at('cpu', 300)], containers: [{ ...app, cpuRequest: undefined }] }, // prettier-ignore
    {
      name: 'all containers together: 200 % of what both ask for',
      metrics: [at('cpu', 180)],
      containers: [app, proxy],
    },
    {
      name: 'of one container only its own',
      metrics: [inContainer('app', 180)],
      containers: [app, proxy],
      expected: 'TargetUnreachable',
    },
    { name: 'and not those of another', metrics: [inContainer('proxy', 180)], containers: [app, proxy] },
    {
      name: 'two, and no other metric',
      metrics: [at('cpu', 95), at('memory', 190)],
      expected: 'TargetUnreachable',
      says: 'and a target of 190 % for memory, of which limits let Pods use 200 %; wanted at most 90 % and 181 %',
    },
    {
      name: 'beside one that adds replicas it is only said',
      metrics: [at('cpu', 95), at('memory', 80)],
      says: '; by cpu it never adds a replica (a target of 95 % for cpu, of which limits let Pods use 100 %).',
    },
    { name: 'beside requests per second too', metrics: [at('cpu', 1000), requests], says: 'by cpu it never adds' },
    {
      name: 'what a VPA sizes is no matter of the HPA',
      metrics: [at('cpu', 70), at('memory', 500)],
      unit: { taken: ['memory'] },
    },
    { name: 'without Pods nobody knows', metrics: [at('cpu', 300)], pods: 0 },
  ])('$name', (row) => {
    const { changes, condition } = planned(row);
    expect(changes).toMatchObject([{ kind: 'apply', spec: { maxReplicas: 20 } }]);
    expect(condition).toMatchObject({ reason: row.expected ?? 'Applied' });
    if (row.says === undefined) expect(condition.message).not.toContain('never adds');
    else expect(condition.message).toContain(row.says);
  });
});
