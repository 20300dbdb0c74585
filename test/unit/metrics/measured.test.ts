import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import type { ComponentFigures } from '../../../operator/metrics/component-figures.ts';
import { measuredFrom } from '../../../operator/metrics/measured.ts';

const { objectives: policy } = effectivePolicy({}).policy;
const at = (value: number, observedAt = 1_000) => ({ value, observedAt });
const figures = (known: Partial<ComponentFigures>): ComponentFigures => ({
  coveredMs: 0,
  podsReady: 1,
  podsAnswered: 1,
  partial: [],
  histograms: {},
  ...known,
});
const times = (observedAt: number, ...counts: readonly number[]) => ({
  bounds: [1, 2],
  counts: Float64Array.from(counts),
  sum: 0,
  count: counts.reduce((a, b) => a + b, 0),
  observedAt,
});

describe('measuredFrom()', () => {
  test('knows nothing of a service without figures', () => {
    const { objectives } = measuredFrom({ policy, components: [{ name: 'a', figures: undefined }] });
    expect(Object.entries(objectives).filter(([, value]) => value !== undefined)).toEqual([['idle', []]]);
  });
  const told = { inFlight: at(1), inFlightMax: at(1) };
  test.each<{ name: string; of: Partial<ComponentFigures>; bound: true | undefined }>([
    { name: 'all that tell of it are whole', of: {}, bound: undefined },
    { name: 'of one a Pod leaves out its part', of: { ...told, partial: ['inFlight'] }, bound: true },
    { name: 'of one a Pod leaves out what waits alone', of: { ...told, partial: ['queue'] }, bound: undefined },
    { name: 'of one that never told of it a Pod is silent', of: { partial: ['inFlight'] }, bound: undefined },
    { name: 'one is silent as a whole', of: { partial: ['inFlight'], podsAnswered: 0 }, bound: true },
  ])('what is in flight where $name: a lower bound $bound', ({ of, bound }) => {
    const components = [
      { name: 'a', figures: figures({ inFlightMax: at(3) }) },
      { name: 'b', figures: figures(of) },
    ];
    expect(measuredFrom({ policy, components }).objectives.workflowsInFlight?.atLeast).toBe(bound);
  });
  test('takes the worst component, sums the load, and says of which component it speaks', () => {
    const { objectives, rating } = measuredFrom({
      policy,
      components: [
        {
          name: 'a',
          figures: figures({
            memoryBytes: at(5),
            errorRatio: at(0.2),
            cpuPercent: at(40),
            inFlightMax: at(3, 900),
            oomKilledAt: 7,
            cacheHitRatio: at(0.9),
          }),
        },
        {
          name: 'b',
          figures: figures({
            memoryBytes: at(9),
            errorRatio: at(0.1),
            cpuPercent: at(60),
            inFlightMax: at(4),
            cacheHitRatio: at(0.5),
          }),
        },
      ],
      redisHitRatio: at(0.8),
    });
    expect(objectives).toMatchObject({
      memory: { value: 9, component: 'b' },
      successRatio: { value: 0.8, component: 'a' },
      workflowsInFlight: { value: 7, observedAt: 900 },
      workloadHitRatio: { value: 0.5, component: 'b' },
      oomKilledAt: 7,
    });
    expect(rating).toEqual({ cpuPercent: 60, memoryBytes: 9, responseTimeP95: undefined, cacheHitRatio: 0.8 });
  });
  test('takes quantiles of all observations together: rank 95 of 60 + 40 in 1..2', () => {
    const components = [
      { name: 'a', figures: figures({ histograms: { workflowDuration: times(500, 60, 0) } }) },
      { name: 'b', figures: figures({ histograms: { workflowDuration: times(800, 0, 40) } }) },
    ];
    const both = measuredFrom({ policy, components }).objectives.workflowDuration;
    expect(both).toEqual({ value: 1.875, observedAt: 500 });
    const one = measuredFrom({ policy, components: components.slice(1) }).objectives.workflowDuration;
    expect(one).toEqual({ value: 1.95, observedAt: 800, component: 'b' });
  });

  describe('idle', () => {
    const none = times(500, 0, 0);
    const unmarked = { ...none, bounds: [], counts: new Float64Array() };
    const quiet: Partial<ComponentFigures> = {
      answerRate: at(0),
      lookupRate: at(0),
      inFlightMax: at(0),
      histograms: { workflowDuration: none, responseTime: none, cachedResponseTime: unmarked },
    };
    const busy = { responseTime: times(500, 9, 0), cachedResponseTime: unmarked };
    const [duration, cached, success] = ['WorkflowDuration', 'CachedResponseTime', 'SuccessRatio'];

    test.each<{ name: string; all: readonly (Partial<ComponentFigures> | undefined)[]; idle: readonly unknown[] }>([
      { name: 'is all that counted nothing', all: [quiet], idle: [duration, cached, success] },
      { name: 'beside a component that lacks it', all: [quiet, {}], idle: [duration, cached, success] },
      { name: 'is nothing beside a component of which nothing is known', all: [quiet, undefined], idle: [] },
      { name: 'or whose Pods do not answer', all: [quiet, { podsAnswered: 0 }], idle: [] },
      { name: 'is nothing while workflows run', all: [{ ...quiet, inFlightMax: at(1) }], idle: [] },
      {
        name: 'is nothing where a part of it was asked',
        all: [quiet, { answerRate: at(1) }],
        idle: [duration, cached],
      },
      {
        name: 'is not what has no buckets and counted',
        all: [{ histograms: { workflowDuration: { ...unmarked, count: 3 } } }],
        idle: [],
      },
      { name: 'is no cached answer that was never marked', all: [{ histograms: busy }], idle: [] },
      {
        name: 'but one that was marked before is',
        all: [{ histograms: { ...busy, cachedResponseTime: none } }],
        idle: [cached],
      },
    ])('$name', ({ all, idle }) => {
      const components = all.map((known, index) => ({ name: String(index), figures: known && figures(known) }));
      expect(measuredFrom({ policy, components }).objectives.idle).toEqual(idle);
    });
    test('is the cache that the policy asks for', () => {
      const ofWorkload = { ...policy, cacheHitRatio: { ...policy.cacheHitRatio, source: 'Workload' as const } };
      const components = [{ name: 'a', figures: figures({ lookupRate: at(0) }) }];
      const idle = (asked: typeof policy, isRedisIdle: boolean) =>
        measuredFrom({ policy: asked, components, isRedisIdle }).objectives.idle;
      expect(idle(policy, true)).toEqual(['CacheHitRatio']);
      expect(idle(policy, false)).toEqual([]);
      expect(idle(ofWorkload, false)).toEqual(['CacheHitRatio']);
    });
  });
});
