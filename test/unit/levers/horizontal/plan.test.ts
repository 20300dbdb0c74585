import { describe, expect, test } from '@jest/globals';
import { plan, restore } from '../../../../operator/levers/horizontal/plan.ts';
import { unitWith, planned, inForce, cpu, foreign } from './hpa-units.ts';

describe('plan()', () => {
  test('makes the HPA of the defaults, with requests_per_second left to the floor where nobody serves it', () => {
    const { changes, condition, status, statusAfter } = planned(unitWith(), []);
    expect(changes).toMatchObject([
      {
        kind: 'apply',
        name: 'generation-workflow-hpa',
        spec: { minReplicas: 2, maxReplicas: 20, metrics: [{ type: 'Resource' }, { type: 'Resource' }] },
      },
    ]);
    expect(condition).toMatchObject({
      status: 'True',
      reason: 'Applied',
      message: expect.stringContaining('requests_per_second is folded into its floor'),
    });
    expect(status).toEqual({ replicas: { current: 3, min: 2, max: 20 } });
    expect(statusAfter).toEqual({ replicas: { current: 3, min: 2, floor: 2, max: 20 } });
  });
  test.each(['Enforce', 'FloorOnly', 'DryRun'] as const)('tells of no floor where there is no HPA: %s', (mode) => {
    expect(planned(unitWith({ mode }), []).status).toEqual({ replicas: { current: 3, min: 2, max: 20 } });
    expect(planned(unitWith({ mode }), [foreign]).status).toMatchObject({ replicas: { floor: 1 } });
  });
  test('gives the HPA requests_per_second where the metrics API is ours', () => {
    const [change] = planned(unitWith({}, { podsMetrics: 'MetricsAPI' }), []).changes;
    expect(change).toMatchObject({ spec: { metrics: [{ type: 'Resource' }, { type: 'Resource' }, { type: 'Pods' }] } });
  });
  test('changes nothing when everything is as declared, whoever wrote the quantities', () => {
    const unit = unitWith({ behavior: { scaleUp: { tolerance: '0.05' } } });
    const behavior = { ...(inForce(unit).spec.behavior as object) };
    Object.assign(behavior, { scaleUp: { ...(behavior as { scaleUp: object }).scaleUp, tolerance: '50m' } });
    expect(planned(unit, [inForce(unit, { behavior })]).changes).toEqual([]);
  });
  test('takes no Pod away while one has not what its spec says, by which the HPA divides, and looks again soon', () => {
    const unit = unitWith();
    const resizing = (hpa: Parameters<typeof planned>[1][number], by = unit) =>
      plan({ unit: by, observed: { hpas: [hpa], isResizing: true }, memory: undefined, now: 0 });
    const held = resizing(inForce(unit));
    expect(held.changes).toMatchObject([
      { differences: [{ field: 'spec.behavior.scaleDown.selectPolicy', from: 'Max', to: 'Disabled' }] },
    ]);
    expect(held.condition.message).toMatch(/; it takes none away while Pods are being resized\.$/);
    expect(held.againMs).toBe(5_000);
    const [change] = held.changes;
    if (change?.kind !== 'apply') throw new Error('the HPA is not held');
    const disabled = { ...inForce(unit), spec: change.spec };
    expect(resizing(disabled).changes).toEqual([]);
    expect(planned(unit, [disabled]).changes).toMatchObject([{ differences: [{ from: 'Disabled', to: 'Max' }] }]);
    const byRequests = unitWith({}, { taken: ['cpu', 'memory'], podsMetrics: 'MetricsAPI' }); // nothing that a resize moves
    expect(resizing(inForce(byRequests), byRequests).changes).toEqual([]);
  });
  describe('an HPA that was held while Pods were resized', () => {
    const dryRun = unitWith({}, { mode: 'DryRun' });
    const behavior = { ...(inForce(unitWith()).spec.behavior as object), scaleDown: { selectPolicy: 'Disabled' } };
    const disabled = inForce(unitWith(), { behavior });
    const lifted = (unit: typeof dryRun, { hpa = disabled, isResizing = false } = {}) =>
      plan({ unit, observed: { hpas: [hpa], isResizing }, memory: undefined, now: 0 }).changes.filter(
        ({ isWithdrawal }) => isWithdrawal,
      );
    test.each([
      { name: 'the service is paused or only reports', unit: dryRun },
      { name: 'the lever is off', unit: unitWith({ mode: 'Off' }) },
      { name: 'only its floor is ours', unit: unitWith({ mode: 'FloorOnly' }) },
    ])('takes Pods away again, and nothing else of it is touched, where $name', ({ unit }) => {
      expect(lifted(unit)).toMatchObject([
        {
          kind: 'apply',
          spec: { ...disabled.spec, behavior: { ...behavior, scaleDown: { selectPolicy: 'Max' } } },
          force: false,
          differences: [{ field: 'spec.behavior.scaleDown.selectPolicy', from: 'Disabled', to: 'Max' }],
        },
      ]);
      expect(lifted(unit, { isResizing: true })).toEqual([]); // its share is still too low
      expect(lifted(unit, { hpa: inForce(unitWith()) })).toEqual([]);
    });
    test('stays so where somebody else holds it, or it is declared', () => {
      const held = [{ manager: 'kubectl-edit', field: '.spec.behavior.scaleDown.selectPolicy' }];
      expect(lifted(dryRun, { hpa: { ...disabled, held } })).toEqual([]);
      expect(lifted(unitWith({ behavior: { scaleDown: { selectPolicy: 'Disabled' } } }, { mode: 'DryRun' }))).toEqual(
        [],
      );
    });
  });
  test('says of its own HPA that stays when the mode is Off what moves it and how to be rid of it, and nothing of one that is not ours', () => {
    const unit = unitWith({ mode: 'Off' });
    const { changes, condition } = planned(unit, [inForce(unitWith(), { minReplicas: 4 })]);
    expect({ changes, condition }).toEqual({
      changes: [],
      condition: {
        status: 'True',
        reason: 'Off',
        message:
          'workflow is switched off by the policy. HorizontalPodAutoscaler ai/generation-workflow-hpa of before stays and keeps 4 to 20 replicas: nobody moves its floor. To be rid of it: kubectl delete hpa -n ai generation-workflow-hpa.',
      },
    });
    for (const hpas of [[], [foreign]])
      expect(planned(unit, hpas).condition.message).toBe('workflow is switched off by the policy.');
  });
  test('names each field that differs', () => {
    const unit = unitWith({ maxReplicas: 40 });
    expect(planned(unit, [inForce(unit, { maxReplicas: 20 })]).changes).toMatchObject([
      { differences: [{ field: 'spec.maxReplicas', from: '20', to: '40' }] },
    ]);
  });
  test('keeps the floor that the scaler has moved', () => {
    const unit = unitWith({ maxReplicas: 40 });
    expect(planned(unit, [inForce(unit, { minReplicas: 7, maxReplicas: 20 })]).changes).toMatchObject([
      { spec: { minReplicas: 7 } },
    ]);
  });
  test.each([
    { name: 'where the scaler last had it', unit: { lastFloor: 7, replicas: 9 }, floor: 7 },
    { name: 'with no more than run now, which may be long after', unit: { lastFloor: 7, replicas: 4 }, floor: 4 },
    { name: 'not below the minimum', unit: { lastFloor: 7, replicas: 0 }, floor: 2 },
    { name: 'not below a minimum that was raised since', unit: { lastFloor: 1, replicas: 9 }, floor: 2 },
    { name: 'not above a maximum that was lowered since', unit: { lastFloor: 30, replicas: 30 }, floor: 20 },
    { name: 'at the minimum where it was never moved', unit: { replicas: 9 }, floor: 2 },
  ])('begins an HPA that is made again with its floor $name', ({ unit, floor }) => {
    const { changes, statusAfter } = planned(unitWith({}, unit), []);
    expect(changes).toMatchObject([{ spec: { minReplicas: floor } }]);
    expect(statusAfter).toMatchObject({ replicas: { floor } });
  });
  test('lowers a floor that would be above a lowered maximum, which the API server refuses', () => {
    const unit = unitWith({ maxReplicas: 5 });
    expect(planned(unit, [inForce(unit, { minReplicas: 9, maxReplicas: 20 })]).changes).toMatchObject([
      { spec: { minReplicas: 5, maxReplicas: 5 } },
    ]);
  });
  test('says of a floor that is lowered what it is now, and what it will be once that is done', () => {
    const unit = unitWith({ maxReplicas: 3 });
    const lowered = planned(unit, [inForce(unitWith(), { minReplicas: 10 })]);
    expect(lowered.status).toEqual({ replicas: { current: 3, min: 2, floor: 10, max: 3 } });
    expect(lowered.statusAfter).toEqual({ replicas: { current: 3, min: 2, floor: 3, max: 3 } });
  });
  test('never fights another HPA: it names it and says what to do', () => {
    const { changes, condition } = planned(unitWith(), [foreign]);
    expect(changes).toEqual([]);
    expect(condition).toMatchObject({
      status: 'False',
      reason: 'Conflict',
      message: expect.stringMatching(/by-hand.*genops\.dev\/adopt=hpa.*FloorOnly/),
    });
  });
  test('does not offer to take another HPA over where it has one of its own already', () => {
    const unit = unitWith({}, { adopt: true });
    const { changes, condition } = planned(unit, [inForce(unit), foreign]);
    expect([changes, condition.reason]).toEqual([[], 'Conflict']);
    expect(condition.message).toMatch(/^saw beside our own HorizontalPodAutoscaler ai\/by-hand /);
    expect(condition.message).not.toContain('genops.dev/adopt');
  });
  test('says of an annotation that asks for nothing it knows how it reads it', () => {
    expect(planned(unitWith({}, { adoptWords: 'True' }), [foreign]).condition).toMatchObject({
      reason: 'Conflict',
      message: expect.stringMatching(
        /by-hand.*genops\.dev\/adopt=True, which names no hpa; wanted.*genops\.dev\/adopt=hpa/,
      ),
    });
  });
  test('takes another HPA over when asked, and remembers what it was', () => {
    const { changes } = planned(unitWith({}, { adopt: true }), [foreign]);
    expect(changes).toMatchObject([
      {
        kind: 'apply',
        name: 'by-hand',
        force: true,
        owner: undefined,
        remember: { originals: { uid: 'foreign-uid', spec: JSON.stringify(foreign.spec) } },
      },
    ]);
  });
  test('goes on with a take-over that was written down and not made, and is confirmed where it was made', () => {
    const unit = unitWith({}, { adopt: true });
    const memory = {
      originals: { uid: 'foreign-uid', spec: JSON.stringify(foreign.spec) },
      unconfirmed: ['spec.maxReplicas'],
    };
    expect(planned(unit, [foreign], memory).changes).toMatchObject([{ kind: 'apply', name: 'by-hand', force: true }]);
    const made = { ...inForce(unit), uid: 'foreign-uid', name: 'by-hand', controller: undefined };
    expect(planned(unit, [made], memory)).toMatchObject({ changes: [], remember: { originals: memory.originals } });
    expect(planned(unit, [made], memory).remember).not.toHaveProperty('unconfirmed');
    expect(planned(unit, [foreign], { originals: memory.originals }).changes).toMatchObject([{ force: false }]);
  });
  test('does not take an HPA that belongs to a ScaledObject', () => {
    const ofKeda = {
      ...foreign,
      controller: { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'so', uid: 'u', controller: true },
    };
    expect(planned(unitWith({}, { adopt: true }), [ofKeda])).toMatchObject({
      changes: [],
      condition: {
        reason: 'Conflict',
        message: expect.stringMatching(/^saw ScaledObject so with HorizontalPodAutoscaler /),
      },
    });
  });
  test('keeps what it took over once the annotation is gone', () => {
    const memory = { originals: { uid: 'foreign-uid', spec: '{}' } };
    expect(planned(unitWith(), [foreign], memory).changes).toMatchObject([
      { kind: 'apply', name: 'by-hand', owner: undefined },
    ]);
  });
  test.each([
    { hpas: [foreign], expected: { status: 'True', reason: 'Applied' } },
    { hpas: [], expected: { status: 'False', reason: 'NoAutoscaler' } },
  ])('with FloorOnly leaves the HPA to others: $expected.reason', ({ hpas, expected }) => {
    expect(planned(unitWith({ mode: 'FloorOnly' }), hpas)).toMatchObject({ changes: [], condition: expected });
  });
  test('leaves out a metric that nobody serves and says so', () => {
    const pods = {
      type: 'Pods' as const,
      pods: { metric: { name: 'tokens_per_second' }, target: { type: 'AverageValue' as const, averageValue: '5' } },
    };
    expect(planned(unitWith({ metrics: [cpu, pods] }), [])).toMatchObject({
      changes: [{ spec: { metrics: [{ type: 'Resource' }] } }],
      condition: {
        status: 'False',
        reason: 'MetricUnavailable',
        message: expect.stringContaining('tokens_per_second'),
      },
    });
    expect(planned(unitWith({ metrics: [pods] }), [])).toMatchObject({
      changes: [],
      condition: { reason: 'MetricUnavailable' },
    });
  });
});

