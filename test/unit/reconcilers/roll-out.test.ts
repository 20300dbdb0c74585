import { describe, expect, test } from '@jest/globals';
import type { Workload } from '../../../operator/reconcilers/kinds.ts';
import { createRollOuts, isRollingOut } from '../../../operator/reconcilers/roll-out.ts';

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
  test('as long as figures of it are among those of the last minute', () => {
    const rollOuts = createRollOuts();
    expect(rollOuts.isOn('ai/generation/u/workflow', false, start)).toBe(false);
    expect(rollOuts.isOn('ai/generation/u/workflow', true, start)).toBe(true);
    expect(rollOuts.isOn('ai/generation/u/workflow', false, start + 59_999)).toBe(true);
    expect(rollOuts.isOn('ai/generation/u/workflow', false, start + 60_000)).toBe(false);
  });

  test('for its own component, until its service is gone', () => {
    const rollOuts = createRollOuts();
    rollOuts.isOn('ai/generation/u/workflow', true, start);
    expect(rollOuts.isOn('ai/generation/u/cache', false, start)).toBe(false);
    rollOuts.forget('ai/generation/');
    expect(rollOuts.isOn('ai/generation/u/workflow', false, start)).toBe(false);
  });
});
