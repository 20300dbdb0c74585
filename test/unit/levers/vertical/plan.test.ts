import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import { steering } from '../../../../operator/decide/steering.ts';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';
import { plan, restore, type VerticalObserved, type VerticalUnit } from '../../../../operator/levers/vertical/plan.ts';
import { recommendationOf } from '../../../../operator/levers/vertical/recommendation.ts';
import type { VpaView } from '../../../../operator/levers/vertical/vpa.ts';
import type { PodView } from '../../../../operator/metrics/pod-view.ts';
import { podView } from '../../../world/pod-view.ts';

const owner = { apiVersion: 'genops.dev/v1alpha1', kind: 'GenerationService', name: 'generation', uid: 'service-uid' };
const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' };
function unitWith(vertical: PolicySpec['vertical'] = {}, unit: Partial<VerticalUnit> = {}): VerticalUnit {
  const { policy } = effectivePolicy({ overrides: { vertical: { mode: 'Enforce', ...vertical } } });
  return {
    name: 'workflow',
    mode: 'Enforce',
    namespace: 'ai',
    vpaName: 'generation-workflow-vpa',
    owner,
    targetRef,
    containerName: undefined,
    selector: [],
    policy: policy.vertical,
    isWanted: true,
    steering: steering({ policy, podsMetrics: 'Shadow', vpa: 'Sizes' }),
    maintenanceWindows: [],
    kept: ['generation-workflow-vpa'],
    adopt: false,
    told: undefined,
    ...unit,
  };
}
const newest = { updateModes: ['Off', 'Initial', 'Recreate', 'InPlaceOrRecreate', 'InPlace', 'Auto'], canResize: true };
const seen = (vpas: readonly VpaView[] = [], abilities = newest): VerticalObserved => ({
  kind: 'seen',
  vpas,
  scaling: [],
  pods: [],
  container: 'app',
  abilities,
});
const inProgress = { state: 'InProgress', message: '' } as const;
const planned = (unit: VerticalUnit, observed: VerticalObserved = seen(), memory?: UnitMemory) =>
  plan({ unit, observed, memory, now: 0 });
const foreign: VpaView = {
  name: 'by-hand',
  uid: 'foreign-uid',
  controller: undefined,
  spec: { targetRef: { ...targetRef, apiVersion: 'apps/v1beta2' }, updatePolicy: { updateMode: 'Auto' } },
  targets: {},
};
const originals = { uid: foreign.uid, spec: JSON.stringify(foreign.spec) };
/** The VPA as the API server has it after our apply. */
function made(unit = unitWith(), over: Partial<VpaView> = {}): VpaView {
  const [change] = planned(unit).changes;
  if (change?.kind !== 'apply') throw new Error('no VPA was planned');
  return {
    name: change.name,
    uid: 'vpa-uid',
    controller: { ...owner, controller: true },
    spec: change.spec,
    targets: {},
    ...over,
  };
}
const onlyRecommends = {
  kind: 'apply',
  name: 'generation-workflow-vpa',
  spec: { updatePolicy: { updateMode: 'Off' } },
};