describe('a field that somebody else has set', () => {
  const pods = { type: 'Pods', value: 4, periodSeconds: 60 } as const;
  const atLoad = (name: 'cpu' | 'memory', averageUtilization: number) => ({
    type: 'Resource' as const,
    resource: { name, target: { type: 'Utilization' as const, averageUtilization } },
  });
  const [busier, memory] = [atLoad('cpu', 85), atLoad('memory', 80)];
  test.each([
    { name: 'itself', field: '.spec.maxReplicas', horizontal: { maxReplicas: 40 } },
    { name: 'as a list', field: '.spec.metrics', horizontal: { metrics: [cpu] } },
    { name: 'as part of a list', field: '.spec.metrics', horizontal: { metrics: [busier, memory] } },
    {
      name: 'deep in it',
      field: '.spec.behavior.scaleUp.policies',
      horizontal: { behavior: { scaleUp: { policies: [pods] } } },
    },
  ])('is not ours to change, $name: the plan says who has it', ({ field, horizontal }) => {
    const hpa = { ...inForce(unitWith()), held: [{ manager: 'kubectl-edit', field }] };
    expect(planned(unitWith(horizontal), [hpa])).toMatchObject({
      changes: [{ kind: 'apply' }],
      refusal: {
        status: 'False',
        reason: 'Conflict',
        message: expect.stringContaining(
          `saw other field managers on HorizontalPodAutoscaler ai/generation-workflow-hpa: ${field} (kubectl-edit); wanted`,
        ),
      },
    });
  });
  test('stands in nobody’s way where it is as declared, and not of a name that only begins like it', () => {
    const held = (field: string) => ({ ...inForce(unitWith()), held: [{ manager: 'kubectl-edit', field }] });
    const unit = unitWith({ maxReplicas: 40 });
    expect(planned(unit, [held('.spec.minReplicas')]).refusal).toBeUndefined();
    expect(planned(unit, [held('.spec.max')]).refusal).toBeUndefined();
    expect(planned(unitWith(), [held('.spec.maxReplicas')])).not.toHaveProperty('refusal');
  });
  test('is taken with the HPA where that is what the user asks for', () => {
    const held = [{ manager: 'kubectl', field: '.spec.maxReplicas' }];
    expect(planned(unitWith({}, { adopt: true }), [{ ...foreign, held }])).not.toHaveProperty('refusal');
  });
});

