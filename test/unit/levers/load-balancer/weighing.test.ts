import { describe, expect, test } from '@jest/globals';
import { weightFrom } from '../../../../operator/decide/labelled-weight.ts';
import type { Capability } from '../../../../operator/levers/load-balancer/capabilities.ts';
import { replicasOf } from '../../../../operator/levers/load-balancer/replicas.ts';
import { weightsModeOf } from '../../../../operator/levers/load-balancer/upstreams.ts';
import { withLabels } from '../../../../operator/levers/load-balancer/weight-labels.ts';
import { Weighing } from '../../../../operator/levers/load-balancer/weighing.ts';
import { settingsFor } from './settings.ts';

const settings = settingsFor({ weights: { min: 1, interval: '10s', slowStart: '20s' } });
const server = (address: string, uid = address) => ({ address, port: 80, pod: { name: `pod-${address}`, uid } });
const [a, b, c] = [server('10.0.0.1'), server('10.0.0.2'), server('10.0.0.3')];

/** At each look the Pods that are there have answered so many requests of so many ms. */
function follow(weighing = new Weighing()) {
  let now = 0;
  const weights = (servers: readonly ReturnType<typeof server>[], given: object = {}) => {
    const input = { settings, servers: { workflow: servers }, inForce: {}, lost: 0, replicas: 1, now, ...given };
    const { workflow = [] } = weighing.weigh(input);
    return workflow.map(({ weight }) => weight);
  };
  return {
    weighing,
    weights,
    after: (seconds: number) => void (now += 1_000 * seconds),
    done: (address: string, count: number, ms: number): void => {
      for (let index = 0; index < count; index += 1) {
        const startMs = now + 20 * index;
        const tries = [{ server: `${address}:80`, result: 'Served' as const, startMs, endMs: startMs + ms }];
        weighing.note({ upstream: 'workflow', tries });
      }
    },
  };
}

describe('Weighing', () => {
  test('looks once an interval, and gives all the same until then', () => {
    const { weighing, weights, after, done } = follow();
    expect(weights([a, b])).toEqual([10, 10]);
    for (const [address, ms] of [['10.0.0.1', 10] as const, ['10.0.0.2', 100] as const]) done(address, 400, ms);
    after(9);
    expect(weights([a, b])).toEqual([10, 10]);
    expect(weighing.dueInMs(settings, 9_000)).toBe(1_000);
    after(1);
    expect(weights([a, b])).toEqual([13, 7]);
    expect(weighing.last('workflow')?.pods.get('10.0.0.2:80')).toMatchObject({ last: { why: 'Measured', target: 6 } });
    expect(weights([a, b])).toEqual([13, 7]);
  });

  test('a Pod that comes to others begins slowly, also with the address of an earlier one; those that are there first do not', () => {
    const { weights } = follow();
    expect(weights([a, b])).toEqual([10, 10]);
    expect(weights([a, b, c])).toEqual([10, 10, 3]);
    expect(weights([a, server('10.0.0.2', 'another'), c])).toEqual([10, 3, 3]);
    expect(weights([a])).toEqual([10]);
    expect(weights([a, c])).toEqual([10, 3]);
  });

  test('a Pod that comes to others which have no room has its share at once', () => {
    const { weights, after, done } = follow();
    weights([a, b]);
    for (const { address } of [a, b]) done(address, 500, 100); // five at once, as many as it has slots
    after(10);
    weights([a, b]);
    expect(weights([a, b, c])).toEqual([10, 10, 10]);
  });

  test('an agent that is started anew goes on with the weights in force', () => {
    const inForce = {
      workflow: [
        { ...a, weight: 4 },
        { ...b, weight: 12 },
      ],
    };
    const { weights } = follow();
    expect(weights([a, server('10.0.0.2', 'another'), c], { inForce })).toEqual([4, 3, 3]);
  });

  test('what was done at an address before is not the work of the Pod that has it now', () => {
    const { weighing, weights, after, done } = follow();
    weights([a, b]);
    done('10.0.0.2', 400, 100);
    const another = server('10.0.0.2', 'another');
    weights([a, another]);
    after(10);
    weights([a, another]);
    const { memory } = weighing.last('workflow')?.pods.get('10.0.0.2:80') ?? {};
    expect(memory).toMatchObject({ requests: 0 });
    expect(memory).not.toHaveProperty('serviceMs');
  });

  test('what the kernel lost before it began holds no weight', () => {
    const { weights, after, done } = follow();
    weights([a, b], { lost: 900 });
    done('10.0.0.1', 400, 10);
    done('10.0.0.2', 400, 100);
    after(10);
    expect(weights([a, b], { lost: 900 })).toEqual([13, 7]);
  });

  test('what the kernel lost holds all weights where it is more than a tenth, and counts once', () => {
    const { weights, after, done } = follow();
    const slow = (): void => {
      done('10.0.0.1', 400, 10);
      done('10.0.0.2', 400, 100);
      after(10);
    };
    weights([a, b]);
    slow();
    expect(weights([a, b], { lost: 200 })).toEqual([10, 10]);
    slow();
    expect(weights([a, b], { lost: 280 })).toEqual([13, 7]);
  });

  test('of more requests than are kept those beyond are lost, and count once', () => {
    const { weighing, weights, after, done } = follow();
    const look = (each: number) => {
      done('10.0.0.1', each, 10);
      done('10.0.0.2', each, 100);
      after(10);
      weights([a, b]);
      return weighing.last('workflow')?.pods.get('10.0.0.1:80')?.last?.why;
    };
    weights([a, b]);
    expect(look(55_300)).not.toBe('GapsInLog'); // 10 600 of 110 600 are not kept: 9.6 %
    expect(look(55_800)).toBe('GapsInLog'); // 11 600 of 111 600: 10.4 %
  });
});