describe('plan()', () => {
  test('makes a VPA that sizes memory of the one container and leaves cpu to the HPA', () => {
    const { changes, condition } = planned(unitWith());
    expect(changes).toMatchObject([
      {
        kind: 'apply',
        name: 'generation-workflow-vpa',
        force: false,
        spec: {
          targetRef,
          updatePolicy: { updateMode: 'InPlaceOrRecreate' },
          resourcePolicy: {
            containerPolicies: [
              {
                containerName: 'app',
                mode: 'Auto',
                minAllowed: { memory: '512Mi' },
                maxAllowed: { memory: '4Gi' },
                controlledResources: ['memory'],
                controlledValues: 'RequestsAndLimits',
              },
              { containerName: '*', mode: 'Off' },
            ],
          },
        },
      },
    ]);
    expect(condition).toMatchObject({ status: 'True', reason: 'Applied' });
    expect(condition.message).toMatch(
      /sizes memory of container app \(InPlaceOrRecreate\); cpu is steered by the Horiz/,
    );
  });

  test('changes nothing where it is as declared, also where a bound is written otherwise', () => {
    const spec = structuredClone(made().spec) as { resourcePolicy: { containerPolicies: { maxAllowed?: object }[] } };
    Object.assign(spec.resourcePolicy.containerPolicies[0] ?? {}, { maxAllowed: { memory: '4096Mi' } });
    expect(planned(unitWith(), seen([made(unitWith(), { spec })])).changes).toEqual([]);
  });

  test.each([
    { name: 'a VPA before 1.4', abilities: { updateModes: ['Off', 'Initial', 'Recreate', 'Auto'], canResize: true } },
    { name: 'a cluster that resizes no running Pod', abilities: { ...newest, canResize: false } },
  ])('turns InPlaceOrRecreate into Recreate for $name', ({ abilities }) => {
    const { changes, condition } = planned(unitWith(), seen([], abilities));
    expect(changes).toMatchObject([{ spec: { updatePolicy: { updateMode: 'Recreate' } } }]);
    expect(condition.message).toContain('(Recreate, as this cluster has no InPlaceOrRecreate)');
    const never = planned(unitWith({ updateMode: 'InPlace' }), seen([], abilities));
    const unsupported = { status: 'False', reason: 'UpdateModeUnsupported' };
    expect(never).toMatchObject({ changes: [], condition: unsupported });
    const before = made();
    const forbidden = planned(unitWith({ updateMode: 'InPlace' }), seen([before], abilities));
    expect(forbidden).toMatchObject({ changes: [onlyRecommends], condition: unsupported }); // it evicts no longer
    const calm = { ...before, spec: (forbidden.changes[0] as { readonly spec: VpaView['spec'] }).spec };
    expect(planned(unitWith({ updateMode: 'InPlace' }), seen([calm], abilities)).changes).toEqual([]);
  });

  test.each([
    { name: 'mode DryRun', vertical: { mode: 'DryRun' }, reason: 'DryRun' },
    { name: 'an HPA that is preferred', vertical: { conflictResolution: 'PreferHorizontal' }, reason: 'Applied' },
  ] as const)('only lets it recommend with $name', ({ vertical, reason }) => {
    const { changes, condition } = planned(unitWith(vertical));
    expect(changes).toMatchObject([
      {
        spec: {
          updatePolicy: { updateMode: 'Off' },
          resourcePolicy: { containerPolicies: [{ controlledResources: ['cpu', 'memory'] }, {}] },
        },
      },
    ]);
    expect(condition).toMatchObject({ status: 'True', reason, message: expect.stringContaining('only recommends') });
  });

  test('leaves to an HPA that is not ours what it scales by, or says that it may not', () => {
    const beside = { ...seen(), scaling: [{ name: 'by-hand', resources: ['memory'] }] } as VerticalObserved;
    const both = { steering: { ...unitWith().steering, vertical: ['cpu', 'memory'], both: [] } } as const;
    const { changes, condition } = planned(unitWith({}, both), beside);
    expect(changes).toMatchObject([
      { spec: { resourcePolicy: { containerPolicies: [{ controlledResources: ['cpu'] }, {}] } } },
    ]);
    expect(condition.message).toMatch(/sizes cpu of .*; memory is steered by the HorizontalPodAutoscaler/);
    const preferred = planned(unitWith({ conflictResolution: 'PreferVertical' }, both), beside);
    expect(preferred).toMatchObject({ changes: [], condition: { status: 'False', reason: 'Conflict' } });
    expect(preferred.condition.message).toMatch(
      /^saw HorizontalPodAutoscaler ai\/by-hand, which scales by memory; wanted/,
    );
    const sizing = { ...beside, vpas: [made(unitWith({}, both))] } as VerticalObserved;
    expect(planned(unitWith({ conflictResolution: 'PreferVertical' }, both), sizing)).toMatchObject({
      changes: [onlyRecommends],
      condition: { status: 'False', reason: 'Conflict' },
    });
  });

  test('only recommends where PreferVertical would leave the HPA without a metric, and says what to do', () => {
    const target = { type: 'Utilization', averageUtilization: 80 } as const;
    const horizontal: PolicySpec['horizontal'] = {
      metrics: [{ type: 'Resource', resource: { name: 'memory', target } }],
    };
    const vertical: PolicySpec['vertical'] = { conflictResolution: 'PreferVertical', controlledResources: ['memory'] };
    const { policy } = effectivePolicy({ overrides: { horizontal, vertical: { mode: 'Enforce', ...vertical } } });
    const unit = unitWith(vertical, { steering: steering({ policy, podsMetrics: 'Shadow', vpa: 'Sizes' }) });
    const { changes, condition } = planned(unit, seen([made()]));
    expect(changes).toMatchObject([onlyRecommends]);
    expect(condition).toMatchObject({ status: 'False', reason: 'Conflict' });
    expect(condition.message).toMatch(/beside memory; wanted memory for vertical alone, .*; next: add another metric/);
  });

  test.each([
    { abilities: newest, calm: 'InPlace' },
    { abilities: { ...newest, updateModes: ['Off', 'Initial', 'Recreate', 'InPlaceOrRecreate'] }, calm: 'Initial' },
  ])('evicts nothing outside of a maintenance window: $calm', ({ abilities, calm }) => {
    const night = { name: 'night', mode: 'On' as const, schedule: '0 2 * * *', duration: '2h', timeZone: 'UTC' };
    const unit = unitWith({}, { maintenanceWindows: [night] });
    const at = (hour: number) => {
      const now = Date.UTC(2026, 10, 28, hour);
      return plan({ unit, observed: seen([], abilities), memory: undefined, now });
    };
    expect(at(12).changes).toMatchObject([{ spec: { updatePolicy: { updateMode: calm } } }]);
    expect(at(12).condition).toMatchObject({ status: 'True', reason: 'MaintenancePending' });
    expect(at(12).condition.message).toMatch(
      /; InPlaceOrRecreate once maintenance window night opens at 2026-11-29T02/,
    );
    expect(at(3).changes).toMatchObject([{ spec: { updatePolicy: { updateMode: 'InPlaceOrRecreate' } } }]);
    expect(at(3).condition.reason).toBe('Applied');
  });

  test('acts on nothing with Refuse, and takes back what it made', () => {
    const { changes, condition } = planned(unitWith({ conflictResolution: 'Refuse' }), seen([made()]));
    expect(changes).toMatchObject([{ kind: 'delete', name: 'generation-workflow-vpa', uid: 'vpa-uid' }]);
    expect(condition).toMatchObject({ status: 'False', reason: 'Conflict' });
  });

  test('gives one that was taken over back with Refuse: it is not ours to delete', () => {
    const refusing = unitWith({ conflictResolution: 'Refuse' });
    const taken = { ...foreign, spec: made().spec };
    const { changes, condition } = planned(refusing, seen([taken]), { originals });
    expect(changes).toMatchObject([{ kind: 'replaceSpec', uid: 'foreign-uid', spec: foreign.spec }]);
    expect(condition).toMatchObject({ status: 'False', reason: 'Conflict' });
    expect(planned(refusing, seen([foreign]), { originals }).changes).toEqual([]);
  });

  test('leaves somebody else’s VPA alone, shows what it recommends and says how it could be ours', () => {
    const told = seen([{ ...foreign, targets: { app: { cpu: '143m', memory: '262144k' } } }]);
    const { changes, condition, status } = planned(unitWith(), told);
    expect(changes).toEqual([]);
    expect(condition).toMatchObject({ status: 'False', reason: 'Conflict' });
    expect(condition.message).toMatch(/^saw VerticalPodAutoscaler ai\/by-hand for .*; next: annotate .*adopt=vpa/);
    expect(status).toEqual({ recommendation: { cpu: '150m', memory: '250Mi' } });
  });

  test('takes it over where that is asked, after writing down what it was', () => {
    const { changes } = planned(unitWith({}, { adopt: true }), seen([foreign]));
    expect(changes).toMatchObject([
      { kind: 'apply', name: 'by-hand', owner: undefined, force: true, remember: { originals } },
    ]);
  });

  test('takes it over beside one of its own, which goes first, also where that was cut short', () => {
    const beside = seen([made(), foreign]);
    const { message } = planned(unitWith(), beside).condition;
    expect(message).toMatch(/^saw VerticalPodAutoscaler ai\/by-hand for .*; next: annotate .*adopt=vpa/);
    const unit = unitWith({}, { adopt: true });
    const { changes, condition } = planned(unit, beside);
    expect(changes).toMatchObject([
      { kind: 'delete', name: 'generation-workflow-vpa', uid: 'vpa-uid' },
      { kind: 'apply', name: 'by-hand', owner: undefined, force: true, remember: { originals } },
    ]);
    expect(condition).toMatchObject({ status: 'True', reason: 'Applied' });
    const taken = { ...foreign, spec: made().spec };
    expect(planned(unit, seen([made(), taken]), { originals }).changes).toMatchObject([{ kind: 'delete' }]);
    expect(planned(unit, seen([taken]), { originals }).changes).toEqual([]);
  });

  test('takes over one, and no other after it', () => {
    const other = { ...foreign, name: 'another', uid: 'another-uid' };
    const { changes, condition } = planned(unitWith({}, { adopt: true }), seen([foreign, other]), { originals });
    expect({ changes, reason: condition.reason }).toEqual({ changes: [], reason: 'Conflict' });
    expect(condition.message).toMatch(/^saw VerticalPodAutoscaler ai\/another .*; next: set vertical.mode: "Off", or/);
  });

  test('takes none that another object controls', () => {
    const controlled = { ...foreign, controller: { ...owner, kind: 'Operator', name: 'other', uid: 'other' } };
    const { changes, condition } = planned(unitWith({}, { adopt: true }), seen([controlled]));
    expect({ changes, reason: condition.reason }).toEqual({ changes: [], reason: 'Conflict' });
    expect(condition.message).toContain('(of Operator other)');
  });

  test('says what is missing where the cluster has no VPA, and that nothing was to be changed with DryRun', () => {
    const { changes, condition, againMs } = planned(unitWith(), { kind: 'absent' });
    expect({ changes, againMs }).toEqual({ changes: [], againMs: 60_000 });
    expect(condition).toMatchObject({ status: 'False', reason: 'VPANotInstalled' });
    expect(condition.message).toMatch(/^saw no VerticalPodAutoscaler .*; wanted .*; next: install/);
    const only = planned(unitWith({ mode: 'DryRun' }), { kind: 'absent' }).condition;
    expect(only).toMatchObject({ status: 'True', reason: 'VPANotInstalled' });
  });

  test('deletes what it made for a component that is gone', () => {
    const stray = made(unitWith(), { name: 'generation-old-vpa', uid: 'old-uid' });
    const { changes } = planned(unitWith(), seen([made(), stray]));
    expect(changes).toMatchObject([{ kind: 'delete', name: 'generation-old-vpa', uid: 'old-uid' }]);
    const { kept: _, ...second } = unitWith();
    expect(planned(second, seen([made(), stray])).changes).toEqual([]); // one unit sees to it
  });

  test('deletes its own when it is wanted no more, and says Off', () => {
    const unit = unitWith({ mode: 'Off' }, { isWanted: false, kept: [] });
    const { changes, condition } = planned(unit, seen([made()]));
    expect(changes).toMatchObject([{ kind: 'delete', name: 'generation-workflow-vpa' }]);
    expect(changes).toHaveLength(1);
    expect(condition).toMatchObject({ status: 'True', reason: 'Off' });
  });

  test('gives one that was taken over back when it is wanted no more, and forgets it then', () => {
    const unit = unitWith({ mode: 'Off' }, { isWanted: false, kept: [] });
    const taken = { ...foreign, spec: made().spec };
    const { changes } = planned(unit, seen([taken]), { originals });
    expect(changes).toMatchObject([{ kind: 'replaceSpec', uid: 'foreign-uid', spec: foreign.spec }]);
    const { changes: none, remember } = planned(unit, seen([foreign]), { originals });
    expect({ none, remember }).toEqual({ none: [], remember: {} });
  });
});

