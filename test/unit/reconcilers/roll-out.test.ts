import { describe, expect, test } from '@jest/globals';
import type { Workload } from '../../../operator/reconcilers/kinds.ts';
import { createRollOuts, deadlineMs, isRollingOut } from '../../../operator/reconcilers/roll-out.ts';

interface Row {
  readonly name: string;
  readonly kind?: string;
  readonly spec?: Partial<Workload['spec']>;
  readonly status?: Workload['status'];
  readonly expected: boolean;
}
const stuck = { type: 'Progressing', status: 'False' };
const staged = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } };

describe('isRollingOut()', () => {
  test.each<Row>([
    { name: 'not one of which nothing is known yet', expected: false },
    { name: 'not one of which all Pods are new', status: { replicas: 3, updatedReplicas: 3 }, expected: false },
    { name: 'one with an old Pod beside the new', status: { replicas: 4, updatedReplicas: 3 }, expected: true },
    { name: 'one with no new Pod yet', status: { replicas: 3 }, expected: true },
    { name: 'not one that only grows: both counts do', status: { replicas: 5, updatedReplicas: 5 }, expected: false },
    {
      name: 'not one that is paused half-way',
      spec: { paused: true },
      status: { replicas: 4, updatedReplicas: 1 },
      expected: false,
    },
    {
      name: 'not one that got nowhere within its deadline',
      status: { replicas: 4, updatedReplicas: 1, conditions: [stuck] },
      expected: false,
    },
    {
      name: 'one that gets on',
      status: { replicas: 4, updatedReplicas: 1, conditions: [{ ...stuck, status: 'True' }] },
      expected: true,
    },
    {
      name: 'a StatefulSet above its partition',
      kind: 'StatefulSet',
      spec: { updateStrategy: staged },
      status: { replicas: 5, updatedReplicas: 2 },
      expected: true,
    },
    {
      name: 'not one that has replaced what its partition leaves',
      kind: 'StatefulSet',
      spec: { updateStrategy: staged },
      status: { replicas: 5, updatedReplicas: 3 },
      expected: false,
    },
    {
      name: 'not one whose Pods somebody else deletes',
      kind: 'StatefulSet',
      spec: { updateStrategy: { type: 'OnDelete' } },
      status: { replicas: 5, updatedReplicas: 3 },
      expected: false,
    },
  ])('$name', ({ kind = 'Deployment', spec = {}, status, expected }) => {
    const workload = { apiVersion: 'apps/v1', kind, metadata: { name: 'web' }, spec: { selector: {}, ...spec } };
    expect(isRollingOut({ ...workload, ...(status === undefined ? {} : { status }) } as Workload)).toBe(expected);
  });
});

describe('a roll-out counts', () => {
  const start = 1_800_000_000_000;
  const on = { isRollingOut: true };
  const over = { isRollingOut: false };

  test('as long as figures of it are among those of the last minute', () => {
    const rollOuts = createRollOuts();
    const isOn = (target: object, now: number) => rollOuts.see('ai/generation/u/workflow', target, now).isOn;
    expect(isOn(over, start)).toBe(false);
    expect(isOn(on, start)).toBe(true);
    expect(isOn(over, start + 59_999)).toBe(true);
    expect(isOn(over, start + 60_000)).toBe(false);
  });

  test('for its own component, until its service is gone', () => {
    const rollOuts = createRollOuts();
    rollOuts.see('ai/generation/u/workflow', on, start);
    expect(rollOuts.see('ai/generation/u/cache', over, start).isOn).toBe(false);
    rollOuts.forget('ai/generation/');
    expect(rollOuts.see('ai/generation/u/workflow', over, start).isOn).toBe(false);
  });

  test('without an end where its controller tells of a standstill', () => {
    const rollOuts = createRollOuts();
    rollOuts.see('a', on, start);
    expect(rollOuts.see('a', on, start + 10 * deadlineMs)).toEqual({ isOn: true, hasStopped: false });
  });

  test('until nothing was replaced for as long as a Deployment has, and again with the next Pod that is', () => {
    const rollOuts = createRollOuts();
    const see = (rollOutStep: string | undefined, ms: number) =>
      rollOuts.see('a', { isRollingOut: rollOutStep !== undefined, rollOutStep }, start + ms);
    expect(see('b 1', 0)).toEqual({ isOn: true, hasStopped: false });
    expect(see('b 1', deadlineMs - 1)).toEqual({ isOn: true, hasStopped: false });
    expect(see('b 1', deadlineMs)).toEqual({ isOn: false, hasStopped: true });
    expect(see('b 1', deadlineMs + 1)).toEqual({ isOn: false, hasStopped: false });
    expect(see('b 2', deadlineMs + 2)).toEqual({ isOn: true, hasStopped: false });
    expect(see('b 2', 2 * deadlineMs + 2)).toEqual({ isOn: false, hasStopped: true });
    expect(see(undefined, 2 * deadlineMs + 3)).toEqual({ isOn: false, hasStopped: false });
  });
});
