import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  averageWeight,
  firstMemory,
  noWork,
  weigh,
  type PodMemory,
  type PodWork,
} from '../../../operator/decide/weights.ts';
import { adaptive as policy } from './weights-policy.ts';

/** So many requests, of which each had a slot for so long. */
const served = (count: number, ms: number, failed = 0): PodWork => ({
  served: count,
  failed,
  servedMs: count * ms,
  busyMs: count * ms,
});
const known = (given: Partial<PodMemory> = {}): PodMemory => ({ ...firstMemory(policy, 0), ...given });
const sure = { serviceMs: 20, requests: 2_000 };
const roomy = { effect: 1 };

interface Given {
  readonly memory?: Partial<PodMemory>;
  readonly work?: PodWork;
}
/** Three Pods, of which the last is looked at. */
function look(last: Given, given: Partial<Parameters<typeof weigh>[0]> = {}, others: Given = {}) {
  const usual = { memory: known({ ...sure, ...others.memory }), work: others.work ?? served(300, 20) };
  const input = {
    policy,
    slots: 4,
    elapsedMs: 30_000,
    hasGaps: false,
    now: 30_000,
    ...given,
    pods: [
      { id: 'a', ...usual },
      { id: 'b', ...usual },
      { id: 'c', memory: known(last.memory), work: last.work ?? noWork },
    ],
  };
  const { pods, ...all } = weigh(input);
  const { memory, why, target } = pods[2] ?? { memory: undefined };
  return { ...all, pods, memory, weight: memory?.weight, why, target };
}

test('the average lies as far from the least as from the greatest', () => {
  expect([averageWeight(policy), averageWeight({ ...policy, min: 10 })]).toEqual([10, 32]);
});

