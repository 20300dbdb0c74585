import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { podWork, type DoneRequest } from '../../../operator/decide/pod-work.ts';
import { firstMemory, weigh } from '../../../operator/decide/weights.ts';
import { adaptive as policy } from './weights-policy.ts';

const slots = 4;

const requests = (results: readonly DoneRequest['result'][], count: { readonly min: number; readonly max: number }) =>
  fc.array(
    fc
      .record({
        result: fc.constantFrom(...results),
        startMs: fc.nat(30_000),
        tookMs: fc.integer({ min: 1, max: 2_000 }),
      })
      .map(({ tookMs, ...one }): DoneRequest => ({ ...one, endMs: one.startMs + tookMs })),
    { minLength: count.min, maxLength: count.max },
  );
const shed = (count: number): readonly DoneRequest[] =>
  Array.from({ length: count }, (_, index) => ({ result: 'Shed', startMs: 50 * index, endMs: 50 * index + 1 }));
const memories = fc
  .record({
    weight: fc.integer({ min: 1, max: 100 }),
    serviceMs: fc.integer({ min: 1, max: 2_000 }),
    requests: fc.integer({ min: 10, max: 2_000 }),
    errorRatio: fc.constantFrom(0, 0, 0.01, 0.3),
  })
  .map((given) => ({ ...firstMemory(policy, 0), ...given }));

/** The weight of the first Pod after a look. */
function weightOf(
  pods: readonly { readonly memory: ReturnType<typeof firstMemory>; readonly done: readonly DoneRequest[] }[],
) {
  const seen = pods.map(({ memory, done }, index) => ({ id: String(index), memory, work: podWork(done, [], slots) }));
  const looked = weigh({ policy, slots, pods: seen, elapsedMs: 30_000, hasGaps: false, now: 30_000 });
  return looked.pods[0]?.memory.weight ?? 0;
}

test('answers with 429 raise no weight, however many a Pod gives beside those that it serves', () => {
  const done = requests(['Served', 'Failed'], { min: 10, max: 60 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(memories, done), { minLength: 2, maxLength: 4 }),
      fc.oneof(fc.nat(4), fc.nat(200)),
      (all, count) => {
        const pods = all.map(([memory, work]) => ({ memory, done: work }));
        const [first, ...others] = pods;
        if (first === undefined) return;
        const shedding = { ...first, done: [...first.done, ...shed(count)] };
        expect(weightOf([shedding, ...others])).toBeLessThanOrEqual(weightOf(pods));
      },
    ),
    { numRuns: 300 },
  );
});

test('a Pod that only turns away goes down, whatever it was, as long as the others serve', () => {
  const served = requests(['Served'], { min: 10, max: 40 });
  const weighed = memories.map((memory) => ({ ...memory, errorRatio: 0 }));
  fc.assert(
    fc.property(
      weighed,
      fc.array(served, { minLength: 2, maxLength: 3 }),
      fc.integer({ min: 10, max: 200 }),
      (memory, all, count) => {
        const others = all.map((done) => ({ memory: firstMemory(policy, 0), done }));
        expect(weightOf([{ memory, done: shed(count) }, ...others])).toBeLessThan(Math.max(memory.weight, 2));
      },
    ),
    { numRuns: 100 },
  );
});

test('what is turned away within a millisecond is no service time, and no slot was busy with it', () => {
  const served = Array.from({ length: 10 }, (_, index) => ({
    result: 'Served' as const,
    startMs: 100 * index,
    endMs: 100 * index + 80,
  }));
  expect(podWork([...served, ...shed(50)], shed(5), 1)).toEqual({ served: 10, failed: 50, servedMs: 800, busyMs: 800 });
});
