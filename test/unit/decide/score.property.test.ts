import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { score, scoreRules, type ScoreInput, type Seen } from '../../../operator/decide/score.ts';

const now = 1_800_000_000_000;
const rules = scoreRules(effectivePolicy({}).policy.scaler);
const figures = {
  responseTimeAverage: fc.double({ min: 0, max: 3, noNaN: true }),
  cpuPercent: fc.double({ min: 0, max: 120, noNaN: true }),
  memoryPercent: fc.double({ min: 0, max: 120, noNaN: true }),
  queueLength: fc.integer({ min: 0, max: 120 }),
  requestRatePerPod: fc.double({ min: 0, max: 120, noNaN: true }),
  errorRatio: fc.double({ min: 0, max: 0.2, noNaN: true }),
};
const known: fc.Arbitrary<Seen> = fc.record(figures);
const partly: fc.Arbitrary<Seen> = fc.record(figures, { requiredKeys: [] });
const replicas = fc.integer({ min: 1, max: 40 });
const input = (seen: fc.Arbitrary<Seen>): fc.Arbitrary<ScoreInput> =>
  fc
    .record({
      bounds: fc.tuple(replicas, replicas),
      seen,
      current: replicas,
      since: fc.option(fc.integer({ min: 0, max: 600_000 }), { nil: undefined }),
      steps: fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 })),
    })
    .map(({ bounds: [a, b], since, steps: [up, down], ...rest }) => ({
      ...rest,
      rules: {
        ...rules,
        scaleUp: { ...rules.scaleUp, step: up },
        scaleDown: { ...rules.scaleDown, step: down },
      },
      minReplicas: Math.min(a, b),
      maxReplicas: Math.max(a, b),
      memory: { lastScaledAt: since === undefined ? undefined : now - since },
      now,
    }));
const isInBounds = ({ current, minReplicas, maxReplicas }: ScoreInput): boolean =>
  current >= minReplicas && current <= maxReplicas;

describe('score()', () => {
  test('never leaves the bounds', () => {
    fc.assert(
      fc.property(input(partly), (at) => {
        const { to } = score(at);
        expect(to).toBeGreaterThanOrEqual(at.minReplicas);
        expect(to).toBeLessThanOrEqual(at.maxReplicas);
      }),
    );
  });

  test('never changes anything twice within a cooldown, but for what lies outside the bounds', () => {
    fc.assert(
      fc.property(input(partly), input(partly), fc.nat(299_999), (first, second, later) => {
        const { to, from, memory } = score(first);
        fc.pre(to !== from);
        const bounds = { minReplicas: first.minReplicas, maxReplicas: first.maxReplicas };
        expect(score({ ...second, ...bounds, current: to, memory, now: now + later }).to).toBe(to);
      }),
    );
  });

  test('never has fewer replicas for more load', () => {
    fc.assert(
      fc.property(input(known), known, (at, other) => {
        const more = Object.fromEntries(
          Object.entries(at.seen).map(([metric, saw]) => [
            metric,
            Math.max(Number(saw), Number(other[metric as keyof Seen] ?? 0)),
          ]),
        );
        expect(score({ ...at, seen: more }).to).toBeGreaterThanOrEqual(score(at).to);
      }),
    );
  });

  test('never has fewer replicas while a metric is missing', () => {
    fc.assert(
      fc.property(input(known), fc.constantFrom(...(Object.keys(figures) as (keyof typeof figures)[])), (at, lost) => {
        fc.pre(isInBounds(at));
        const { [lost]: _, ...seen } = at.seen;
        expect(score({ ...at, seen }).to).toBeGreaterThanOrEqual(at.current);
      }),
    );
  });
});
