import { describe, expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { resolve, type Resolved } from '../../../operator/decide/resolve.ts';
import type { Collector } from '../../../operator/metrics/collector.ts';
import type { PodView } from '../../../operator/metrics/pod-view.ts';
import { createRing } from '../../../operator/metrics/windows.ts';
import { loadColumns } from '../../../operator/metrics/load-samples.ts';
import { createAlgorithms, startUpOf, type KeptScaler } from '../../../operator/reconcilers/scaler-algorithm.ts';
import { storedService } from '../../world/builders.ts';

const start = 1_800_000_000_000;

function resolvedWith(scaler: NonNullable<PolicySpec['scaler']>): Resolved {
  const service = storedService({
    metadata: { uid: 'service' },
    spec: {
      components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow' } }],
      overrides: { scaler },
    },
  });
  const targets = new Map([['workflow', { kind: 'found', replicas: 2, selector: [] }]] as const);
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}

/** Lookahead over rows that a test adds, each 10 s after the one before: requests of 8 s on four Pods. */
function openLookahead(kept?: KeptScaler) {
  const resolved = resolvedWith({ algorithm: 'Lookahead' });
  const [component] = resolved.components;
  if (component === undefined) throw new Error('there is one');
  const ring = createRing(loadColumns, 1_000);
  const collector: Pick<Collector, 'windowOf' | 'rowsOf'> = {
    windowOf: () => undefined,
    rowsOf: (_service, _component, since) => ring.since(since, loadColumns) as never,
  };
  const world = { now: start, kept, pods: [] as readonly PodView[] };
  const algorithms = createAlgorithms(collector);
  return {
    world,
    /** @param perSecond undefined: no Pod answered. */
    pass(windows: number, perSecond: number | undefined) {
      for (let window = 0; window < windows; window++) {
        world.now += 10_000;
        const load = { requestRate: perSecond ?? NaN, inFlight: 8 * (perSecond ?? NaN), queue: 0 };
        ring.append(world.now, { podsReady: 4, podsAnswered: perSecond === undefined ? 0 : 4, ...load });
      }
    },
    ask: () => {
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

  test('asks for more with the next row after a rise, and writes nothing while it stays', () => {
    const stage = openLookahead();
    stage.pass(100, 2);
    stage.ask();
    stage.pass(1, 2);
    expect(stage.ask().keep).toBeUndefined();
    stage.pass(2, 8);
    expect(stage.ask().asked.floor).toBeGreaterThan(7);
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
    { name: 'without those that became Ready anew after a fault', pods: [pod(30), pod(5_000, 1)], seconds: 30 },
  ])('is $name', ({ pods, seconds }) => {
    expect(startUpOf(pods)).toBe(seconds);
  });
});