describe('what is remembered', () => {
  const lentBefore = { originals: { floorOf: 'foreign-uid', floor: '1' } };
  const movedFloor = { ...foreign, spec: { ...foreign.spec, minReplicas: 5 } };
  test('an adoption after FloorOnly saves the floor that stood there before both', () => {
    const [change] = planned(unitWith({}, { adopt: true }), [movedFloor], lentBefore).changes;
    expect(change?.remember?.originals).toEqual({
      ...lentBefore.originals,
      uid: 'foreign-uid',
      spec: JSON.stringify(foreign.spec),
    });
  });
  test('FloorOnly after an adoption keeps the saved spec and takes the floor from it', () => {
    const adopted = { originals: { uid: 'foreign-uid', spec: JSON.stringify(foreign.spec) } };
    const { remember } = plan({
      unit: unitWith({ mode: 'FloorOnly' }),
      observed: { hpas: [movedFloor] },
      memory: adopted,
      now: 0,
    });
    expect(remember?.originals).toEqual({ ...adopted.originals, floorOf: 'foreign-uid', floor: '1' });
  });
  test('two HPAs on one target are named with FloorOnly', () => {
    const second = { ...foreign, name: 'second', uid: 'second-uid' };
    expect(planned(unitWith({ mode: 'FloorOnly' }), [foreign, second])).toMatchObject({
      condition: { reason: 'Conflict', message: expect.stringMatching(/by-hand and second/) },
    });
  });
});

