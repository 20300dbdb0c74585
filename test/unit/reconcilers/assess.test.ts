import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { GenerationService } from '../../../operator/api/generation-service.ts';
import type { GenerationServiceStatus } from '../../../operator/api/status.ts';
import type { Observation } from '../../../operator/levers/run.ts';
import { statesOf, type Assessment } from '../../../operator/reconcilers/assess.ts';
import { renderStatus } from '../../../operator/reconcilers/status.ts';
import {
  after,
  conditionOf,
  full,
  idle,
  intervalMs,
  mi,
  pod,
  serviceWith,
  start,
  type Page,
  type Row,
} from './measured-service.ts';

beforeEach(() => void jest.useFakeTimers({ now: start }));
afterEach(() => void jest.useRealTimers());

describe('objectives', () => {
  const kept: GenerationServiceStatus = {
    objectivesMet: '5/6',
    objectives: [{ name: 'Memory', state: 'Met', target: '2048Mi', measured: '100Mi', since: '2025-12-31T00:00:00Z' }],
    rating: { grade: 'Good', score: 65, scoredOf: 100 },
  };
  const unknown = { status: 'Unknown', reason: 'Unknown' };

  test.each<Row & { readonly figures: object }>([
    {
      name: 'are counted, and not listed, where nothing was measured: without a Pod',
      given: {},
      looks: 0,
      condition: unknown,
      figures: { objectivesMet: '0/6' },
    },
    {
      name: 'or with Pods that do not answer',
      given: { pods: [pod('a')], page: new Error('connection refused') },
      looks: 1,
      condition: unknown,
      figures: { objectivesMet: '0/6' },
    },
    {
      name: 'count what the policy asks for',
      given: {
        spec: { overrides: { objectives: { memory: { mode: 'Informational' }, successRatio: { mode: 'Off' } } } },
      },
      looks: 0,
      condition: unknown,
      figures: { objectivesMet: '0/4' },
    },
    {
      name: 'are not there before the first look',
      given: { pods: [pod('a')] },
      looks: 1,
      condition: { status: 'Unknown', reason: 'Pending' },
      figures: {},
    },
    {
      name: 'stay as they were before the first look after a restart',
      given: { pods: [pod('a')], status: kept },
      looks: 1,
      condition: { status: 'Unknown', reason: 'Pending' },
      figures: kept,
    },
    {
      name: 'so does a count without a list',
      given: { pods: [pod('a')], status: { objectivesMet: '0/6' } },
      looks: 0,
      condition: { status: 'Unknown', reason: 'Pending' },
      figures: { objectivesMet: '0/6' },
    },
  ])('$name', async ({ given, looks, condition, figures }) => {
    using world = await after(looks, given);
    const assessment = world.assess();
    expect(assessment.figures).toEqual(figures);
    expect(conditionOf(assessment, 'ObjectivesMet')).toMatchObject(condition);
  });

  test('are listed with their figures and a rating as soon as one is known', async () => {
    using world = await after(3, { pods: [pod('a')] });
    const { figures, look } = world.assess();
    expect(look?.score).toBe(75);
    expect(figures).toMatchObject({
      objectivesMet: '2/6',
      rating: {
        grade: 'Excellent',
        summary: 'Excellent 3/4',
        score: 75,
        scoredOf: 75,
        parts: { cpu: 25, memory: 25, responseTime: 25 },
        observedAt: '2026-01-01T00:00:30Z',
      },
    });
    expect(figures.objectives?.map(({ name, state, measured }) => [name, state, measured])).toEqual([
      ['WorkflowDuration', 'Unknown', undefined],
      ['ConcurrentWorkflows', 'Unknown', undefined],
      ['CachedResponseTime', 'Unknown', undefined],
      ['Memory', 'Met', '512Mi'],
      ['CacheHitRatio', 'Unknown', undefined],
      ['SuccessRatio', 'Met', '1'],
    ]);
  });

  describe('of a service that nobody asks', () => {
    const states = ({ figures }: Assessment) =>
      Object.fromEntries((figures.objectives ?? []).map(({ name, state }) => [name, state]));
    const workload = { overrides: { objectives: { cacheHitRatio: { source: 'Workload' } } } } as const;

    test('are not exercised, and all is well', async () => {
      using world = await after(4, { pods: [pod('a')], page: idle, spec: workload });
      const assessment = world.assess();
      expect(states(assessment)).toEqual({
        WorkflowDuration: 'NotExercised',
        ConcurrentWorkflows: 'NotExercised',
        CachedResponseTime: 'NotExercised',
        Memory: 'Met',
        CacheHitRatio: 'NotExercised',
        SuccessRatio: 'NotExercised',
      });
      expect(assessment.figures.objectivesMet).toBe('1/1');
      expect(conditionOf(assessment, 'ObjectivesMet')).toMatchObject({ status: 'True', reason: 'Met' });
    });
    test('stay unknown where the workload has no such metric, and the next step is to serve it', async () => {
      const bare: Page = () => idle(0).replaceAll(/^.*generation_.*\n/gm, '');
      using world = await after(4, { pods: [pod('a')], page: bare, spec: workload });
      const assessment = world.assess();
      expect(states(assessment)).toMatchObject({
        WorkflowDuration: 'Unknown',
        ConcurrentWorkflows: 'Unknown',
        CachedResponseTime: 'NotExercised',
        CacheHitRatio: 'Unknown',
        SuccessRatio: 'NotExercised',
      });
      const { status, message } = conditionOf(assessment, 'ObjectivesMet') ?? {};
      expect(status).toBe('Unknown');
      expect(message).toMatch(
        /^saw no data for WorkflowDuration .* or is not there: .*workload-contract\.md.* generation_workflow_duration_seconds/,
      );
      expect(message).not.toMatch(/MetricsAvailable/);
    });
    test('workflows that are running and do not end are asked for', async () => {
      const stuck: Page = () => idle(0).replace('in_flight 0', 'in_flight 3');
      using world = await after(4, { pods: [pod('a')], page: stuck, spec: workload });
      expect(states(world.assess())).toMatchObject({ WorkflowDuration: 'Unknown', SuccessRatio: 'Unknown' });
    });
    test('what does not answer any more is unknown, not idle', async () => {
      using world = await after(4, { pods: [pod('a')], page: idle, spec: workload });
      world.setPage(new Error('connection refused'));
      await jest.advanceTimersByTimeAsync(6 * intervalMs);
      const assessment = world.assess();
      expect(conditionOf(assessment, 'ObjectivesMet')?.message).toMatch(/next: see the condition MetricsAvailable$/);
      expect(assessment.figures.objectivesMet).toBe('0/6');
    });
    test('look-ups of Redis are too few to be judged; of a server that said it once nothing is known', async () => {
      using world = await after(4, { pods: [pod('a')], page: idle });
      world.cacheServers.note(world.service, [lookups(90, 10)], Date.now());
      expect(states(world.assess())).toMatchObject({ CacheHitRatio: 'Unknown' });
      world.cacheServers.note(world.service, [lookups(90, 10)], Date.now() + 1);
      expect(states(world.assess())).toMatchObject({ CacheHitRatio: 'NotExercised' });
    });
  });

  test('are listed by what Redis says also where no Pod is ready', () => {
    using world = serviceWith();
    for (const [hits, misses] of [
      [0, 0],
      [90, 10],
    ] as const)
      world.cacheServers.note(world.service, [lookups(hits, misses)], Date.now());
    const { figures } = world.assess();
    expect(figures.objectives).toHaveLength(6);
    expect(figures).toMatchObject({ objectivesMet: '1/6', rating: { grade: 'Unknown', score: 25, scoredOf: 25 } });
  });

  describe('after a restart what status says stays until this process has looked for long enough', () => {
    const said: GenerationServiceStatus = {
      objectives: [
        { name: 'CacheHitRatio', state: 'Met', target: '0.70', measured: '0.9', since: '2025-12-31T00:00:00Z' },
      ],
      rating: { grade: 'Good', score: 65, scoredOf: 100, parts: { cacheHitRatio: 15 } },
    };
    const hitsOf = ({ figures }: Assessment) => figures.objectives?.find(({ name }) => name === 'CacheHitRatio');
    const told = said.objectives?.[0];
    const restarted = async (status = said) => {
      const world = await after(4, { pods: [pod('a')], status });
      world.cacheServers.note(world.service, [lookups(90, 10)], Date.now());
      return world;
    };

    test('the first answer is no news, neither for the objective nor for the rating', async () => {
      using world = await restarted();
      expect(hitsOf(world.assess())).toEqual(told);
      expect(world.assess().figures).toMatchObject({
        objectivesMet: '3/6',
        rating: { parts: { cacheHitRatio: 15 }, scoredOf: 100 },
      });
    });
    test('nor is what was not exercised', async () => {
      using world = await restarted({
        objectives: [{ name: 'CacheHitRatio', state: 'NotExercised', target: '0.70' }],
      });
      expect(hitsOf(world.assess())).toMatchObject({ state: 'NotExercised' });
    });
    test('few look-ups in less than the window are too few to say that nobody asks', async () => {
      using world = await restarted();
      world.cacheServers.note(world.service, [lookups(93, 10)], Date.now() + 1);
      expect(hitsOf(world.assess())).toEqual(told);
    });
    test('a figure of this process counts at once', async () => {
      using world = await restarted();
      world.cacheServers.note(world.service, [lookups(90, 110)], Date.now() + 1);
      expect(hitsOf(world.assess())).toMatchObject({ state: 'NotMet', measured: '0' });
    });
    test('a whole window without a figure is unknown', async () => {
      using world = await restarted();
      await jest.advanceTimersByTimeAsync(31 * intervalMs);
      expect(hitsOf(world.assess())).toMatchObject({ state: 'Unknown' });
      expect(world.assess().figures.rating?.parts).not.toHaveProperty('cacheHitRatio');
    });
    test('what was seen of the Pods stays as well, for one window', async () => {
      using world = await after(4, {
        pods: [pod('a')],
        page: idle,
        status: {
          objectives: [{ name: 'SuccessRatio', state: 'Met', target: '0.95', measured: '0.99' }],
          rating: { grade: 'Good', score: 60, scoredOf: 75, parts: { cpu: 25, memory: 25, responseTime: 10 } },
        },
      });
      world.cacheServers.note(world.service, [], Date.now());
      const successOf = () => world.assess().figures.objectives?.find(({ name }) => name === 'SuccessRatio');
      expect(successOf()).toMatchObject({ state: 'Met', measured: '0.99' });
      expect(world.assess().figures.rating?.parts).toMatchObject({ responseTime: 10 });
      await jest.advanceTimersByTimeAsync(31 * intervalMs);
      expect(successOf()).toMatchObject({ state: 'NotExercised' });
      expect(world.assess().figures.rating?.parts).not.toHaveProperty('responseTime');
    });
    test('but not of Pods that do not answer', async () => {
      using world = await after(4, {
        pods: [pod('a')],
        page: new Error('connection refused'),
        status: { objectives: [{ name: 'SuccessRatio', state: 'Met', target: '0.95', measured: '0.99' }] },
      });
      world.cacheServers.note(world.service, [], Date.now());
      const [success] = world.assess().figures.objectives?.filter(({ name }) => name === 'SuccessRatio') ?? [];
      expect(success).toMatchObject({ state: 'Unknown' });
    });
    test('of another target nothing was said', async () => {
      using world = await restarted({ objectives: [{ name: 'CacheHitRatio', state: 'Met', target: '0.5' }] });
      expect(hitsOf(world.assess())).toMatchObject({ state: 'Unknown' });
    });
    test('of a server that does not answer nothing is known', async () => {
      using world = await after(4, { pods: [pod('a')], status: said });
      world.cacheServers.note(world.service, [], Date.now());
      expect(hitsOf(world.assess())).toMatchObject({ state: 'Unknown' });
    });
  });

  test('are not listed by a Redis that nobody asks while no Pod is ready: its second look would be a write', () => {
    using world = serviceWith();
    for (const misses of [0, 3]) world.cacheServers.note(world.service, [lookups(0, misses)], Date.now());
    expect(world.assess().figures).toEqual({ objectivesMet: '0/6' });
  });

  test('keep a figure that moves within a tenth, tell a state at once, and stay listed once all are unknown', async () => {
    using world = await after(3, { pods: [pod('a')] });
    const first = world.assess().figures;
    world.setPage((seconds) => full(seconds).replace(String(512 * mi), String(540 * mi)));
    await jest.advanceTimersByTimeAsync(2 * intervalMs);
    expect(world.assess(first).figures).toEqual(first);

    world.setPage((seconds) => full(seconds).replace(String(512 * mi), String(3000 * mi)));
    await jest.advanceTimersByTimeAsync(2 * intervalMs);
    const { figures } = world.assess(first);
    expect(figures.objectives?.find(({ name }) => name === 'Memory')).toMatchObject({
      state: 'NotMet',
      measured: '3000Mi',
    });
    expect(figures).toMatchObject({ objectivesMet: '1/6', rating: { score: 50 } });

    world.setPods([]);
    await jest.advanceTimersByTimeAsync(40 * intervalMs);
    const blind = world.assess(figures).figures;
    expect(blind.objectives?.map(({ state }) => state)).toEqual(Array(6).fill('Unknown'));
    expect(blind).toMatchObject({ objectivesMet: '0/6', rating: { grade: 'Unknown', scoredOf: 0 } });
  });
});

