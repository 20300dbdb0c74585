import { describe, expect, test } from '@jest/globals';
import { QueueFull, Slots } from '../../../workload/service/slots.ts';

const never = new AbortController().signal;

describe('Slots', () => {
  test('hands places on in the order in which they were asked for', async () => {
    const slots = new Slots(1, 10);
    const first = await slots.acquire(never);
    const order: string[] = [];
    const later = ['a', 'b', 'c'].map(async (name) => {
      using slot = await slots.acquire(never);
      order.push(slot.waitedMs >= 0 ? name : 'early');
    });
    expect([slots.taken, slots.waiting]).toEqual([1, 3]);
    first[Symbol.dispose]();
    await Promise.all(later);
    expect(order).toEqual(['a', 'b', 'c']);
    expect([slots.taken, slots.waiting]).toEqual([0, 0]);
  });

  test('lets one who gives up out of the line, and the next take its turn', async () => {
    const slots = new Slots(1, 10);
    const first = await slots.acquire(never);
    const impatient = new AbortController();
    const gone = slots.acquire(impatient.signal);
    const next = slots.acquire(never);
    impatient.abort(new Error('60 s are over'));
    await expect(gone).rejects.toThrow('60 s are over');
    expect(slots.waiting).toBe(1);
    first[Symbol.dispose]();
    await expect(next).resolves.toBeDefined();
    expect([slots.taken, slots.waiting]).toEqual([1, 0]);
  });

  test('sends away whoever finds the line full', async () => {
    const slots = new Slots(1, 1);
    await slots.acquire(never);
    void slots.acquire(never);
    await expect(slots.acquire(never)).rejects.toThrow(QueueFull);
    expect([slots.taken, slots.waiting]).toEqual([1, 1]);
  });
});
