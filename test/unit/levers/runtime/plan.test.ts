import { describe, expect, test } from '@jest/globals';
import { Value } from 'typebox/value';
import { hashNumber } from '../../../../operator/api/runtime-hash.ts';
import { RuntimeSettings } from '../../../../operator/api/runtime-settings.ts';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import {
  plan,
  type SettingsSeen,
  type RuntimeObserved,
  type RuntimeUnit,
  type WriteChange,
} from '../../../../operator/levers/runtime/plan.ts';
import { render } from '../../../../operator/levers/runtime/render.ts';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';
import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import { podView } from '../../../world/pod-view.ts';

const policyOf = (runtime: NonNullable<PolicySpec['runtime']> = {}) =>
  effectivePolicy({ policy: { name: 'standard', spec: { runtime } } }).policy.runtime;
const owner = { apiVersion: 'genops.dev/v1alpha1', kind: 'GenerationService', name: 'generation', uid: 'u' };
const unit: RuntimeUnit = {
  name: 'workflow',
  mode: 'Enforce',
  namespace: 'ai',
  configMapName: 'generation-workflow-runtime',
  owner,
  siblings: ['workflow', 'cache'],
  selector: [],
  policy: policyOf(),
  admin: undefined,
  poolBound: undefined,
  replicas: 2,
};
const { settings, text } = render(unit.policy);
const hash = settings.hash;
const written = (changes: Partial<SettingsSeen> = {}): SettingsSeen => ({
  controller: 'u',
  component: 'workflow',
  text,
  metadata: { name: 'generation-workflow-runtime', uid: 'c', resourceVersion: '1', creationTimestamp: '' },
  data: {},
  ...changes,
});
const ports = [{ name: 'admin', containerPort: 9090 }];
const running = (name: string, settingsHash: string) => ({
  pod: podView(name, { ports }),
  isRead: true,
  running: hashNumber(settingsHash),
});
const planned = (
  observed: Partial<RuntimeObserved>,
  { memory, ...changes }: Partial<RuntimeUnit> & { readonly memory?: UnitMemory } = {},
) =>
  plan({
    unit: { ...unit, ...changes },
    observed: { configMap: written(), pods: [running('a', hash), running('b', hash)], ...observed },
    memory,
    now: 0,
  });

describe('the pool of PostgreSQL', () => {
  const poolOf = (
    poolBound: number | undefined,
    configMap = written({ text: '' }),
    more: Partial<RuntimeUnit> = {},
  ) => {
    const [change] = planned({ configMap }, { poolBound, ...more }).changes as readonly WriteChange[];
    return (JSON.parse(change?.text ?? '{}') as typeof settings).postgresPool;
  };
  test.each([
    { name: 'is as declared where nothing bounds it', bound: undefined, max: 20 },
    { name: 'is what the budget leaves', bound: 14, max: 14 },
    { name: 'is never more than declared', bound: 30, max: 20 },
    { name: 'is never less than its min', bound: 2, max: 5 },
  ])('$name', ({ bound, max }) => expect(poolOf(bound)).toMatchObject({ min: 5, max }));

  describe('while not all that budgets leave is known', () => {
    const with14 = render({ ...unit.policy, postgresPool: { ...unit.policy.postgresPool, max: 14 } });
    const lowered = written({ text: with14.text });
    test('stays as it is', () => {
      expect(planned({ configMap: lowered }, { holdsPool: true }).changes).toEqual([]);
      expect(planned({ configMap: lowered }, { poolBound: 17, holdsPool: true }).changes).toEqual([]);
      expect(planned({ configMap: lowered }).changes).toHaveLength(1);
    });
    test('comes down to what is known', () =>
      expect(poolOf(9, lowered, { holdsPool: true })).toMatchObject({ min: 5, max: 9 }));
    test('is the least where there was none', () =>
      expect(poolOf(undefined, written({ text: '' }), { holdsPool: true })).toMatchObject({ min: 5, max: 5 }));
  });
});