describe('attainment and hysteresis', () => {
  const memoryOf = ({ figures }: Assessment) => figures.objectives?.find(({ name }) => name === 'Memory');
  const usingMemory = (seconds: number, mebibytes: number): string =>
    full(seconds).replace(String(512 * mi), String(mebibytes * mi));

  test('attainment is what the looks have counted; before the first one it is what stood in status', async () => {
    const shown: GenerationServiceStatus = {
      objectives: [{ name: 'Memory', state: 'Met', target: '2048Mi', measured: '512Mi', attainment: '0.9' }],
    };
    using world = await after(3, { pods: [pod('a')], status: shown });
    expect(memoryOf(world.assess())).toMatchObject({ attainment: '0.9' });
    const { look } = world.assess();
    if (look === undefined) throw new Error('nothing was looked at');
    expect(look.looked.find(({ name }) => name === 'Memory')).toMatchObject({ judged: 'Met' });
    const rest = { attainmentWindowMs: 86_400_000, intervalMs, saved: () => undefined };
    world.standings.note(world.service, { ...look, ...rest, now: Date.now() });
    // a figure that was told less than five minutes ago would stay; this one has no time of its own
    expect(memoryOf(world.assess())).toMatchObject({ attainment: '1' });
  });

  test('a figure that was beyond its target and is a little inside stays NotMet, and since when it is inside is looked up', async () => {
    using world = await after(3, { pods: [pod('a')] });
    world.setPage((seconds) => usingMemory(seconds, 2000));
    await jest.advanceTimersByTimeAsync(2 * intervalMs);
    expect(memoryOf(world.assess())).toMatchObject({ state: 'Met' });
    const missed: GenerationServiceStatus = {
      objectives: [{ name: 'Memory', state: 'NotMet', target: '2048Mi', measured: '2100Mi' }],
    };
    const { look } = world.assess(missed);
    expect(memoryOf(world.assess(missed))).toMatchObject({ state: 'NotMet' });
    expect(look).toMatchObject({ insideSince: { Memory: Date.now() } });
    const rest = { attainmentWindowMs: 86_400_000, intervalMs, saved: () => undefined, now: Date.now() };
    world.standings.note(world.service, { looked: [], insideSince: { Memory: Date.now() - 1_800_000 }, ...rest });
    expect(memoryOf(world.assess(missed))).toMatchObject({ state: 'Met', measured: '2000Mi' });
  });

  test('nor does one look without a figure in between make it met', async () => {
    using world = await after(3, { pods: [pod('a')] });
    world.setPage((seconds) => usingMemory(seconds, 2000));
    await jest.advanceTimersByTimeAsync(2 * intervalMs);
    world.told.put(world.service, [{ name: 'Memory', state: 'NotMet', target: '2048Mi', measured: '2100Mi' }]);
    const blind: GenerationServiceStatus = { objectives: [{ name: 'Memory', state: 'Unknown', target: '2048Mi' }] };
    expect(memoryOf(world.assess(blind))).toMatchObject({ state: 'NotMet', measured: '2000Mi' });
    world.setPage(full);
    await jest.advanceTimersByTimeAsync(31 * intervalMs);
    expect(memoryOf(world.assess(blind))).toMatchObject({ state: 'Met', measured: '512Mi' });
  });

  test('nothing is looked at while the Pods have not been read twice', async () => {
    using world = await after(1, { pods: [pod('a')] });
    expect(world.assess().look).toBeUndefined();
  });
});

