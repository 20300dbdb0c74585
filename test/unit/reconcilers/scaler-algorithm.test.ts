import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import type { KeptLookahead } from '../../../operator/decide/lookahead/kept.ts';
import { decideAgain, type LookaheadRecord } from '../../../operator/decide/lookahead/record.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { resolve, type Resolved } from '../../../operator/decide/resolve.ts';
import type { Collector } from '../../../operator/metrics/collector.ts';
import type { PodView } from '../../../operator/metrics/pod-view.ts';
import { createRing } from '../../../operator/metrics/windows.ts';
import { loadColumns } from '../../../operator/metrics/load-samples.ts';
import { createAlgorithms, type KeptScaler } from '../../../operator/reconcilers/scaler-algorithm.ts';
import { startUpOf } from '../../../operator/reconcilers/scaler-beliefs.ts';
import { storedService } from '../../world/builders.ts';

const start = 1_800_000_000_000;

function resolvedWith(overrides: PolicySpec): Resolved {
  const service = storedService({
    metadata: { uid: 'service' },
    spec: {
      components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow' } }],
      overrides,
    },
  });
  const targets = new Map([['workflow', { kind: 'found', replicas: 2, selector: [] }]] as const);
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}

/** Lookahead over rows that a test adds, each 10 s after the one before: requests of 8 s on four Pods. */
function openLookahead(kept?: KeptScaler, more: PolicySpec = {}) {
  let policy: PolicySpec = { scaler: { algorithm: 'Lookahead' }, ...more };
  const ring = createRing(loadColumns, 1_000);
  const collector: Pick<Collector, 'windowOf' | 'rowsOf'> = {
    windowOf: () => undefined,
    rowsOf: (_service, _component, since) => ring.since(since, loadColumns) as never,
  };
  const world = { now: start, kept, pods: [] as readonly PodView[] };
  const algorithms = createAlgorithms(collector);
  return {
    world,
    declare: (next: PolicySpec) => void (policy = { ...policy, ...next }),
    /** @param perSecond undefined: no Pod answered. */
    pass(
      windows: number,
      perSecond: number | undefined,
      rest: Partial<Record<'errorRate' | 'inFlight' | 'queue' | 'queuePartial', number>> = {},
    ) {
      for (let window = 0; window < windows; window++) {
        world.now += 10_000;
        const load = { answerRate: perSecond ?? NaN, inFlight: 8 * (perSecond ?? NaN), queue: 0, ...rest };
        ring.append(world.now, { podsReady: 4, podsAnswered: perSecond === undefined ? 0 : 4, ...load });
      }
    },
    ask: () => {
      const resolved = resolvedWith(policy);
      const [component] = resolved.components;
      if (component === undefined) throw new Error('there is one');
      const answer = algorithms.ask({
        resolved,
        component,
        inForce: world.kept?.floor ?? 2,
        kept: world.kept,
        pods: world.pods,
        now: world.now,
      });
      world.kept = answer.keep ?? world.kept;
      return answer;
    },
  };
}