describe('what is written', () => {
  test('is the guide’s figures by default, in base units, and keeps its own schema', () => {
    expect(Value.Check(RuntimeSettings, settings)).toBe(true);
    expect(settings).toMatchObject({
      version: 1,
      pools: { ai_api: 5, io: 20, cpu: 2 },
      memory: { collectAboveBytes: 1024 * 2 ** 20 },
      cpuPool: { threads: 4, memoEntries: 1000 },
      batch: { maxRequests: 10, maxWaitMs: 100 },
      http: {
        connections: 100,
        connectionsPerHost: 30,
        dnsTtlMs: 300_000,
        keepAliveMs: 30_000,
        timeoutMs: 30_000,
        connectTimeoutMs: 5_000,
      },
      cache: { l1: { entries: 1000, ttlMs: 300_000 }, l2: { ttlMs: 3_600_000 }, warming: { hotAfterReads: 10 } },
      postgresPool: { min: 5, max: 20, recycleAfterQueries: 50_000, idleTimeoutMs: 300_000, commandTimeoutMs: 30_000 },
      queryMonitor: { slowAboveMs: 1_000 },
    });
  });
  test('is the same for equal policies, in whatever order their pools stand, and another for another figure', () => {
    expect(render(policyOf({ pools: { b: 1, a: 2 } })).text).toBe(render(policyOf({ pools: { a: 2, b: 1 } })).text);
    expect(render(policyOf({ pools: { io: 21 } })).settings.hash).not.toBe(hash);
  });
  test('is made where there is none, setting by setting in words', () => {
    const { changes } = planned({ configMap: undefined });
    expect(changes).toMatchObject([
      { cause: 'Declared', name: unit.configMapName, text, remember: { applied: { hash } } },
    ]);
    expect(changes[0]?.differences).toContainEqual({ field: 'runtime.pools.ai_api', to: '5' });
  });
  test('is changed where the policy is another, which names just that', () => {
    const { changes } = planned({}, { policy: policyOf({ pools: { ai_api: 8 } }), memory: { applied: { hash } } });
    expect(changes).toMatchObject([
      { cause: 'Declared', differences: [{ field: 'runtime.pools.ai_api', from: '5', to: '8' }] },
    ]);
  });
  test.each<{ name: string; configMap: SettingsSeen | undefined; fields: readonly string[] }>([
    {
      name: 'a figure',
      configMap: written({ text: text.replace('"io": 20', '"io": 99') }),
      fields: ['runtime.pools.io'],
    },
    { name: 'its layout', configMap: written({ text: text.trim() }), fields: ['settings.json'] },
  ])('is put back as drift where somebody has changed $name', ({ configMap, fields }) => {
    const { changes } = planned({ configMap }, { memory: { applied: { hash } } });
    expect(changes).toMatchObject([{ cause: 'Drift', text, differences: fields.map((field) => ({ field })) }]);
  });
  test('is put back as drift where it is gone, or is no JSON any more', () => {
    for (const configMap of [undefined, written({ text: '{' })])
      expect(planned({ configMap }, { memory: { applied: { hash } } }).changes).toMatchObject([{ cause: 'Drift' }]);
  });
  test('is no drift where it was only meant to be written', () => {
    const memory = { applied: { hash }, unconfirmed: ['runtime.pools.io'] };
    expect(planned({ configMap: undefined }, { memory }).changes).toMatchObject([{ cause: 'Declared' }]);
  });
  test('is left alone where it is as declared', () => {
    expect(planned({}).changes).toEqual([]);
  });
});

describe('a ConfigMap of somebody else', () => {
  test.each<{ name: string; changes: Partial<SettingsSeen>; says: string }>([
    { name: 'without an owner', changes: { controller: undefined, component: undefined }, says: 'somebody else made' },
    { name: 'of another owner', changes: { controller: 'other' }, says: 'settings of component workflow' },
    { name: 'of a component beside it', changes: { component: 'cache' }, says: 'settings of component cache' },
  ])('$name is a Conflict that names it, and nothing is written', ({ changes, says }) => {
    const { changes: planless, condition } = planned({ configMap: written(changes) });
    expect(planless).toEqual([]);
    expect(condition).toMatchObject({ status: 'False', reason: 'Conflict' });
    expect(condition.message).toContain('ConfigMap ai/generation-workflow-runtime');
    expect(condition.message).toContain(says);
  });
  test('of a component that is gone is taken over', () => {
    expect(planned({ configMap: written({ component: 'before', text: '{}' }) }).changes).toHaveLength(1);
  });
});

