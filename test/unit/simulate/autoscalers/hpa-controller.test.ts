import { expect, test } from '@jest/globals';
import { freshMemory } from '../../../../operator/decide/scaling-behavior.ts';
import {
  groupOf,
  replicasByUtilization,
  syncHpa,
  type PodReading,
} from '../../../../operator/simulate/autoscalers/hpa-controller.ts';

// That all of it is as the real controller has it, test/integration/hpa-model holds against one.

test('Pods without a metric count for nothing where the others are just at the target', () => {
  const groups = { counted: 3, usage: 210, unready: 2, missing: 1 };
  expect(replicasByUtilization(70, groups, { current: 6, tolerance: { up: 0.1, down: 0.1 } })).toBe(6);
});

const pod: PodReading = {
  isStarted: true,
  startedAt: 0,
  ready: { isTrue: true, since: 20 },
  sample: { at: 1_000, windowSeconds: 15 },
};
test.each<{ name: string; pod: Partial<PodReading>; now: number; group: ReturnType<typeof groupOf> }>([
  { name: 'Ready for a while', pod: {}, now: 1_000, group: 'counted' },
  { name: 'that has not started', pod: { isStarted: false, sample: undefined }, now: 10, group: 'unready' },
  { name: 'without a metric', pod: { sample: undefined }, now: 1_000, group: 'missing' },
  {
    name: 'in its first sample since it is Ready',
    pod: { sample: { at: 34, windowSeconds: 15 } },
    now: 36,
    group: 'unready',
  },
  { name: 'after that', pod: { sample: { at: 35, windowSeconds: 15 } }, now: 36, group: 'counted' },
  {
    name: 'that is old, whatever its sample is of',
    pod: { sample: { at: 34, windowSeconds: 15 } },
    now: 300,
    group: 'counted',
  },
  {
    name: 'that was Ready for longer than half a minute',
    pod: { ready: { isTrue: false, since: 30 } },
    now: 300,
    group: 'counted',
  },
  { name: 'that never was', pod: { ready: { isTrue: false, since: 29 } }, now: 300, group: 'unready' },
])('the CPU of a Pod $name is $group', ({ pod: rest, now, group }) => {
  expect(groupOf({ ...pod, ...rest }, 'cpu', now)).toBe(group);
  if (group !== 'missing' && rest.isStarted !== false)
    expect(groupOf({ ...pod, ...rest }, 'other', now)).toBe('counted');
});

test('a change counts from when it is made, not from the sync after it', () => {
  const policies = [{ type: 'Pods', value: 2, periodSeconds: 60 }] as const;
  const behavior = { scaleUp: { policies }, scaleDown: {} };
  const input = { asked: [20], minReplicas: 1, maxReplicas: 40, behavior };
  const first = syncHpa({ ...input, current: 4, memory: freshMemory(4, 0), now: 0 });
  expect(first.replicas).toBe(6);
  const [before, after] = [59_999, 60_000].map(
    (now) => syncHpa({ ...input, current: 6, memory: first.memory, now }).replicas,
  );
  expect([before, after]).toEqual([6, 8]);
});