describe('Lookahead', () => {
  test('learns from all that was measured before it was asked, and asks for what the load needs', () => {
    const stage = openLookahead();
    stage.pass(100, 2);
    const { asked, keep } = stage.ask();
    expect(asked).toMatchObject({ floor: 4, reason: 'LoadHigh' }); // 16 slots of 5 a replica
    expect(asked.message).toMatch(/^16 slots are asked for, of 8 s a request; \w+ expects 16, below 1\d/);
    expect(keep).toMatchObject({ floor: 4, lastScaledAt: stage.world.now });
  });

  test('tells what it decided by: by that alone the same is decided', () => {
    const stage = openLookahead();
    for (const perSecond of [2, 9, 4, 1]) {
      stage.pass(90, perSecond);
      const { asked } = stage.ask();
      const { lookahead } = asked.madeFrom as { readonly lookahead: LookaheadRecord };
      expect(lookahead).toMatchObject({ floor: asked.floor, wanted: asked.wanted });
      const { input, floor: to, reason, wanted } = JSON.parse(JSON.stringify(lookahead)) as LookaheadRecord;
      expect(decideAgain(input)).toMatchObject({ to, reason, wanted });
    }
  });

  test('asks for more with the next row after a rise, and writes nothing while it stays', () => {
    const stage = openLookahead();
    stage.pass(100, 2);
    stage.ask();
    stage.pass(1, 2);
    expect(stage.ask().keep).toBeUndefined();
    stage.pass(2, 8);
    expect(stage.ask().asked.floor).toBeGreaterThan(7);
  });

  test('lowers nothing by what is left when some Pods leave out their part', () => {
    const stage = openLookahead();
    stage.pass(200, 6);
    const { floor } = stage.ask().asked;
    stage.pass(100, 1, { queuePartial: 2 });
    expect(stage.ask().asked.floor).toBe(floor);
    stage.pass(100, 1);
    expect(stage.ask().asked.floor).toBeLessThan(floor);
  });

  test('begins with the floor that an earlier process asked for, and lowers it no sooner than after ten minutes', () => {
    const stage = openLookahead({ floor: 12, lastScaledAt: start - 1 });
    stage.pass(59, 0.1);
    expect(stage.ask().asked).toMatchObject({ floor: 12, reason: 'WarmingUp', heldBy: 'WarmingUp' });
    stage.pass(10, 0.1);
    expect(stage.ask().asked.floor).toBe(6);
  });

  test('goes on with what an earlier process had learned, for a day', () => {
    const before = openLookahead();
    before.pass(200, 6);
    const { keep } = before.ask();
    if (keep === undefined) throw new Error('the floor has risen');
    const floorAfter = (lastScaledAt: number): number => {
      const stage = openLookahead({ ...keep, floor: 16, lastScaledAt });
      stage.pass(20, 0.1);
      return stage.ask().asked.floor;
    };
    expect(floorAfter(start - 1)).toBeLessThan(16); // ten minutes are not needed: it knows what load there was
    expect(floorAfter(start - 24 * 3_600_000)).toBe(16);
  });

  test('keeps what it learns while nothing is moved, half an hour to an hour later and then each hour', () => {
    const stage = openLookahead();
    const written: number[] = [];
    stage.pass(100, 2);
    const moved = stage.ask().keep;
    for (let minute = 1; minute <= 180; minute++) {
      stage.pass(6, 2);
      const { keep } = stage.ask();
      if (keep === undefined) continue;
      expect(keep).toMatchObject({ floor: 4, lastScaledAt: moved?.lastScaledAt, learnedAt: stage.world.now });
      written.push(minute);
    }
    expect(written).toHaveLength(3);
    const [first = 0, second = 0, third = 0] = written;
    expect(first).toBeGreaterThanOrEqual(30);
    expect(first).toBeLessThanOrEqual(60);
    for (const gap of [second - first, third - second]) expect(gap / 60).toBeCloseTo(1, 1);
  });

  test('counts the day from when what was learned was written, not from when the floor was moved', () => {
    const before = openLookahead();
    before.pass(200, 6);
    const { keep } = before.ask();
    if (keep === undefined) throw new Error('the floor has risen');
    const stage = openLookahead({ ...keep, floor: 16, lastScaledAt: start - 30 * 3_600_000, learnedAt: start - 1 });
    stage.pass(20, 0.1);
    expect(stage.ask().asked.floor).toBeLessThan(16);
  });

  test('writes nothing that stands there already', () => {
    const hourWith = (kept: (keep: KeptScaler | undefined) => KeptScaler | undefined) => {
      const stage = openLookahead();
      stage.pass(100, 2);
      stage.world.kept = kept(stage.ask().keep);
      stage.pass(360, 2);
      return stage.ask().keep;
    };
    const written = hourWith((keep) => keep);
    expect(written).toMatchObject({ learnedAt: start + 4_600_000 });
    expect(hourWith((keep) => keep && { ...keep, learned: written?.learned })).toBeUndefined();
  });

  test('goes on with what it has learned when its bounds are moved, and is held by these', () => {
    const stage = openLookahead();
    stage.pass(20, 1.5, { inFlight: 12, queue: 3 });
    stage.ask();
    for (let hour = 0; hour < 3; hour++) {
      stage.pass(360, 0.5); // until the rows of the twenty are gone
      stage.ask();
    }
    stage.world.kept = undefined; // as with mode: DryRun, which keeps nothing
    stage.declare({ horizontal: { maxReplicas: 7 } });
    stage.pass(1, 20, { inFlight: 12 });
    const { asked } = stage.ask();
    expect(asked).toMatchObject({ floor: 7, heldBy: 'MaxReplicas' });
    expect(asked.terms.find(({ name }) => name === 'slots')).toMatchObject({ value: 3 });
  });

  test('holds replicas that somebody has set for a down window, and then goes on from these', () => {
    const stage = openLookahead();
    stage.pass(100, 0.5);
    stage.ask();
    stage.world.kept = { floor: 10, lastScaledAt: 0 };
    stage.pass(11, 0.5); // 1.5 × (66 s to start and 14 s to decide) are 12 rows, one of them before
    expect(stage.ask().asked).toMatchObject({ floor: 10, heldBy: 'DownWindow' });
    stage.pass(1, 0.5);
    expect(stage.ask().asked).toMatchObject({ floor: 5, reason: 'LoadLow' });
  });

  test('takes replicas that nobody moves for no choice of anybody', () => {
    const stage = openLookahead();
    const untaken = { floor: 10, lastScaledAt: 0 }; // as with mode: DryRun
    for (const windows of [100, 1, 1]) {
      stage.pass(windows, 0.5);
      stage.world.kept = untaken;
      expect(stage.ask().asked).toMatchObject({ floor: 5, reason: 'LoadLow' });
    }
  });

  test.each<{ readonly name: string; readonly next: PolicySpec }>([
    { name: 'how many of the peaks are to be covered', next: { scaler: { lookahead: { coverPercent: 90 } } } },
    { name: 'by how much service times vary', next: { scaler: { lookahead: { serviceVariationPercent: 90 } } } },
    { name: 'its objective', next: { objectives: { workflowDuration: { target: '50s' } } } },
    { name: 'how far ahead it plans', next: { scaler: { lookahead: { horizon: '600s' } } } },
    { name: 'how often its Pods are asked', next: { collector: { interval: '9s' } } },
  ])('counts nothing twice, and forgets nothing, when others decide $name', ({ next }) => {
    const learnedWith = (changed: PolicySpec) => {
      const stage = openLookahead();
      for (const perSecond of [2, 3]) {
        stage.pass(100, perSecond);
        stage.ask();
      }
      const { scaler, ...rest } = changed;
      stage.declare({ ...rest, scaler: { algorithm: 'Lookahead', ...scaler } });
      stage.ask(); // nothing new was measured
      stage.pass(1, 12);
      return stage.ask().keep?.learned as KeptLookahead;
    };
    const weightOf = ({ experts }: KeptLookahead): number => experts.level.loss[1];
    const [unchanged, changed] = [learnedWith({}), learnedWith(next)];
    expect(weightOf(changed) / weightOf(unchanged)).toBeCloseTo(1, 1);
    for (const part of [0, 1] as const) expect(changed.service[part] / unchanged.service[part]).toBeCloseTo(1, 1);
  });

  test('asks for as much while requests fail at once: it keeps what it knows of how long they take', () => {
    const stage = openLookahead();
    stage.pass(100, 2);
    stage.ask();
    stage.pass(60, 2, { errorRate: 2, inFlight: 0.1 });
    expect(stage.ask().asked).toMatchObject({
      floor: 4,
      message: expect.stringMatching(/^16 slots are asked for, of 8 s/),
    });
  });

  test.each([
    {
      name: 'takes what is usual where too little has waited',
      policy: {},
      windows: 6,
      slots: 5,
      by: /^taken for usual/,
    },
    { name: 'has seen', policy: {}, windows: 20, slots: 3, by: /^seen to be busy in \d+ windows/ },
    {
      name: 'has seen, where what is declared is not written to the Pods',
      policy: { runtime: { mode: 'DryRun', pools: { ai_api: 4 } } },
      windows: 20,
      slots: 3,
      by: /^seen to be busy/,
    },
    {
      name: 'is told',
      policy: { runtime: { mode: 'Enforce', pools: { ai_api: 4 } } },
      windows: 20,
      slots: 4,
      by: /^runtime.pools.ai_api$/,
    },
  ] as const)('reckons with the slots that it $name, and says so', ({ policy, windows, slots, by }) => {
    const stage = openLookahead(undefined, policy);
    stage.pass(windows, 1.5, { inFlight: 12, queue: 3 }); // four Pods with three each, and requests that wait
    const term = stage.ask().asked.terms.find(({ name }) => name === 'slots');
    expect(term).toMatchObject({
      value: slots,
      means: expect.stringMatching(/^requests that it works on at a time: /),
    });
    expect(term?.means.replace(/^.*?: /, '')).toMatch(by);
  });

  test('believes in no more slots in an overload in which nobody says how many requests wait', () => {
    const stage = openLookahead();
    stage.pass(60, 2, { inFlight: 240, queue: NaN });
    const term = stage.ask().asked.terms.find(({ name }) => name === 'slots');
    expect(term).toMatchObject({ value: 5, means: expect.stringContaining('taken for usual') });
  });

  test('says how long Pods take to start and by how much service times vary, and who has said so', () => {
    const told = (policy: PolicySpec): string[] => {
      const stage = openLookahead(undefined, policy);
      stage.pass(3, 2);
      const { terms } = stage.ask().asked;
      return terms
        .filter(({ name }) => ['start-up', 'variation'].includes(name))
        .map(({ value, unit, means }) => `${value} ${unit}, ${means.replace(/^.*?: /, '')}`);
    };
    expect(told({})).toEqual([
      '60 %, scaler.lookahead.serviceVariationPercent',
      '60 s, taken for usual, as no Pod has shown it yet',
    ]);
    const lookahead = { startUp: '45s', serviceVariationPercent: 120 };
    expect(told({ scaler: { algorithm: 'Lookahead', lookahead } })).toEqual([
      '120 %, scaler.lookahead.serviceVariationPercent',
      '45 s, scaler.lookahead.startUp',
    ]);
  });

  test('asks for more where more of the peaks are to be covered', () => {
    const floor = (coverPercent: number): number => {
      const stage = openLookahead(undefined, { scaler: { algorithm: 'Lookahead', lookahead: { coverPercent } } });
      for (let round = 0; round < 60; round++) {
        stage.pass(4, 1);
        stage.pass(1, 4);
      }
      return stage.ask().asked.floor;
    };
    expect(floor(99)).toBeGreaterThan(floor(50));
  });

  test.each([
    { name: 'no Pod answers', lose: (stage: ReturnType<typeof openLookahead>) => stage.pass(1, undefined) },
    {
      name: 'no row came for three periods',
      lose: ({ world }: ReturnType<typeof openLookahead>) => (world.now += 30_001),
    },
  ])('asks for what it asked for while $name', ({ lose }) => {
    const stage = openLookahead();
    stage.pass(100, 2);
    stage.ask();
    lose(stage);
    expect(stage.ask()).toMatchObject({
      asked: { floor: 4, reason: 'MetricsStale', heldBy: 'MetricsStale' },
      keep: undefined,
    });
  });
});

