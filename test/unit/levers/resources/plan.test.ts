import { describe, expect, test } from '@jest/globals';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';
import {
  plan,
  restore,
  type ResourcesObserved,
  type ResourcesUnit,
} from '../../../../operator/levers/resources/plan.ts';
import type { ContainerView, PodView } from '../../../../operator/metrics/pod-view.ts';
import { podView } from '../../../world/pod-view.ts';
import { unitWith } from './units.ts';

const small: ContainerView = {
  name: 'app',
  cpuRequest: 0.1,
  cpuLimit: 0.2,
  memoryRequest: 2 ** 26,
  memoryLimit: 2 ** 27,
};
const declared: ContainerView = {
  name: 'app',
  cpuRequest: 0.5,
  cpuLimit: 1,
  memoryRequest: 2 ** 30,
  memoryLimit: 2 ** 31,
};
const pod = (name: string, container: Partial<ContainerView> = {}, more: Partial<PodView> = {}): PodView =>
  podView(name, { containers: [{ ...small, ...container }], ...more });
const seen = (pods: readonly PodView[], more: Partial<ResourcesObserved> = {}): ResourcesObserved => ({
  pods,
  canResize: true,
  template: { name: 'app', requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
  newPods: told(),
  strays: [],
  ...more,
});
/** What new Pods are told already, of the unit's own making: the defaults. */
const told = (data: Readonly<Record<string, string>> = {}, state = 'on', controller = 'service') => ({
  controller,
  metadata: {
    name: 'generation-workflow-new-pods',
    uid: 'new-pods',
    resourceVersion: '1',
    creationTimestamp: '',
    labels: { 'genops.dev/new-pods': state },
  },
  data: {
    container: 'app',
    selector: 'app In workflow,other',
    'requests.cpu': '500m',
    'requests.memory': '1Gi',
    'limits.cpu': '1000m',
    'limits.memory': '2Gi',
    ...data,
  },
});
const planned = (observed: ResourcesObserved, unit = unitWith(), memory?: UnitMemory) =>
  plan({ unit, observed, memory, now: 0 });
const resized = (observed: ResourcesObserved, unit = unitWith()) =>
  planned(observed, unit).changes.map((change) => (change.kind === 'resize' ? change.pod.name : change.kind));
const kinds = (observed: ResourcesObserved, unit = unitWith(), memory?: UnitMemory) =>
  planned(observed, unit, memory).changes.map(({ kind }) => kind);

describe('plan() of method InPlace', () => {
  test('resizes each Pod that runs with other resources, by itself', () => {
    const { changes, condition, againMs, remember } = planned(seen([pod('a'), pod('b', declared)]));
    expect(changes).toMatchObject([
      {
        kind: 'resize',
        node: 'a',
        pod: { name: 'a', uid: 'a' },
        container: { index: 0, name: 'app' },
        missing: [],
        amounts: [
          { list: 'requests', resource: 'cpu', text: '500m' },
          { list: 'requests', resource: 'memory', text: '1Gi' },
          { list: 'limits', resource: 'cpu', text: '1000m' },
          { list: 'limits', resource: 'memory', text: '2Gi' },
        ],
        differences: [
          { field: 'a requests.cpu', from: '100m', to: '500m' },
          { field: 'a requests.memory', from: '64Mi', to: '1Gi' },
          { field: 'a limits.cpu', from: '200m', to: '1000m' },
          { field: 'a limits.memory', from: '128Mi', to: '2Gi' },
        ],
      },
    ]);
    expect(condition).toMatchObject({ status: 'Unknown', reason: 'Pending' });
    expect({ againMs, remember }).toEqual({ againMs: 2_000, remember: { applied: { method: 'InPlace' } } });
  });

  test('changes nothing where all is as declared', () => {
    const { changes, condition, remember } = planned(seen([pod('a', declared), pod('b', declared)]));
    expect({ changes, remember }).toEqual({ changes: [], remember: undefined });
    expect(condition).toEqual({
      status: 'True',
      reason: 'Applied',
      message: 'All 2 Pods run with requests cpu 500m, memory 1Gi; limits cpu 1000m, memory 2Gi.',
    });
  });

  test('leaves what a VPA sizes, and Pods that end or have not begun', () => {
    const newPods = told({ 'requests.memory': '', 'limits.memory': '' });
    const [change] = planned(seen([pod('a')], { newPods }), unitWith({}, { sized: ['memory'] })).changes;
    expect(change?.differences.map(({ field }) => field)).toEqual(['a requests.cpu', 'a limits.cpu']);
    expect(resized(seen([pod('a', {}, { deleting: true }), pod('b', {}, { phase: 'Pending' })]))).toEqual([]);
  });

  test.each<{ readonly sized: ResourcesUnit['sized']; readonly aim: string }>([
    {
      sized: ['memory'],
      aim: 'requests cpu 500m; limits cpu 1000m, and the memory that the VerticalPodAutoscaler gives',
    },
    { sized: ['cpu', 'memory'], aim: 'the cpu and memory that the VerticalPodAutoscaler gives' },
  ])('says which resources are a VPA’s: $sized', ({ sized, aim }) => {
    const unit = unitWith({}, { sized });
    const messageOf = (...pods: readonly PodView[]) => planned(seen(pods), unit).condition.message;
    expect(messageOf(pod('a', declared), pod('b', declared))).toBe(`All 2 Pods run with ${aim}.`);
    expect(messageOf()).toBe(`No Pod runs; the next gets ${aim}.`);
    const resize = { state: 'InProgress', message: '' } as const;
    expect(messageOf(pod('a', declared, { resize }))).toBe(`Pods are being resized: ${aim}.`);
  });

  test('aims at the container of the template, wherever it stands in the Pod: a proxy that was put before it keeps its own', () => {
    const proxy = { ...small, name: 'proxy', index: 0 };
    const pods = [podView('a', { containers: [proxy, { ...small, index: 1 }] })];
    expect(planned(seen(pods)).changes).toMatchObject([{ container: { index: 1, name: 'app' } }]);
    const done = podView('a', { containers: [proxy, { ...declared, index: 1 }] });
    expect(planned(seen([done]))).toMatchObject({ changes: [], condition: { status: 'True', reason: 'Applied' } });
    const input = { unit: unitWith(), memory: { applied: { method: 'InPlace' } }, now: 0 };
    expect(restore({ ...input, observed: seen([done]) }).changes).toMatchObject([{ container: { name: 'app' } }]);
  });

  test('makes a list that a container does not have', () => {
    const { changes } = planned(seen([pod('a', { cpuLimit: undefined, memoryLimit: undefined })]));
    expect(changes).toMatchObject([{ missing: ['limits'] }]);
  });

  test('is not in force while a kubelet is at it, and says in its words where a node has no room', () => {
    const moving = planned(seen([pod('a', declared, { resize: { state: 'InProgress', message: '' } })]));
    expect(moving).toMatchObject({ changes: [], condition: { reason: 'Pending' }, againMs: 2_000 });
    const resize = { state: 'Infeasible', message: 'Node didn’t have enough capacity: memory' } as const;
    const { condition } = planned(seen([pod('a', declared, { resize }), pod('b', declared)]));
    expect(condition).toMatchObject({ status: 'False', reason: 'PodsBehind' });
    expect(condition.message).toMatch(/^saw 1 of 2 Pods .*: a \(Infeasible: Node didn’t have .*; next: declare less/);
  });

  test('where a container restarts for it, one Pod after the other, each once all others are ready', () => {
    const restarting = { restartsOnResize: true } as const;
    const [a, b] = [pod('a', restarting), pod('b', restarting)];
    expect(resized(seen([a, b]))).toEqual(['a']);
    const resize = { state: 'InProgress', message: '' } as const;
    expect(resized(seen([pod('a', { ...declared, ...restarting }, { resize }), b]))).toEqual([]);
    expect(resized(seen([pod('a', { ...declared, ...restarting }, { ready: false }), b]))).toEqual([]);
    expect(resized(seen([pod('a', { ...declared, ...restarting }), b]))).toEqual(['b']);
  });

  test('says so where the cluster resizes no Pod that runs', () => {
    const { changes, condition } = planned(seen([pod('a')], { canResize: false, newPods: undefined }));
    expect(changes).toEqual([]);
    expect(condition).toMatchObject({ status: 'False', reason: 'ResizeUnavailable' });
    expect(condition.message).toMatch(/^saw an API server without pods\/resize; wanted .*; next: upgrade/);
  });
});

describe('plan() of what new Pods begin with', () => {
  const declaredPod = seen([pod('a', declared)]);
  const newPodsIn = (observed: ResourcesObserved, unit = unitWith()) =>
    planned(observed, unit).changes.filter((change) => change.kind === 'newPods');

  test('is what is declared, but for what a VPA sizes, for the container and Pods of the template', () => {
    const sized = unitWith({}, { sized: ['memory'], selector: [{ key: 'tier', operator: 'Exists', values: [] }] });
    expect(newPodsIn({ ...declaredPod, newPods: undefined }, sized)).toMatchObject([
      {
        state: 'on',
        data: {
          container: 'app',
          selector: 'tier Exists ',
          'requests.cpu': '500m',
          'requests.memory': '',
          'limits.cpu': '1000m',
          'limits.memory': '',
        },
        differences: [{ field: 'new Pods', to: 'requests cpu 500m; limits cpu 1000m' }],
      },
    ]);
    expect(newPodsIn(declaredPod)).toEqual([]);
  });

  test('is written again where somebody changed it, and never over what is somebody else’s', () => {
    expect(newPodsIn({ ...declaredPod, newPods: told({ 'limits.cpu': '9' }) })).toHaveLength(1);
    expect(newPodsIn({ ...declaredPod, newPods: told({}, 'off') })).toHaveLength(1);
    const { changes, condition } = planned({ ...declaredPod, newPods: told({}, 'on', 'somebody') });
    expect({ changes, condition }).toMatchObject({ changes: [], condition: { status: 'False', reason: 'Conflict' } });
    expect(condition.message).toMatch(/^saw ConfigMap ai\/generation-workflow-new-pods that somebody else made/);
  });

  test.each<{ name: string; unit: ResourcesUnit; observed?: Partial<ResourcesObserved>; ends: boolean }>([
    { name: 'only told of', unit: unitWith({}, { mode: 'DryRun' }), ends: true },
    { name: 'paused', unit: unitWith({}, { mode: 'DryRun', isPaused: true }), ends: false },
    { name: 'switched off', unit: unitWith({}, { isWanted: false }), ends: true },
    { name: 'of the template', unit: unitWith({ method: 'Template' }), ends: true },
    { name: 'of no use', unit: unitWith(), observed: { canResize: false }, ends: true },
    { name: 'ended', unit: unitWith({}, { isWanted: false }), observed: { newPods: told({}, 'off') }, ends: false },
    {
      name: 'foreign',
      unit: unitWith({}, { isWanted: false }),
      observed: { newPods: told({}, 'on', 'x') },
      ends: false,
    },
  ])('ends where it is in force and $name: $ends', ({ unit, observed, ends }) => {
    const found = newPodsIn({ ...declaredPod, ...observed }, unit);
    expect(found).toMatchObject(ends ? [{ state: 'off', isWithdrawal: true }] : []);
  });
});

describe('after a Pod was killed for its memory', () => {
  const day = 86_400_000;
  const large = { memoryRequest: 2 ** 31, memoryLimit: 2 ** 32 };
  const killed = (ago: number, container: Partial<ContainerView> = large) =>
    seen([pod('a', { ...declared, ...container }, { oomKilledAt: -ago }), pod('b', { ...declared, ...container })]);

  test('no Pod gets less memory for a day, and that is said', () => {
    const { changes, condition } = planned(killed(day));
    expect({ changes, condition }).toMatchObject({
      changes: [{ kind: 'newPods', data: { 'requests.memory': '2048Mi', 'limits.memory': '4096Mi' } }],
      condition: { status: 'False', reason: 'MemoryHeld' },
    });
    expect(condition.message).toBe(
      'saw Pod a killed for its memory at 1969-12-31T00:00Z; wanted requests cpu 500m, memory 1Gi; limits cpu 1000m, memory 2Gi; next: declare at least what there is, or wait until 1970-01-01T00:00Z: so long no Pod gets less memory than it has, or than the 4096Mi that one was killed with',
    );
    expect(resized(killed(day + 1))).toEqual(['a', 'b']);
  });

  test('each gets more of it, and less cpu, as declared', () => {
    expect(resized(killed(0, { memoryRequest: 2 ** 26, memoryLimit: 2 ** 27 }))).toEqual(['a', 'b']);
    const change = planned(killed(0, { ...large, cpuLimit: 4 })).changes.find(({ kind }) => kind === 'resize');
    expect(change?.differences.map(({ field }) => field)).toEqual(['a limits.cpu']);
  });

  test('the template keeps what it has, or gets what the Pod had, and a new Pod begins with that', () => {
    const template = { name: 'app', requests: { cpu: '1', memory: '2Gi' }, limits: { cpu: '1', memory: '1Gi' } };
    const { changes, condition } = planned({ ...killed(0), template }, unitWith({ method: 'Template' }));
    expect(changes.at(-1)).toMatchObject({
      kind: 'template',
      amounts: [{ text: '500m' }, { text: '2048Mi' }, { text: '1000m' }, { text: '4096Mi' }],
      differences: [{ field: 'template requests.cpu' }, { field: 'template limits.memory' }],
    });
    expect(condition.reason).toBe('MemoryHeld');
    expect(planned({ ...killed(0), template }).changes[0]).toMatchObject({
      kind: 'newPods',
      data: { 'requests.memory': '2048Mi', 'limits.memory': '4096Mi' },
    });
    const larger = { ...template, requests: { cpu: '1', memory: '3Gi' } };
    expect(planned({ ...killed(0), template: larger }).changes[0]).toMatchObject({
      kind: 'newPods',
      data: { 'requests.memory': '', 'limits.memory': '4096Mi' },
    });
  });

  test('no limit is put below a request that stays', () => {
    const unlimited = killed(0, { memoryRequest: 2 ** 32, memoryLimit: undefined });
    const template = { name: 'app', requests: { cpu: '500m', memory: '4Gi' }, limits: { cpu: '1' } };
    const { changes, condition } = planned({ ...unlimited, template });
    expect(changes).toMatchObject([{ kind: 'newPods', data: { 'requests.memory': '', 'limits.memory': '' } }]);
    expect(condition.reason).toBe('MemoryHeld');
    const written = planned({ ...unlimited, template, newPods: undefined }, unitWith({ method: 'Template' }));
    expect(written).toMatchObject({ changes: [], condition: { reason: 'MemoryHeld' } });
    const other = { ...template, limits: { cpu: '2' } };
    expect(
      planned({ ...unlimited, template: other, newPods: undefined }, unitWith({ method: 'Template' })),
    ).toMatchObject({
      changes: [{ amounts: [{ text: '500m' }, { text: '4Gi' }, { resource: 'cpu', text: '1000m' }] }],
    });
  });
});

describe('after a change from method Template', () => {
  const inForce = seen([pod('a', declared)]);
  test('the template is handed over once, also when that was cut short', () => {
    expect(kinds(inForce, unitWith(), { applied: { method: 'Template' } })).toEqual(['handOver']);
    const [change] = planned(inForce, unitWith(), { applied: { method: 'Template' } }).changes;
    const begun = { ...change?.remember, unconfirmed: change?.differences.map(({ field }) => field) ?? [] };
    expect(kinds(inForce, unitWith(), begun)).toEqual(['handOver']);
    expect(kinds(inForce, unitWith(), change?.remember)).toEqual([]);
  });
});

describe('plan() of method Template', () => {
  const unit = unitWith({ method: 'Template' }, { sized: ['memory'] });
  test('writes all of it, also what a VPA sizes: Pods begin with it', () => {
    const { changes } = planned(seen([pod('a')], { newPods: undefined }), unit);
    expect(changes).toMatchObject([
      {
        kind: 'template',
        container: 'app',
        amounts: [{}, {}, {}, { text: '2Gi' }],
        remember: { applied: { method: 'Template' } },
      },
    ]);
    expect(changes[0]?.differences).toHaveLength(4);
  });
  test('changes nothing where it means the same', () => {
    const template = { name: 'app', requests: { cpu: '0.5', memory: '1024Mi' }, limits: { cpu: '1', memory: '2Gi' } };
    const { changes, condition } = planned(seen([pod('a')], { template, newPods: undefined }), unit);
    expect(changes).toEqual([]);
    expect(condition).toMatchObject({ status: 'True', reason: 'Applied' });
  });
});

describe('outside of a maintenance window', () => {
  const night = { name: 'night', mode: 'On' as const, schedule: '0 2 * * *', duration: '2h', timeZone: 'UTC' };
  const at = (hour: number, unit: ResourcesUnit, pods: readonly PodView[]) => {
    const newPods = unit.mode === 'Enforce' && unit.policy.method === 'InPlace' ? told() : undefined;
    return plan({ unit, observed: seen(pods, { newPods }), memory: undefined, now: Date.UTC(2026, 10, 28, hour) });
  };
  const restarting = [pod('a', { restartsOnResize: true })];
  test.each([
    { name: 'a roll-out', resources: { method: 'Template' }, pods: [pod('a')], field: 'template requests.cpu' },
    { name: 'a resize that restarts', resources: {}, pods: restarting, field: 'a requests.cpu' },
  ] as const)('$name waits, says for what, and is told of in DryRun all the same', ({ resources, pods, field }) => {
    const unit = unitWith(resources, { maintenanceWindows: [night] });
    const { changes, condition, remember } = at(12, unit, pods);
    expect({ changes, remember }).toEqual({ changes: [], remember: undefined });
    expect(condition).toMatchObject({ status: 'True', reason: 'MaintenancePending' });
    expect(condition.message).toContain(`${field} 100m → 500m`);
    expect(condition.message).toMatch(/ once maintenance window night opens at 2026-11-29T02:00:00Z\.$/);
    expect(at(3, unit, pods).changes).toHaveLength(1);
    expect(at(12, { ...unit, mode: 'DryRun' }, pods).changes).toHaveLength(1);
  });
  test('a resize that restarts nothing waits for nothing', () => {
    expect(at(12, unitWith({}, { maintenanceWindows: [night] }), [pod('a')]).changes).toHaveLength(1);
  });
});

describe('restore()', () => {
  test('gives Pods that were resized what their template says', () => {
    const input = { unit: unitWith(), memory: { applied: { method: 'InPlace' } }, now: 0 };
    const { changes } = restore({ ...input, observed: seen([pod('a', declared), pod('b')]) });
    expect(changes).toMatchObject([
      { node: 'a', amounts: [{ text: '100m' }, { text: '64Mi' }, { text: '200m' }, { text: '128Mi' }] },
    ]);
    expect(restore({ ...input, observed: seen([pod('b')]) }).condition.status).toBe('True');
  });
  test('takes nothing from a Pod whose template has no limits', () => {
    const template = { name: 'app', requests: { cpu: '100m', memory: '64Mi' }, limits: {} };
    const input = { unit: unitWith(), memory: { applied: { method: 'InPlace' } }, now: 0 };
    expect(restore({ ...input, observed: seen([pod('a', declared)], { template }) }).changes).toMatchObject([
      { amounts: [{ list: 'requests' }, { list: 'requests' }] },
    ]);
  });
  test('takes what is ours out of a template that we wrote', () => {
    const input = { unit: unitWith(), memory: { applied: { method: 'Template' } }, now: 0 };
    expect(restore({ ...input, observed: seen([pod('a')]) }).changes).toMatchObject([
      { kind: 'template', amounts: [] },
    ]);
  });
});
