import { describe, expect, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import { resolve, type TargetSeen } from '../../../operator/decide/resolve.ts';
import type { PlannedCondition } from '../../../operator/levers/lever.ts';
import type { UnitResult } from '../../../operator/levers/run.ts';
import { renderStatus, type Visit } from '../../../operator/reconcilers/status.ts';
import { storedService } from '../../world/builders.ts';

const service = storedService({
  metadata: { generation: 3 },
  spec: {
    components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } }],
    redis: [{ name: 'cache', secretRef: { name: 'redis' } }],
  },
});
const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
const result = (lever: 'horizontal' | 'redis' | 'postgresql', unit: string, condition: PlannedCondition): UnitResult =>
  ({
    plan: {
      lever: { name: lever, condition: lever === 'horizontal' ? 'HorizontalApplied' : 'RedisApplied' },
      unit: { name: unit, mode: 'Enforce' },
      changes: [],
      condition,
      status: { [lever === 'horizontal' ? 'replicas' : 'version']: lever },
    },
    outcome: 'nothing',
    condition,
  }) as unknown as UnitResult;
const applied: PlannedCondition = { status: 'True', reason: 'Applied', message: 'as declared' };
const unreachable: PlannedCondition = {
  status: 'False',
  reason: 'Unreachable',
  message: 'saw ECONNREFUSED',
};

function visit(
  redis: PlannedCondition = applied,
  of: GenerationService = service,
  target: TargetSeen = { kind: 'found', replicas: 2, selector: [] },
): Visit {
  const resolution = resolve({
    service: of,
    policy: undefined,
    targets: new Map([['workflow', target]]),
    podsMetrics: 'Shadow',
  });
  if (resolution.kind === 'problem') return { kind: 'problem', resolution };
  const scaled = resolution.resolved.components.map(({ spec }) => result('horizontal', spec.name, applied));
  const results = [...scaled, result('redis', 'cache', redis)];
  const assessment = { conditions: [], figures: {}, look: undefined, components: new Map(), running: [] };
  return {
    kind: 'reconciled',
    resolution,
    results,
    assessment,
    budgets: { conditions: [], connections: new Map() },
    scaler: undefined,
    optimizer: { answer: undefined, kept: undefined },
    policyGeneration: undefined,
    policyHash: 'h',
    planHash: undefined,
    databaseServers: [],
  };
}
const condition = (status: ReturnType<typeof renderStatus>, type: string) =>
  status.conditions?.find((one) => one.type === type);

