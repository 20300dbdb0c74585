import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { createQueue } from '../../../operator/kube/queue.ts';

const step = fc.record({
  do: fc.constantFrom('add', 'add', 'take', 'done', 'retry'),
  key: fc.constantFrom('a', 'b', 'c', 'd'),
});

test('never gives a key out twice at a time, and loses none that was added', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 100 }), async (steps) => {
      const queue = createQueue({ name: 'test' });
      const never = new AbortController().signal;
      const busy = new Set<string>();
      const owed = new Set<string>();
      const take = async () => {
        const key = await queue.take(never);
        expect(busy.has(key)).toBe(false);
        busy.add(key);
        owed.delete(key);
      };
      for (const { do: what, key } of steps) {
        if (what === 'add') {
          queue.add(key);
          owed.add(key);
        } else if (what === 'take' && queue.depth > 0) {
          await take();
        } else if ((what === 'done' || what === 'retry') && busy.delete(key)) {
          queue[what](key);
        }
      }
      for (const key of busy) queue.done(key);
      busy.clear();
      while (queue.depth > 0) await take();
      expect([...owed]).toEqual([]);
    }),
  );
});
