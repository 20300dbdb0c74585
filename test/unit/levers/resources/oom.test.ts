import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';
import { plan } from '../../../../operator/levers/resources/plan.ts';
import type { ContainerView, PodView } from '../../../../operator/metrics/pod-view.ts';
import { podView } from '../../../world/pod-view.ts';
import { unitWith } from './units.ts';

const day = 86_400_000;
const mi = 2 ** 20;
const memory = (request: number, limit: number): Partial<ContainerView> => ({
  memoryRequest: request * mi,
  memoryLimit: limit * mi,
});
const pod = (name: string, amounts: Partial<ContainerView>, more: Partial<PodView> = {}): PodView => {
  const container = { name: 'app', cpuRequest: 0.5, cpuLimit: 1, memoryRequest: 0, memoryLimit: 0, ...amounts };
  return podView(name, { containers: [container], ...more });
};
/** Declared is less than what the killed Pod has, and more than the template. */
const requests = { memory: '128Mi' };
const limits = { memory: '200Mi' };
const template = {
  name: 'app',
  requests: { cpu: '500m', memory: '64Mi' },
  limits: { cpu: '1000m', memory: '100Mi' },
};
type More = PolicySpec['resources'] & { readonly now?: number };
const planned = (pods: readonly PodView[], known?: UnitMemory, { now = 0, ...resources }: More = {}) =>
  plan({
    unit: unitWith({ requests, limits, ...resources }),
    observed: { pods, canResize: true, template, newPods: undefined, strays: [] },
    memory: known,
    now,
  });
const resizes = (pods: readonly PodView[], known?: UnitMemory, more?: More) =>
  planned(pods, known, more).changes.flatMap((change) =>
    change.kind === 'resize' ? change.differences.map(({ field, to }) => `${field} → ${to}`) : [],
  );

const killed = pod('a', memory(150, 256), { oomKilledAt: 0 });
const applied = { oomKilledAt: '0', oomKilledPod: 'a', oomRequest: '150Mi', oomLimit: '256Mi' };
const known: UnitMemory = { applied: { method: 'InPlace', ...applied } };
const successor = pod('b', memory(64, 100));