describe('renderStatus()', () => {
  test('is the same, byte for byte, when nothing changed but the time', () => {
    const first = renderStatus(service, visit(), at(0));
    expect(JSON.stringify(renderStatus({ ...service, status: first }, visit(), at(60)))).toBe(JSON.stringify(first));
  });
  test.each([
    { name: 'stays while none answers', metrics: ['Prometheus', 'HTTP'], expected: 'HTTP' },
    { name: 'goes when the spec names others', metrics: ['Prometheus'], expected: undefined },
    {
      name: 'goes when the spec names none, and it is none of those that are read then',
      metrics: [],
      expected: undefined,
    },
  ] as const)('the source of metrics $name', ({ metrics, expected }) => {
    const [component] = service.spec.components;
    const components = component === undefined ? [] : [{ ...component, metrics: metrics.map((type) => ({ type })) }];
    const of = { ...service, spec: { ...service.spec, components } };
    const status = { components: [{ name: 'workflow', metricsSource: 'HTTP' }] };
    const [said] = renderStatus({ ...of, status }, visit(applied, of), at(0)).components ?? [];
    expect(said?.metricsSource).toBe(expected);
  });
  test('is Ready when every lever is in force, for this generation', () => {
    expect(condition(renderStatus(service, visit(), at(0)), 'Ready')).toEqual({
      type: 'Ready',
      status: 'True',
      reason: 'Reconciled',
      message: expect.any(String),
      observedGeneration: 3,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
  });
  test.each([
    ['Off', 'Everything that is declared is in force but for ScalerActive (Off): see there.'],
    ['Conflict', 'Everything that is declared is in force but for ScalerActive (Conflict): see there.'],
    ['MetricsStale', 'Everything that is declared is in force.'], // ends by itself
  ] as const)(
    'is Ready though the scaler moves nothing (%s), and says so where a person has to act',
    (reason, message) => {
      const scaler = { type: 'ScalerActive', status: 'False', reason, message: 'as seen' } as const;
      const seen = visit();
      if (seen.kind === 'problem') throw new Error('the service is valid');
      const assessment = { ...seen.assessment, conditions: [scaler] };
      expect(condition(renderStatus(service, { ...seen, assessment }, at(0)), 'Ready')).toMatchObject({
        status: 'True',
        message,
      });
    },
  );
  test('takes reason and message of the first part that fails into Ready', () => {
    const status = renderStatus(service, visit(unreachable), at(0));
    expect(condition(status, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'Unreachable',
      message: 'RedisApplied: saw ECONNREFUSED',
    });
    expect(condition(status, 'HorizontalApplied')).toMatchObject({ status: 'True' });
    expect(condition(status, 'Stalled')).toBeUndefined();
  });
  test('is Stalled only where a person has to act, and no longer once that is done', () => {
    const stalled = renderStatus(
      service,
      visit({ status: 'False', reason: 'Conflict', message: 'of somebody else' }),
      at(0),
    );
    expect(condition(stalled, 'Stalled')).toMatchObject({ status: 'True', reason: 'Conflict' });
    expect(condition(renderStatus({ ...service, status: stalled }, visit(), at(1)), 'Stalled')).toBeUndefined();
  });
  test.each([
    ['SecretInvalid', 'True'],
    ['OutOfBounds', 'True'],
    ['SeveralServers', 'True'],
    ['TargetUnreachable', 'True'],
    ['SecretNotFound', undefined],
    ['Unreachable', undefined],
  ] as const)('with %s Stalled is %s', (reason, stalled) => {
    const status = renderStatus(service, visit({ status: 'False', reason, message: 'as seen' }), at(0));
    expect(condition(status, 'Stalled')?.status).toBe(stalled);
  });
  test.each([
    ['a lever that was not asked yet', 'Unknown', 'Pending', 'True'],
    ['a change that has not reached each Pod', 'False', 'PodsBehind', 'True'],
    ['a server that does not answer', 'False', 'Unreachable', undefined],
    ['what waits for a person', 'False', 'Conflict', undefined],
  ] as const)('of %s (%s %s) Reconciling says %s', (_, status, reason, expected) => {
    const moving = renderStatus(service, visit({ status, reason, message: 'as seen' }), at(0));
    expect(condition(moving, 'Reconciling')?.status).toBe(expected);
    if (expected === 'True')
      expect(condition(moving, 'Reconciling')).toMatchObject({ reason, message: 'RedisApplied: as seen' });
    expect(condition(renderStatus({ ...service, status: moving }, visit(), at(1)), 'Reconciling')).toBeUndefined();
  });
  test('nothing is Reconciling where nothing is changed', () => {
    const paused = { ...service, spec: { ...service.spec, mode: 'Paused' as const } };
    const pending = { status: 'Unknown', reason: 'Pending', message: 'not asked yet' } as const;
    expect(condition(renderStatus(paused, visit(pending, paused), at(0)), 'Reconciling')).toBeUndefined();
  });
  test('keeps what is in force when the service can no longer be resolved', () => {
    const before = renderStatus(service, visit(), at(0));
    const broken = { ...service, status: before, spec: { ...service.spec, policyRef: { name: 'gone' } } };
    const status = renderStatus(broken, visit(applied, broken), at(5));
    expect(condition(status, 'RedisApplied')).toEqual(condition(before, 'RedisApplied'));
    expect(status.redis).toEqual(before.redis);
    expect(condition(status, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PolicyNotFound',
      lastTransitionTime: '2026-01-01T00:00:05Z',
    });
  });
  test.each([
    { paused: undefined, mode: 'Enforce' },
    { paused: 'true', mode: 'Paused' },
  ])('says in which mode a service is of which nothing was ever accepted: $mode', ({ paused, mode }) => {
    const annotations = paused === undefined ? {} : { 'genops.dev/paused': paused };
    const metadata = { ...service.metadata, annotations };
    const broken = { ...service, metadata, spec: { ...service.spec, policyRef: { name: 'gone' } } };
    expect(renderStatus(broken, visit(applied, broken), at(0))).toMatchObject({ mode });
  });
  test.each(['DryRun', 'Paused'] as const)('says of what is held back which mode holds it back: %s', (mode) => {
    const held = { ...service, spec: { ...service.spec, mode } };
    const told: PlannedCondition = { status: 'True', reason: 'DryRun', message: 'Would change maxmemory.' };
    const status = renderStatus(held, visit(told, held), at(0));
    expect(condition(status, 'RedisApplied')).toMatchObject({ status: 'True', reason: mode, message: told.message });
    expect(condition(status, 'HorizontalApplied')).toMatchObject({ reason: 'Applied' });
  });
  test('of a service without an accepted policy nobody can tell how it is: what was measured before is not repeated', () => {
    const objective = { name: 'Memory', state: 'Met', target: '1Gi' } as const;
    const rating = { grade: 'Good' } as const;
    const before = {
      ...renderStatus(service, visit(), at(0)),
      objectives: [objective],
      objectivesMet: '1/1',
      rating,
    };
    const broken = { ...service, status: before, spec: { ...service.spec, policyRef: { name: 'gone' } } };
    const status = renderStatus(broken, visit(applied, broken), at(5));
    for (const type of ['ScalerActive', 'MetricsAvailable', 'ObjectivesMet'])
      expect(condition(status, type)).toMatchObject({ status: 'Unknown', reason: 'PolicyRejected' });
    expect(status).not.toHaveProperty('objectives');
    expect(status).not.toHaveProperty('objectivesMet');
    expect(status).not.toHaveProperty('rating');
    expect(renderStatus({ ...broken, status }, visit(applied, broken), at(60))).toEqual(status);
  });
  test('a service that is new is not told that the operator began anew', () => {
    const broken = { ...service, spec: { ...service.spec, policyRef: { name: 'gone' } } };
    const known = { ...broken, status: renderStatus(service, visit(), at(0)) };
    const message = (of: GenerationService) =>
      condition(renderStatus(of, visit(applied, of), at(5)), 'ObjectivesMet')?.message;
    expect(message(broken)).toMatch(/^saw no policy of this service that was ever accepted; wanted /);
    expect(message(known)).toMatch(/^saw no accepted policy since the operator began to lead; wanted /);
  });
  test('keeps what it said of a component whose target is gone, and goes on with the rest', () => {
    const before = renderStatus(service, visit(), at(0));
    const gone = visit(unreachable, { ...service, status: before }, { kind: 'notFound' });
    const status = renderStatus({ ...service, status: before }, gone, at(5));
    expect(condition(status, 'Ready')).toMatchObject({ status: 'False', reason: 'NotFound' });
    expect(condition(status, 'HorizontalApplied')).toEqual(condition(before, 'HorizontalApplied'));
    expect(status.components).toEqual(before.components);
    expect(condition(status, 'RedisApplied')).toMatchObject({ status: 'False', reason: 'Unreachable' });
  });
  describe('what has not been looked at yet', () => {
    const looked = (reason: 'NoPods' | 'Pending', message: string): Visit => {
      const status = reason === 'Pending' ? 'Unknown' : 'False';
      const conditions = [{ type: 'MetricsAvailable', status, reason, message }];
      return {
        ...visit(),
        assessment: { conditions, figures: {}, look: undefined, components: new Map(), running: [] },
      } as Visit;
    };
    const blind = renderStatus(service, looked('NoPods', 'saw no target of component workflow'), at(0));
    const pending = looked('Pending', 'The Pods have not been read twice yet.');

    test('keeps its last word after a restart', () => {
      const status = renderStatus({ ...service, status: blind }, pending, at(5));
      expect(JSON.stringify(status)).toBe(JSON.stringify(blind));
    });
    test('is said of another spec: what was said was about other targets', () => {
      const corrected = { ...service, metadata: { ...service.metadata, generation: 4 }, status: blind };
      const status = renderStatus(corrected, pending, at(5));
      expect(condition(status, 'MetricsAvailable')).toMatchObject({ status: 'Unknown', reason: 'Pending' });
    });
  });
  test('says beside Ready which declared fields nobody acts on yet', () => {
    const annotated = { ...service, metadata: { ...service.metadata, annotations: { 'genops.dev/approve': 'abc' } } };
    expect(condition(renderStatus(annotated, visit(applied, annotated), at(0)), 'Ready')).toMatchObject({
      reason: 'Reconciled',
      message: expect.stringContaining('does not act on the annotation genops.dev/approve yet'),
    });
  });
  test.each([
    { adopt: 'hpaa', said: /genops\.dev\/adopt names hpaa, which is nothing to take over: it may name hpa and vpa\.$/ },
    { adopt: 'hpa, True,vpn', said: /names True, vpn, which is/ },
    { adopt: 'hpa, vpa', said: /in force\.$/ },
    { adopt: '', said: /in force\.$/ },
  ])('says beside Ready what of genops.dev/adopt asks for nothing: "$adopt"', ({ adopt, said }) => {
    const annotated = { ...service, metadata: { ...service.metadata, annotations: { 'genops.dev/adopt': adopt } } };
    expect(condition(renderStatus(annotated, visit(applied, annotated), at(0)), 'Ready')).toMatchObject({
      status: 'True',
      message: expect.stringMatching(said),
    });
  });
  test('names the plan while something of it is held back, and no longer once nothing is', () => {
    const held = renderStatus(service, { ...visit(), planHash: 'abc' } as Visit, at(0));
    expect(held.planHash).toBe('abc');
    expect(renderStatus({ ...service, status: held }, visit(), at(1)).planHash).toBeUndefined();
  });
  test('shows each unit in its own place', () => {
    expect(renderStatus(service, visit(), at(0))).toMatchObject({
      components: [{ name: 'workflow', replicas: 'horizontal' }],
      redis: [{ name: 'cache', version: 'redis' }],
    });
    const more = { ...service, spec: { ...service.spec, postgres: [{ name: 'main', secretRef: { name: 'pg' } }] } };
    const seen = visit(applied, more) as Extract<Visit, { kind: 'reconciled' }>;
    const results = [...seen.results, result('postgresql', 'main', applied)];
    expect(renderStatus(more, { ...seen, results }, at(0)).postgres).toEqual([{ name: 'main', version: 'postgresql' }]);
  });
});