describe('a floor that FloorOnly had lent', () => {
  const memory = { originals: { floorOf: 'foreign-uid', floor: '1' } };
  const moved = { ...foreign, spec: { ...foreign.spec, minReplicas: 5 }, isFloorOurs: true };
  const goesBack = [
    { kind: 'floor', name: 'by-hand', floor: 1, differences: [{ field: 'spec.minReplicas', from: '5', to: '1' }] },
  ];
  test.each([
    { mode: 'Enforce', reason: 'Conflict' },
    { mode: 'Off', reason: 'Off' },
    { mode: 'DryRun', reason: 'Conflict' }, // planned; run.ts only says it
  ] as const)('goes back when the mode is $mode', ({ mode, reason }) => {
    const back = planned(unitWith({ mode }), [moved], memory);
    expect(back).toMatchObject({ changes: goesBack, condition: { reason } });
    expect(back.remember).toBeUndefined(); // not before it is back
  });
  test('goes back when the service is deleted', () => {
    expect(restore({ unit: unitWith(), observed: { hpas: [moved] }, memory, now: 0 }).changes).toMatchObject(goesBack);
  });
  test.each([
    { name: 'is what it was', hpas: [{ ...moved, spec: foreign.spec }] },
    { name: 'was set by somebody else since', hpas: [{ ...moved, isFloorOurs: false }] },
    { name: 'is gone with its HPA', hpas: [] },
  ])('is forgotten when it $name', ({ hpas }) => {
    const { changes, remember } = planned(unitWith({ mode: 'Off' }), hpas, memory);
    expect({ changes, remember }).toEqual({ changes: [], remember: { originals: {} } });
  });
  test('stays with an HPA that is taken over: the spec that was saved has it', () => {
    expect(planned(unitWith({}, { adopt: true }), [moved], memory).changes).toMatchObject([{ kind: 'apply' }]);
    const adopted = { originals: { ...memory.originals, uid: 'foreign-uid', spec: '{}' } };
    expect(planned(unitWith({ mode: 'Off' }), [moved], adopted)).toMatchObject({ changes: [] });
  });
  test('goes back through the ScaledObject, which is who moved it in the HPA', () => {
    const controller = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'so', uid: 'u', controller: true };
    const ofKeda = { ...moved, controller, isFloorOurs: false };
    expect(planned(unitWith({ mode: 'Off' }), [ofKeda], memory).changes).toMatchObject(goesBack);
  });
});

