import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { podWork } from '../../../operator/decide/pod-work.ts';
import { slotTimes } from '../../../operator/decide/slot-times.ts';

const span = (startMs: number, endMs: number) => ({ startMs, endMs });

test.each([
  {
    name: 'all of the time where there is a slot for each',
    spans: [span(0, 10), span(5, 15)],
    slots: 2,
    times: [10, 10],
  },
  { name: 'half of it while two share one', spans: [span(0, 20), span(10, 30)], slots: 1, times: [15, 15] },
  {
    name: 'none of a queue: three at once with one slot',
    spans: [span(0, 30), span(0, 30), span(0, 30)],
    slots: 1,
    times: [10, 10, 10],
  },
  { name: 'nothing of what took no time', spans: [span(5, 5)], slots: 1, times: [0] },
  { name: 'a part where others share the Pod: half a slot is left', spans: [span(0, 10)], slots: 0.5, times: [5] },
])('a request has a slot $name', ({ spans, slots, times }) => {
  expect(slotTimes(spans, slots)).toEqual(times);
});

test('together they never have more than the slots there are, nor more than they took', () => {
  const some = fc.array(fc.tuple(fc.nat(1_000), fc.nat(200)), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 8 }), (all, slots) => {
      const spans = all.map(([start, ms]) => span(start, start + ms));
      const times = slotTimes(spans, slots);
      const busy = times.reduce((sum, time) => sum + time, 0);
      const length = Math.max(...spans.map(({ endMs }) => endMs)) - Math.min(...spans.map(({ startMs }) => startMs));
      expect(busy).toBeLessThanOrEqual(slots * length + 1e-6);
      for (const [index, time] of times.entries()) expect(time).toBeLessThanOrEqual((all[index]?.[1] ?? 0) + 1e-6);
    }),
  );
});

test('podWork() counts what ended now, beside what was under way with it before', () => {
  const done = [
    { ...span(0, 20), result: 'Served' as const },
    { ...span(20, 30), result: 'Failed' as const },
    { ...span(30, 40), result: 'Cut' as const },
  ];
  expect(podWork(done, [{ ...span(0, 20), result: 'Served' }], 1)).toEqual({
    served: 1,
    failed: 1,
    servedMs: 10,
    busyMs: 30,
  });
});