describe('plan() after an OOM kill', () => {
  const mi = 2 ** 20;
  const day = 86_400_000;
  const app = { name: 'app', cpuRequest: undefined, cpuLimit: undefined, memoryRequest: 512 * mi };
  const killed = (at: number, limit: number, more: Partial<PodView> = {}) =>
    podView('a', { oomKilledAt: at, containers: [{ ...app, memoryLimit: limit * mi }], ...more });
  const moving = (limit: number): PodView => {
    const inForce = { memoryRequest: 512 * mi, memoryLimit: limit * mi };
    const containers = [{ ...app, memoryLimit: 2_000 * mi, inForce }];
    return podView('a', { oomKilledAt: 0, containers, resize: inProgress });
  };
  const at = (now: number, pods: readonly PodView[], memory?: UnitMemory, vertical: PolicySpec['vertical'] = {}) => {
    const unit = unitWith(vertical);
    return plan({ unit, observed: { ...seen([made()]), pods } as VerticalObserved, memory, now });
  };
  const least = ({ changes }: ReturnType<typeof plan>) =>
    changes.map((change) => {
      if (change.kind !== 'apply') return change.kind;
      const [container] = change.spec.resourcePolicy?.containerPolicies ?? [];
      return (container as { readonly minAllowed: { readonly memory: string } }).minAllowed.memory;
    });

  test.each([
    { name: 'a fifth above the limit that was too little', pods: [killed(0, 1_000)], is: ['1200Mi'] },
    { name: 'no more than maxAllowed', pods: [killed(0, 4_000)], is: ['4Gi'] },
    { name: 'no less than minAllowed', pods: [killed(0, 64)], is: [] },
    { name: 'nothing by a limit that is not in force', pods: [killed(0, 1_000, { resize: inProgress })], is: [] },
    { name: 'by the limit in force while another one is to come', pods: [moving(1_000)], is: ['1200Mi'] },
    { name: 'nothing of a Pod without a limit', pods: [podView('a', { oomKilledAt: 0 })], is: [] },
    { name: 'nothing once a day is over', pods: [killed(-1, 1_000)], now: day, is: [] },
  ])('the least that the VPA gives is $name', ({ pods, now = 1, is }) => expect(least(at(now, pods))).toEqual(is));

  test('it stays for the day, also where the Pod is gone, and what the VPA gives raises it no further', () => {
    const { condition, remember } = at(1, [killed(0, 1_000)]);
    expect(condition.message).toMatch(/; with at least 1200Mi of memory until 1970-01-02T00:00Z, as a Pod was killed/);
    for (const pods of [[], [killed(0, 2_000)], [killed(-1, 3_000)]])
      expect(least(at(day, pods, remember))).toEqual(['1200Mi']);
    expect(at(day + 1, [], remember)).toMatchObject({ changes: [], remember: {} });
    const again = at(day, [killed(5, 2_000)], remember);
    expect(least(again)).toEqual(['2400Mi']);
    expect(least(at(day + 5, [killed(6, 100)], again.remember))).toEqual(['2400Mi']);
  });

  test('one without a limit raises nothing, also once its Pod has one', () => {
    const { remember } = at(1, [podView('a', { oomKilledAt: 0 })]);
    expect(least(at(2, [killed(0, 1_000)], remember))).toEqual([]);
  });
});

