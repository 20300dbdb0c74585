import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { DueTimes } from '../../../operator/kube/due-times.ts';

type Step = { readonly do: 'add' | 'delete' | 'takeDue'; readonly key: string; readonly at: number };
const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('add', 'add', 'add', 'delete', 'takeDue'),
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
  at: fc.integer({ min: 0, max: 100 }),
});

test('behaves as a map from key to its earliest time, read in the order of time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const due = new DueTimes<string>();
      const model = new Map<string, number>();
      for (const { do: what, key, at } of steps) {
        if (what === 'add') {
          due.add(key, at);
          model.set(key, Math.min(at, model.get(key) ?? Infinity));
        } else if (what === 'delete') {
          due.delete(key);
          model.delete(key);
        } else {
          const expected = [...model].filter(([, time]) => time <= at);
          const taken = due.takeDue(at);
          expect(taken.toSorted()).toEqual(expected.map(([name]) => name).toSorted());
          const times = taken.map((name) => model.get(name) ?? Number.NaN);
          expect(times).toEqual(times.toSorted((a, b) => a - b));
          for (const name of taken) model.delete(name);
        }
        expect(due.size).toBe(model.size);
        expect(due.earliest()).toBe(Math.min(...model.values()));
      }
    }),
  );
});