const lookups = (hits: number, misses: number): Observation =>
  ({
    lever: { name: 'redis', lookupsOf: (totals: object) => [totals] },
    unit: { name: 'cache' },
    seen: { kind: 'seen', value: { hits, misses } },
  }) as unknown as Observation;

describe('statesOf()', () => {
  test('is the same while nothing changes that status shows, and another when a Pod comes', async () => {
    using world = await after(1, {});
    const before = statesOf(world.assess());
    await jest.advanceTimersByTimeAsync(30 * intervalMs);
    expect(statesOf(world.assess())).toBe(before);
    world.setPods([pod('a')]);
    await jest.advanceTimersByTimeAsync(3 * intervalMs);
    expect(statesOf(world.assess())).not.toBe(before);
  });
});

test('a new service without Pods is told in one write: what the next look finds is the same, byte for byte', async () => {
  using world = await after(0, {});
  const statusAt = (service: GenerationService): GenerationServiceStatus => {
    const resolution = world.resolution(service.status);
    const assessment = world.assess(service.status);
    const budgets = { conditions: [], connections: new Map<string, never>() };
    const optimizer = { answer: undefined, kept: undefined };
    const unchanged = {
      budgets,
      optimizer,
      scaler: undefined,
      policyGeneration: undefined,
      policyHash: 'h',
      planHash: undefined,
      databaseServers: [],
    };
    const visit = { kind: 'reconciled', resolution, results: [], assessment, ...unchanged } as const;
    return renderStatus(service, visit, new Date(Date.now()));
  };
  const first = statusAt(world.service);
  expect(first).toMatchObject({ objectivesMet: '0/6' });
  expect(first).not.toHaveProperty('objectives');
  await jest.advanceTimersByTimeAsync(30 * intervalMs);
  expect(JSON.stringify(statusAt({ ...world.service, status: first }))).toBe(JSON.stringify(first));
});