describe('an HPA made again under its name', () => {
  const again = { ...foreign, uid: 'new-uid', spec: { ...foreign.spec, minReplicas: 2 } };
  test('has its own floor remembered, not that of the one before', () => {
    const memory = { originals: { floorOf: 'foreign-uid', floor: '1' } };
    expect(planned(unitWith({ mode: 'FloorOnly' }), [again], memory).remember?.originals).toEqual({
      floorOf: 'new-uid',
      floor: '2',
    });
  });
  test('has its own spec remembered when it is taken over', () => {
    const memory = { originals: { uid: 'foreign-uid', spec: '{}' } };
    const [change] = planned(unitWith({}, { adopt: true }), [again], memory).changes;
    expect(change?.remember?.originals).toEqual({ uid: 'new-uid', spec: JSON.stringify(again.spec) });
  });
});

describe('restore()', () => {
  test('puts an HPA that was taken over back as it was', () => {
    const unit = unitWith({}, { adopt: true });
    const [change] = planned(unit, [foreign]).changes;
    if (change?.kind !== 'apply') throw new Error('no change was planned');
    const taken = { ...foreign, spec: change.spec };
    const { changes } = restore({ unit, observed: { hpas: [taken] }, memory: change.remember, now: 0 });
    expect(changes).toMatchObject([{ kind: 'replaceSpec', name: 'by-hand', uid: 'foreign-uid', spec: foreign.spec }]);
  });
  test('leaves one that we made to the garbage collector', () => {
    expect(
      restore({ unit: unitWith(), observed: { hpas: [inForce(unitWith())] }, memory: undefined, now: 0 }).changes,
    ).toEqual([]);
  });
});