describe('weigh()', () => {
  test.each([
    {
      name: 'a Pod three times as slow as the others goes towards a third of the average, three tenths a step',
      last: { memory: sure, work: served(300, 100) }, // (20 + 100) / 2 = 60 ms
      weight: 7,
      why: 'Measured',
      target: 3,
    },
    {
      name: 'a small weight changes by a tenth of the average at least',
      last: { memory: { ...sure, weight: 1 }, work: served(300, 20) },
      weight: 2,
      why: 'Measured',
      target: 10,
    },
    {
      name: 'what is as fast as the others stays',
      last: { memory: sure, work: served(300, 20) },
      weight: 10,
      why: 'WithinBand',
      target: 10,
    },
    {
      name: 'ten requests alone are no sign of a Pod half as slow again: 2/√10 = 63 %',
      last: { work: served(10, 30) },
      weight: 10,
      why: 'WithinBand',
      target: 7,
    },
    {
      name: 'nine are none at all',
      last: { work: served(9, 200) },
      weight: 10,
      why: 'TooFewRequests',
      target: 10,
    },
    {
      name: 'they are added to those that were too few before',
      last: { memory: { pending: served(9, 200) }, work: served(1, 200) },
      weight: 7,
      why: 'Measured',
      target: 1,
    },
    {
      name: 'each percent of errors that the others do not have takes a tenth: 0.95^10',
      last: { memory: sure, work: served(285, 20, 15) },
      weight: 7,
      why: 'Failing',
      target: 6,
    },
    {
      name: 'one that fails at once does not pass for fast',
      last: { memory: { ...sure, weight: 2 }, work: { ...served(0, 0, 300), busyMs: 300 } },
      weight: 1,
      why: 'Failing',
      target: 1,
    },
    {
      name: 'errors are no reason to go up for what may be chance: 1/8 < 2/√198',
      last: { memory: { weight: 8 }, work: served(198, 20, 2) },
      weight: 8,
      why: 'WithinBand',
      target: 9,
    },
    {
      name: 'one error is no pattern',
      last: { memory: sure, work: served(10, 20, 1) },
      weight: 10,
      why: 'WithinBand',
      target: 10,
    },
  ])('$name', ({ last, weight, why, target }) => {
    expect(look(last)).toMatchObject({ weight, why, target });
  });

  test('errors that all have are no Pod’s fault', () => {
    const failing = served(150, 20, 150);
    const { pods } = look({ memory: sure, work: failing }, {}, { work: failing });
    expect(pods.map(({ memory: { weight } }) => weight)).toEqual([10, 10, 10]);
  });

  test('service times move weights fully while there is room, and not at all where there is none', () => {
    const slow = { memory: { serviceMs: 60, requests: 2_000 }, work: served(300, 60) };
    const busy = (ratio: number) => look(slow, { elapsedMs: (300 * (20 + 20 + 60)) / (3 * 4 * ratio) });
    expect(busy(0.6)).toMatchObject({ effect: 1, target: 3 });
    expect(busy(0.75)).toMatchObject({ target: 6 }); // 10 / √3
    expect(busy(0.75).effect).toBeCloseTo(0.5);
    expect(busy(0.9)).toMatchObject({ target: 10 });
    expect(look(slow, { elapsedMs: 1, policy: { ...policy, followBelowPercent: 90 } }).effect).toBe(0);
  });

  test('a gap in what nginx told moves nothing, and is not remembered', () => {
    const { memory, weight, why } = look({ memory: sure, work: served(300, 200) }, { hasGaps: true });
    expect({ weight, why, memory }).toMatchObject({ weight: 10, why: 'GapsInLog', memory: { serviceMs: 20 } });
  });

  test('what was not heard of for three minutes goes back to the average, step by step, and is tried', () => {
    const memory = { ...sure, serviceMs: 200, weight: 3, heardAt: 0 };
    expect(look({ memory }, { now: 179_999 })).toMatchObject({ weight: 3, why: 'TooFewRequests' });
    expect(look({ memory }, { now: 180_000 })).toMatchObject({ weight: 4, why: 'Expired', target: 10 });
    expect(look({ memory }, { now: 180_000 }).memory).not.toHaveProperty('serviceMs');
    expect(look({ memory }, { now: 180_000, hasGaps: true })).toMatchObject({ why: 'Expired' });
  });

  test('a Pod that had no request has nothing that could expire', () => {
    const fresh = firstMemory(policy, 0);
    expect(look({ memory: fresh }, { now: 179_999 })).toMatchObject({ weight: 10, why: 'TooFewRequests' });
    expect(look({ memory: fresh }, { now: 180_000 })).toMatchObject({ weight: 10, why: 'NoRequests', target: 10 });
    expect(look({ memory: fresh, work: served(1, 20) }, { now: 180_000 })).toMatchObject({ why: 'Expired' });
    expect(look({ memory: { ...fresh, weight: 5 } }, { now: 180_000 })).toMatchObject({ weight: 6, why: 'Expired' });
  });

  test('after expiry few requests add up from look to look until they are enough; those before it are forgotten', () => {
    const looks = [served(9, 200), served(5, 200), served(4, 200), served(1, 200)];
    let memory = known({ heardAt: 0 });
    const why = looks.map((work, index) => {
      const seen = look({ memory, work }, { now: 180_000 + 30_000 * index });
      memory = seen.memory ?? memory;
      return seen.why;
    });
    expect(why).toEqual(['Expired', 'Expired', 'Expired', 'Measured']);
  });

  test('a new Pod grows to its share in its time, and never has more than that', () => {
    const fresh = firstMemory(policy, 0, roomy);
    expect(fresh.weight).toBe(3);
    const at = (now: number, work = noWork) => look({ memory: fresh, work }, { now }).weight;
    expect([30_000, 60_000, 89_999, 90_000].map((now) => at(now))).toEqual([5, 8, 10, 10]);
    expect(at(60_000, served(300, 40))).toBe(4); // half as fast as the others: 5 × 0.77
    expect(at(60_000, served(10, 30))).toBe(8); // 2/√10 = 63 %: no sign of one half as slow again
    expect(at(60_000, served(300, 5))).toBe(8); // four times as fast: the average, not 40
    expect(look({ memory: fresh }, { now: 90_000 }).memory).not.toHaveProperty('newSince');
    expect(firstMemory({ ...policy, slowStartMs: 0 }, 0, roomy)).toMatchObject({ weight: 10 });
  });

  test('a new Pod is held back the less the less room there is, and keeps what it has when there is more', () => {
    const first = (effect: number) => firstMemory(policy, 0, { effect }).weight;
    expect([first(1), first(0.5), first(0)]).toEqual([3, 7, 10]); // 10 × (1 − 0.7 × effect)
    const memory = firstMemory(policy, 0, { effect: 0 });
    const at = (ratio: number, given: Partial<PodMemory> = {}, work = noWork) =>
      look({ memory: { ...memory, ...given }, work }, { elapsedMs: (600 * 20) / (3 * 4 * ratio), now: 30_000 }).weight;
    expect(at(0.9, { weight: 3 })).toBe(10);
    expect(at(0.75, { weight: 3 })).toBe(8); // 10 × (1 − 0.7 × 1/2 × 2/3)
    expect(at(0.3)).toBe(10);
    expect(at(0.3, {}, served(300, 40))).toBe(5); // its share, and no more
  });

  test('a Pod that has recovered has its share again within ten looks, from the least', () => {
    let memory = known({ ...sure, weight: 1, serviceMs: 60, errorRatio: 0.5 });
    const weights = Array.from({ length: 14 }, (_, index) => {
      memory = look({ memory, work: served(100, 20) }, { now: 30_000 * (index + 1) }).memory ?? memory;
      return memory.weight;
    });
    const reached = weights.findIndex((weight) => weight >= 9);
    expect(reached).toBeGreaterThanOrEqual(0);
    expect(reached).toBeLessThan(10);
    expect(weights.toSorted((a, b) => a - b)).toEqual(weights);
  });

  test('whatever is seen, weights are whole, between 1 and the greatest, and never leap', () => {
    const works = fc.record({ count: fc.nat(500), ms: fc.nat(5_000), failed: fc.nat(500) });
    const looks = fc.array(fc.array(works, { minLength: 4, maxLength: 4 }), { maxLength: 12 });
    fc.assert(
      fc.property(looks, fc.integer({ min: 1, max: 50 }), (all, min) => {
        const bounded = { ...policy, min };
        let pods = ['a', 'b', 'c', 'd'].map((id, index) => ({
          id,
          memory: firstMemory(bounded, 0, index === 3 ? roomy : undefined),
        }));
        for (const [index, done] of all.entries()) {
          const before = pods;
          const input = before.map((pod, at) => {
            const { count = 0, ms = 0, failed = 0 } = done[at] ?? {};
            return { ...pod, work: served(count, ms, failed) };
          });
          const now = (index + 1) * 30_000;
          pods = weigh({ policy: bounded, slots: 4, pods: input, elapsedMs: 30_000, hasGaps: false, now }).pods.map(
            ({ id, memory }) => ({ id, memory }),
          );
          for (const [at, { memory }] of pods.entries()) {
            const was = before[at]?.memory.weight ?? 0;
            expect(Number.isInteger(memory.weight)).toBe(true);
            expect(memory.weight).toBeGreaterThanOrEqual(1);
            expect(memory.weight).toBeLessThanOrEqual(100);
            const step = Math.max(0.3 * was, averageWeight(bounded) / 10 + 0.5, 1);
            if (before[at]?.memory.newSince === undefined)
              expect(Math.abs(memory.weight - was)).toBeLessThanOrEqual(step);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