describe('a kill for memory', () => {
  test('is written down with what the Pod had, in the plan and in each change that is remembered', () => {
    const { remember, condition } = planned([killed], { applied: { method: 'InPlace' } });
    expect(remember).toEqual(known);
    expect(condition).toMatchObject({ status: 'False', reason: 'MemoryHeld' });
    expect(condition.message).toContain(
      'saw Pod a killed for its memory at 1970-01-01T00:00Z; wanted requests cpu 500m, memory 128Mi; limits cpu 1000m, memory 200Mi',
    );
    expect(condition.message).toContain('than it has, or than the 256Mi that one was killed with');
    const written = planned([killed], undefined, { method: 'Template' }).changes.at(-1);
    expect(written?.remember).toEqual({ applied: { method: 'Template', ...applied } });
    const handedOver = planned([killed], { applied: { method: 'Template' } }).changes.find(
      ({ remember: told }) => told !== undefined,
    );
    expect(handedOver?.remember).toEqual(known);
  });

  test('holds once its Pod is gone: the next one gets what that had, new Pods and the template too', () => {
    expect(resizes([successor], known)).toEqual(['b requests.memory → 150Mi', 'b limits.memory → 256Mi']);
    expect(planned([successor], known).changes).toMatchObject([
      { kind: 'newPods', data: { 'requests.memory': '150Mi', 'limits.memory': '256Mi' } },
      { kind: 'resize' },
    ]);
    const given = pod('b', memory(150, 256));
    expect(planned([given], known).condition).toMatchObject({ status: 'False', reason: 'MemoryHeld' });
    const written = planned([successor], known, { method: 'Template' });
    expect(written.changes).toMatchObject([
      { amounts: [{ text: '500m' }, { text: '150Mi' }, { text: '1000m' }, { text: '256Mi' }] },
    ]);
    expect(written.condition.reason).toBe('MemoryHeld');
  });

  test('is over a day later, and forgotten', () => {
    expect(resizes([successor], known, { now: day })).toHaveLength(2);
    const over = planned([successor], known, { now: day + 1 });
    expect(resizes([successor], known, { now: day + 1 })).toEqual([
      'b requests.memory → 128Mi',
      'b limits.memory → 200Mi',
    ]);
    expect(over.remember).toEqual({ applied: { method: 'InPlace' } });
  });

  test('is of what stood when it was first seen, and gives way to a newer one', () => {
    const raised = pod('a', memory(150, 512), { oomKilledAt: 0 });
    expect(planned([raised], known).remember).toEqual(known);
    const again = pod('a', memory(150, 512), { oomKilledAt: 1 });
    expect(planned([again], known, { now: 1 }).remember?.applied).toMatchObject({
      oomKilledAt: '1',
      oomLimit: '512Mi',
    });
    const moving = pod('a', memory(150, 512), { oomKilledAt: 1, resize: { state: 'InProgress', message: '' } });
    expect(planned([moving], known, { now: 1 }).remember?.applied).toMatchObject({
      oomKilledAt: '1',
      oomLimit: '256Mi',
    });
  });

  test('takes nothing back of an earlier one that had more', () => {
    const lesser = pod('b', memory(100, 128), { oomKilledAt: 1 });
    expect(planned([lesser], known, { now: 1 }).remember?.applied).toMatchObject({
      oomKilledAt: '1',
      oomKilledPod: 'b',
      oomRequest: '150Mi',
      oomLimit: '256Mi',
    });
  });

  const before: UnitMemory = { applied: { method: 'InPlace' } };
  const moving = (to: Partial<ContainerView>, inForce?: ContainerView['inForce']) =>
    pod('a', { ...to, ...(inForce && { inForce }) }, { oomKilledAt: 0, resize: { state: 'Deferred', message: '' } });
  const inForce = { memoryRequest: 150 * mi, memoryLimit: 256 * mi };

  test.each([
    { name: 'more', to: memory(150, 512) },
    { name: 'less', to: memory(100, 128) },
  ])('while a resize to $name goes on is of what was in force, also once that is done', ({ to }) => {
    const { remember } = planned([moving(to, inForce)], before);
    expect(remember).toEqual(known);
    expect(planned([pod('a', to, { oomKilledAt: 0 })], remember).remember).toEqual(known);
  });

  const spec = { memoryRequest: 1024 * mi, memoryLimit: 1024 * mi };
  const unlimited = { memoryRequest: undefined, memoryLimit: undefined };
  test.each([
    { name: 'there is none', pods: [pod('a', unlimited, { oomKilledAt: 0 })] },
    { name: 'a resize is to bring the first', pods: [moving(spec, unlimited)] },
    { name: 'nobody says what a resize found', pods: [moving(spec)] },
  ])('without a limit ($name) holds nobody to the one that its Pod is given afterwards', ({ pods }) => {
    const { remember } = planned(pods, before);
    expect(remember).toEqual({ applied: { method: 'InPlace', oomKilledAt: '0', oomKilledPod: 'a' } });
    const given = planned([pod('a', spec, { oomKilledAt: 0 })], remember);
    expect(given.remember).toEqual(remember);
    expect(given.condition).toMatchObject({
      reason: 'MemoryHeld',
      message: expect.not.stringContaining('killed with'),
    });
    expect(resizes([successor], given.remember)).toEqual(['b requests.memory → 128Mi', 'b limits.memory → 200Mi']);
  });

  test('takes no more than was declared where that is more, and is no concern of what is not wanted', () => {
    expect(resizes([successor], known, { limits: { memory: '300Mi' }, requests: { memory: '160Mi' } })).toEqual([
      'b requests.memory → 160Mi',
      'b limits.memory → 300Mi',
    ]);
    const unit = { ...unitWith(), isWanted: false };
    const observed = { pods: [killed], canResize: true, template, newPods: undefined, strays: [] };
    expect(plan({ unit, observed, memory: undefined, now: 0 })).not.toHaveProperty('remember');
  });
});