describe('RuntimeApplied', () => {
  const other = '000000000001';
  test.each<{
    name: string;
    pods: RuntimeObserved['pods'];
    replicas?: number;
    expected: object;
    runtime?: object;
    message: string;
  }>([
    {
      name: 'True once every Ready Pod runs with what is declared',
      pods: [running('a', hash), running('b', hash)],
      expected: { status: 'True', reason: 'Applied' },
      runtime: { hash, podsCurrent: 2, podsTotal: 2 },
      message: `All 2 Pods run with the settings ${hash}`,
    },
    {
      name: 'PodsBehind while one runs with others, which it names',
      pods: [running('a', hash), running('b', other)],
      expected: { status: 'False', reason: 'PodsBehind' },
      runtime: { hash, podsCurrent: 1, podsTotal: 2 },
      message: `saw 1 of 2 Ready Pods with the settings ${hash} of ConfigMap ai/generation-workflow-runtime: b runs ${other}; wanted all of them; next: wait`,
    },
    {
      name: 'PodsBehind while one says nothing and the others were not read yet: they do not count as current',
      pods: [{ pod: podView('a'), isRead: true }, ...['b', 'c'].map((name) => ({ pod: podView(name), isRead: false }))],
      replicas: 3,
      expected: { status: 'False', reason: 'PodsBehind' },
      runtime: { hash, podsCurrent: 0, podsTotal: 3 },
      message: `saw 0 of 3 Ready Pods with the settings ${hash} of ConfigMap ai/generation-workflow-runtime: a says none, 2 not read yet; wanted all of them; next: wait`,
    },
    {
      name: 'PodsBehind with what to do where none says anything',
      pods: [
        { pod: podView('a'), isRead: true },
        { pod: podView('b'), isRead: true, failure: 'NoPort' },
      ],
      expected: { status: 'False', reason: 'PodsBehind' },
      runtime: { hash, podsCurrent: 0, podsTotal: 2 },
      message: 'a says none, b cannot be read (NoPort); wanted all of them; next: mount it',
    },
    {
      name: 'Pending, with nothing in status and where it is to be seen, where nobody looks at Pods (genops diff, replay)',
      pods: undefined,
      expected: { status: 'Unknown', reason: 'Pending' },
      message: 'read by the operator alone: status.components[].runtime has it',
    },
    {
      name: 'Pending while a newcomer was not looked at and the others are well',
      pods: [running('a', hash), { pod: podView('b'), isRead: false }],
      expected: { status: 'Unknown', reason: 'Pending' },
      message: 'not read yet',
    },
    {
      name: 'PodsBehind while no Pod is Ready',
      pods: [],
      expected: { status: 'False', reason: 'PodsBehind' },
      runtime: { hash, podsCurrent: 0, podsTotal: 0 },
      message: 'saw no Ready Pod of 2',
    },
    {
      name: 'True for a workload that is scaled to nothing',
      pods: [],
      replicas: 0,
      expected: { status: 'True', reason: 'Applied' },
      runtime: { hash, podsCurrent: 0, podsTotal: 0 },
      message: 'No Pod runs',
    },
  ])('is $name', ({ pods, replicas = 2, expected, runtime, message }) => {
    const { condition, status } = planned({ pods }, { replicas });
    expect(condition).toMatchObject(expected);
    expect(condition.message).toContain(message);
    expect(status).toEqual(runtime === undefined ? {} : { runtime });
  });
});

describe('Pods with an admin port', () => {
  const admin = { port: 'admin', scheme: 'HTTP', secretRef: { name: 'generation-admin', key: 'key' } } as const;
  const other = '000000000001';
  const told = (pods: RuntimeObserved['pods'], changes: Partial<RuntimeUnit> = {}) =>
    planned({ pods }, { admin, ...changes });

  test('are told of what they do not run with, after it is written, and RuntimeApplied holds once they have taken it', () => {
    const pods = [running('a', hash), running('b', other), { pod: podView('c', { ports }), isRead: true }];
    const { changes, condition, status, statusAfter, againMs } = planned({ configMap: undefined, pods }, { admin });
    expect(againMs).toBe(15_000); // where one does not take it
    expect(changes).toMatchObject([
      { kind: 'Write', text },
      { kind: 'Push', admin, text, hash, pods: [{ name: 'b' }, { name: 'c' }], total: 3 },
    ]);
    expect(condition).toMatchObject({ status: 'True', reason: 'Applied' });
    expect([status, statusAfter]).toEqual([
      { runtime: { hash, podsCurrent: 1, podsTotal: 3 } },
      { runtime: { hash, podsCurrent: 3, podsTotal: 3 } },
    ]);
  });
  test('are not taken for told where nothing may be changed', () => {
    const { condition } = told([running('a', hash), running('b', other)], { mode: 'DryRun' });
    expect(condition).toMatchObject({ status: 'False', reason: 'PodsBehind' });
    expect(condition.message).toContain(`saw 1 of 2 Ready Pods with the settings ${hash}`);
  });
  test('are told by the number of the port too', () => {
    const bare = { pod: podView('a'), isRead: true, running: 1 };
    expect(told([bare], { admin: { ...admin, port: 9090 } }).changes).toMatchObject([{ pods: [{ name: 'a' }] }]);
  });
  test('are waited for where they have no such port', () => {
    const { changes, condition } = told([running('a', other), { pod: podView('b'), isRead: true, running: 1 }]);
    expect(changes).toMatchObject([{ kind: 'Push', pods: [{ name: 'a' }] }]);
    expect(condition).toMatchObject({ status: 'False', reason: 'PodsBehind' });
    expect(condition.message).toContain('saw 1 of 2 Ready Pods');
  });
  test.each<{ name: string; pods: RuntimeObserved['pods']; changes?: Partial<RuntimeUnit> }>([
    { name: 'they run with it', pods: [running('a', hash)] },
    { name: 'nobody has looked at them', pods: undefined },
    { name: 'the service names no port', pods: [running('a', other)], changes: { admin: undefined } },
  ])('are told nothing where $name', ({ pods, changes }) => expect(told(pods, changes).changes).toEqual([]));
  test('are told nothing of a ConfigMap of somebody else', () => {
    const configMap = written({ controller: 'other' });
    expect(planned({ configMap, pods: [running('a', other)] }, { admin }).changes).toEqual([]);
  });
});
