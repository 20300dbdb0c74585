import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { nothingKept, type KeptOptimizer, type PendingAction } from '../../../operator/decide/optimizer/kept.ts';
import type { PodView } from '../../../operator/metrics/pod-view.ts';
import { limitProgress, lowerLimit, memoryLimitOf } from '../../../operator/reconcilers/optimizer-limits.ts';
import { podView } from '../../world/pod-view.ts';
import { now } from '../decide/optimizer/made-rows.ts';
import { madeVisit } from './made-visit.ts';
import { componentOf, pod as podOf, serviceWith } from './measured-service.ts';

const mi = 2 ** 20;
const container = { name: 'app', cpuRequest: 1, cpuLimit: 1, memoryRequest: mi, memoryLimit: 300 * mi };
const pod = (name: string, changes: Partial<PodView> = {}) => podView(name, { containers: [container], ...changes });
const restarting = pod('a', { containers: [{ ...container, restartsOnResize: true }] });

describe('memoryLimitOf()', () => {
  const raises = { workflow: { steps: [{ rule: 'raise', bytes: 3072 * mi }], changedAt: 0, waitMs: 0 } };
  const enforced = { mode: 'Enforce' } as const;
  test.each<{
    readonly name: string;
    readonly overrides: PolicySpec;
    readonly pods?: readonly PodView[];
    readonly is: object | undefined;
  }>([
    {
      name: 'is what is raised of what is declared',
      overrides: { resources: enforced },
      is: { bytes: 3072 * mi, disrupts: false },
    },
    {
      name: 'stops Pods that ask for a restart',
      overrides: { resources: enforced },
      pods: [pod('b'), restarting],
      is: { bytes: 3072 * mi, disrupts: true },
    },
    {
      name: 'stops Pods where it is the template’s',
      overrides: { resources: { ...enforced, method: 'Template' } },
      is: { bytes: 3072 * mi, disrupts: true },
    },
    { name: 'is not ours where it is only told', overrides: { resources: {} }, is: undefined },
    { name: 'nor where nobody declared it', overrides: {}, is: undefined },
  ])('$name', ({ overrides, pods = [pod('a')], is }) => {
    using world = serviceWith({ spec: { overrides } });
    const { resolved } = world.resolution();
    const [component] = resolved.components;
    if (component === undefined) throw new Error('there is one');
    expect(memoryLimitOf(resolved, component, { raises, pods })).toEqual(is);
  });
});

describe('lowerLimit()', () => {
  const raises = { workflow: { steps: [{ rule: 'gone', bytes: 3072 * mi }], changedAt: 0, waitMs: 300_000 } };
  const raised: KeptOptimizer = { ...nothingKept, raises };
  const atWork = { ...raised, pending: { component: 'workflow', action: 'ClearExpiredCache' } as PendingAction };
  const enforced: PolicySpec = { resources: { mode: 'Enforce' } };
  const rolledOut: PolicySpec = { resources: { mode: 'Enforce', method: 'Template' } };
  const killedAt = (at: number) => ({
    'resources/workflow': { applied: { oomKilledAt: String(at), oomKilledPod: 'b' } },
  });
  const maintenanceWindows = [{ name: 'never', schedule: '0 0 30 2 *', duration: '1h' }];
  test.each<{
    readonly name: string;
    readonly overrides: PolicySpec;
    readonly kept?: KeptOptimizer;
    readonly used?: number;
    readonly isBurning?: true;
    readonly levers?: ReturnType<typeof killedAt>;
    readonly pods?: readonly PodView[];
    readonly is: boolean;
  }>([
    { name: 'gives a step back where there is room', overrides: enforced, is: true },
    { name: 'gives none back where there is none', overrides: enforced, used: 1_700 * mi, is: false },
    {
      name: 'gives none back within a day of an OOM kill',
      overrides: enforced,
      pods: [podOf('a'), podOf('b', { ready: false, oomKilledAt: now - 86_400_000 })],
      is: false,
    },
    {
      name: 'does a day after it',
      overrides: enforced,
      pods: [podOf('b', { oomKilledAt: now - 86_400_001 })],
      is: true,
    },
    { name: 'nor once that Pod is gone', overrides: enforced, levers: killedAt(now - 86_400_000), is: false },
    { name: 'does a day after that too', overrides: enforced, levers: killedAt(now - 86_400_001), is: true },
    { name: 'waits while another action is at work', overrides: enforced, kept: atWork, is: false },
    {
      name: 'stops nobody in place, at any time',
      overrides: { ...enforced, maintenanceWindows },
      isBurning: true,
      is: true,
    },
    { name: 'rolls out where there are no windows', overrides: rolledOut, is: true },
    { name: 'waits for a window to roll out', overrides: { ...rolledOut, maintenanceWindows }, is: false },
    { name: 'does not roll out while the budget burns', overrides: rolledOut, isBurning: true, is: false },
    {
      name: 'does where that is ignored',
      overrides: { ...rolledOut, objectives: { onFastBurn: 'Ignore' } },
      isBurning: true,
      is: true,
    },
  ])('$name', async ({ overrides, kept = raised, used = 100 * mi, is, ...rest }) => {
    using made = madeVisit({ kept, now, figures: { memoryBytes: used }, spec: { overrides }, ...rest });
    expect(await lowerLimit(made.visit)).toBe(is);
    expect(made.kept()?.raises?.['workflow']?.steps).toHaveLength(is ? 0 : 1);
    expect(made.told).toEqual(is ? [expect.stringMatching(/^MemoryLimitGivenBack: workflow: \d+Mi → \d+Mi$/)] : []);
  });
});

describe('limitProgress()', () => {
  const pending = { limitBytes: 300 * mi, begunAt: now - 299_999 } as PendingAction;
  const component = { spec: componentOf('workflow') };
  const behind = pod('b', { containers: [{ ...container, memoryLimit: 200 * mi }] });
  const moving = pod('b', { resize: { state: 'InProgress', message: '' } });
  const without = (state: 'Deferred' | 'Infeasible') => pod(state, { resize: { state, message: '' } });
  test.each([
    { name: 'is done when every Pod has it', pods: [pod('a'), pod('b')], is: 'done' },
    { name: 'waits for one that has not', pods: [pod('a'), behind], is: 'waiting' },
    { name: 'waits for a kubelet that is at it', pods: [pod('a'), moving], is: 'waiting' },
    { name: 'waits without Pods', pods: [], is: 'waiting' },
    { name: 'fails where none has it after five minutes', pods: [behind, moving], at: now + 1, is: 'failed' },
    { name: 'fails without Pods after five minutes', pods: [], at: now + 1, is: 'failed' },
    { name: 'waits for the others while one has it', pods: [pod('a'), behind], at: now + 1, is: 'waiting' },
    {
      name: 'waits for a node that may have room yet',
      pods: [pod('a'), without('Deferred')],
      at: now + 1,
      is: 'waiting',
    },
    { name: 'waits for none that never has', pods: [pod('a'), without('Infeasible')], at: now + 1, is: 'done' },
    { name: 'but five minutes', pods: [pod('a'), without('Infeasible')], is: 'waiting' },
    { name: 'fails where no node ever has', pods: [without('Infeasible')], at: now + 1, is: 'failed' },
    { name: 'compares what there is after an hour', pods: [pod('a'), behind], at: now + 3_300_001, is: 'done' },
  ])('$name', ({ pods, at = now, is }) => expect(limitProgress(pending, component, pods, at)).toBe(is));
});