describe('restore()', () => {
  test('gives a VPA that was taken over its own spec again', () => {
    const taken = { ...foreign, spec: made().spec };
    const input = { unit: unitWith(), memory: { originals }, now: 0 };
    expect(restore({ ...input, observed: seen([taken]) }).changes).toMatchObject([
      { kind: 'replaceSpec', spec: foreign.spec },
    ]);
    expect(restore({ ...input, observed: seen([foreign]) }).changes).toEqual([]);
  });
  test('leaves one that was made to go with its owner', () => {
    expect(restore({ unit: unitWith(), memory: undefined, now: 0, observed: seen([made()]) }).changes).toEqual([]);
  });
});

describe('recommendationOf()', () => {
  test.each([
    {
      name: 'rounds up',
      target: { cpu: '587m', memory: '1363148800' },
      told: undefined,
      expected: { cpu: '590m', memory: '1300Mi' },
    },
    {
      name: 'keeps what was told within a tenth',
      target: { cpu: '640m', memory: '1400Mi' },
      told: { cpu: '590m', memory: '1300Mi' },
      expected: { cpu: '590m', memory: '1300Mi' },
    },
    {
      name: 'tells a move of more than a tenth',
      target: { cpu: '650m', memory: '1440Mi' },
      told: { cpu: '590m', memory: '1300Mi' },
      expected: { cpu: '650m', memory: '1450Mi' },
    },
    { name: 'says nothing of nothing', target: undefined, told: { cpu: '590m' }, expected: undefined },
  ])('$name', ({ target, told, expected }) => {
    expect(recommendationOf(target, told)).toEqual(expected);
  });
});