test('missing data never lowers the floor of Lookahead, whatever was measured before', () => {
  const rows = fc.record({
    count: fc.integer({ min: 1, max: 70 }),
    perSecond: fc.nat(120).map((tenths) => tenths / 10),
  });
  const missing = fc.constantFrom<(stage: ReturnType<typeof openLookahead>) => void>(
    (stage) => stage.pass(7, undefined), // no Pod answers
    (stage) => stage.pass(7, 0, { inFlight: NaN }), // none says what it works on
    ({ world }) => void (world.now += 31_000), // no row comes
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(rows, missing), { minLength: 2, maxLength: 6 }), (all) => {
      const stage = openLookahead();
      for (const [{ count, perSecond }, lose] of all) {
        stage.pass(count, perSecond);
        const before = stage.ask().asked.floor;
        lose(stage);
        expect(stage.ask()).toMatchObject({ asked: { floor: before, reason: 'MetricsStale' }, keep: undefined });
        stage.pass(2, 0); // less than a down window is no low load yet
        expect(stage.ask().asked.floor).toBeGreaterThanOrEqual(before);
      }
    }),
    { numRuns: 40 },
  );
});

describe('startUpOf()', () => {
  const pod = (seconds: number, index = 0, more: Partial<PodView> = {}): PodView =>
    ({ ready: true, createdAt: start + index, readySince: start + index + 1_000 * seconds, ...more }) as PodView;
  test.each([
    { name: 'a minute where no Pod has shown it', pods: [pod(5, 0, { ready: false })], seconds: 60 },
    {
      name: 'what nine of ten Pods took',
      pods: Array.from({ length: 10 }, (_, index) => pod(10 + index, index)),
      seconds: 19,
    },
    {
      name: 'that of the newest twenty',
      pods: Array.from({ length: 40 }, (_, index) => pod(index < 20 ? 100 : 30, index)),
      seconds: 30,
    },
    {
      name: 'without those that two clocks have Ready before they were made',
      pods: [pod(30), pod(-5, 1)],
      seconds: 30,
    },
    { name: 'without those that became Ready anew after a fault', pods: [pod(30), pod(5_000, 1)], seconds: 30 },
  ])('is $name', ({ pods, seconds }) => {
    const { policy } = effectivePolicy({});
    expect(startUpOf(policy, pods).seconds).toBe(seconds);
  });
});