test('least_time measures by itself: it is left with equal weights, where nginx has it and nobody labels Pods', () => {
  const upstream = { method: 'LeastTime' } as const;
  const mode = (weights: 'Adaptive' | 'Static', ...can: readonly Capability[]) =>
    weightsModeOf(settingsFor({ upstream, weights: { mode: weights } }), new Set(can));
  expect([mode('Adaptive', 'leastTime'), mode('Adaptive'), mode('Static', 'leastTime')]).toEqual([
    'Equal',
    'Adaptive',
    'Static',
  ]);
});

test('replicasOf() counts those beside this one, and never what it sends requests to', () => {
  const slice = (service: string, ...addresses: readonly string[]) => ({
    service,
    ports: [],
    endpoints: addresses.map((address) => ({ address, pod: undefined })),
  });
  const slices = [
    slice('gateway', '10.1.0.1', '10.1.0.2'),
    slice('gateway', '10.1.0.3'),
    slice('generation', '10.1.0.1', 'b', 'c', 'd'),
  ];
  const upstreams = new Set(['generation']);
  expect(replicasOf({ slices, own: new Set(['10.1.0.1']), upstreams })).toBe(3);
  expect(replicasOf({ slices, own: new Set(['10.9.9.9']), upstreams })).toBe(1);
  const families = ['10.1.0.', 'fd00::'].map((prefix) => ({
    service: 'gateway',
    ports: [],
    endpoints: ['1', '2'].map((uid) => ({ address: `${prefix}${uid}`, pod: { name: uid, uid } })),
  }));
  expect(replicasOf({ slices: families, own: new Set(['10.1.0.1']), upstreams })).toBe(2);
});

test('labels from 1 to 100 are weights, and stay while they cannot be read', () => {
  expect(['1', '100', '0', '101', '-1', '1.5', 'much', undefined].map((label) => weightFrom(label).weight)).toEqual([
    1, 100, 1, 1, 1, 1, 1, 1,
  ]);
  const labels = (known: Readonly<Record<string, string>>, problem?: string) => ({
    of: (pod: string) => known[pod],
    problem: () => problem,
  });
  const weights = (...given: Parameters<typeof labels>) =>
    withLabels({
      servers: { workflow: [a, b] },
      inForce: { workflow: [{ ...a, weight: 7 }] },
      labels: labels(...given),
    })['workflow']?.map(({ weight }) => weight);
  expect(weights({ 'pod-10.0.0.1': '3' })).toEqual([3, 1]);
  expect(weights({}, 'pods is forbidden')).toEqual([7, undefined]);
});
