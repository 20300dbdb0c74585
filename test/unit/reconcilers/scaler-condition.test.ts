import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import { after, conditionOf, pod, start, type Row } from './measured-service.ts';

beforeEach(() => void jest.useFakeTimers({ now: start }));
afterEach(() => void jest.useRealTimers());

describe('ScalerActive', () => {
  const cpu = {
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
  } as const;
  const pods = [pod('a')];
  test.each<Row>([
    { name: 'with fresh figures', given: { pods }, looks: 3, condition: { status: 'True', reason: 'Active' } },
    {
      name: 'in DryRun',
      given: { pods, spec: { mode: 'DryRun' } },
      looks: 3,
      condition: { status: 'True', reason: 'DryRun' },
    },
    {
      name: 'Paused, whatever is known',
      given: { spec: { mode: 'Paused' } },
      looks: 3,
      condition: { status: 'False', reason: 'Paused' },
    },
    {
      name: 'Paused by annotation',
      given: { pods, annotations: { 'genops.dev/paused': 'true' } },
      looks: 3,
      condition: { status: 'False', reason: 'Paused' },
    },
    {
      name: 'blind without a Pod',
      given: {},
      looks: 3,
      condition: { status: 'False', reason: 'MetricsStale', message: expect.stringContaining('of workflow') },
    },
    {
      name: 'blind in DryRun too',
      given: { spec: { mode: 'DryRun' } },
      looks: 3,
      condition: { status: 'False', reason: 'MetricsStale' },
    },
    {
      name: 'not known before the Pods were read twice',
      given: { pods },
      looks: 1,
      condition: { status: 'Unknown', reason: 'Pending' },
    },
    {
      name: 'needs no figures where the HPA reads each metric itself',
      given: { podsMetrics: 'MetricsAPI' },
      looks: 3,
      condition: { status: 'True', reason: 'Active', message: expect.stringContaining('the HPA reads every metric') },
    },
    {
      name: 'nor where the policy has no Pods metric',
      given: { spec: { overrides: { horizontal: { metrics: [cpu] } } } },
      looks: 3,
      condition: { status: 'True', reason: 'Active' },
    },
    {
      name: 'says which algorithm decides, once the policy says anything of the scaler',
      given: { pods, spec: { overrides: { scaler: { cooldown: '60s' } } } },
      looks: 3,
      condition: {
        status: 'True',
        reason: 'Active',
        message: 'requests_per_second is folded into the floor of workflow; Score decides on the floor of workflow.',
      },
    },
    {
      name: 'says that it only tells, where the scaler is in DryRun',
      given: {
        pods,
        spec: { overrides: { scaler: { mode: 'DryRun', algorithm: 'Lookahead' }, horizontal: { metrics: [cpu] } } },
      },
      looks: 3,
      condition: {
        status: 'True',
        reason: 'DryRun',
        message: 'Lookahead says what it would make of the floor of workflow.',
      },
    },
    {
      name: 'has no scaler that is switched off',
      given: { pods, spec: { overrides: { scaler: { mode: 'Off' }, horizontal: { metrics: [cpu] } } } },
      looks: 3,
      condition: { status: 'True', reason: 'Active', message: expect.stringContaining('minReplicas') },
    },
  ])('$name', async ({ given, looks, condition }) => {
    using world = await after(looks, given);
    expect(conditionOf(world.assess(), 'ScalerActive')).toMatchObject(condition);
  });

  test.each(['Off', 'PermissionDenied', 'Failed'] as const)('says %s where that keeps the floor', async (reason) => {
    using world = await after(3, { pods });
    const problem = new Problem(reason, { saw: 'a refusal', wanted: 'the floor' });
    world.decisions.put(world.service, { problem, looks: new Map() });
    expect(conditionOf(world.assess(), 'ScalerActive')).toMatchObject({ status: 'False', reason });
  });

  test('says who holds the floor, but for a service that is paused', async () => {
    const problem = new Problem('Conflict', { saw: 'minReplicas of kubectl-edit', wanted: 'ours', next: 'give it up' });
    using world = await after(3, { pods });
    world.decisions.put(world.service, { problem, looks: new Map() });
    expect(conditionOf(world.assess(), 'ScalerActive')).toMatchObject({
      status: 'False',
      reason: 'Conflict',
      message: expect.stringContaining('kubectl-edit'),
    });
    using paused = await after(3, { pods, spec: { mode: 'Paused' } });
    paused.decisions.put(paused.service, { problem, looks: new Map() });
    expect(conditionOf(paused.assess(), 'ScalerActive')).toMatchObject({ reason: 'Paused' });
  });
});
