import { describe, expect, test } from '@jest/globals';
import { createJoins } from '../../../../operator/metrics/sources/joins.ts';

const intervalMs = 15_000;
function open() {
  const clock = { now: 0 };
  const joins = createJoins(() => clock.now);
  return {
    clock,
    joins,
    of: (namespace: string, question = 'q') => joins.of(question, namespace, intervalMs),
    /** All of them once, and again an interval later, when they are together. */
    together(names: readonly string[]) {
      for (const name of names) joins.of('q', name, intervalMs);
      clock.now += intervalMs;
      return names.map((name) => joins.of('q', name, intervalMs));
    },
  };
}

describe('namespaces that ask the same', () => {
  test('are asked for together, in order; one that joins within an interval alone until then', () => {
    const world = open();
    expect(world.of('b')).toEqual(['b']);
    expect(world.of('a')).toEqual(['a']);
    expect(world.of('b')).toEqual(['b']);
    world.clock.now = intervalMs;
    expect([world.of('a'), world.of('b')]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('are not together with who asks otherwise', () => {
    const world = open();
    world.together(['a', 'b']);
    expect(world.of('c', 'another')).toEqual(['c']);
  });

  test('leave out who has not asked for ten minutes', () => {
    const world = open();
    world.together(['a', 'b']);
    world.clock.now += 600_001;
    expect(world.of('a')).toEqual(['a']);
  });

  test('are at most 32 in a query', () => {
    const names = Array.from({ length: 70 }, (_, index) => `n${index}`);
    const sizes = new Set(
      open()
        .together(names)
        .map((group) => group.length),
    );
    expect([...sizes].toSorted((a, b) => a - b)).toEqual([6, 32]);
  });

  test('are asked for in halves where the answer was no use, for an hour; one alone has none', () => {
    const world = open();
    const names = ['a', 'b', 'c', 'd'];
    expect(world.together(names)[0]).toHaveLength(4);
    expect(world.joins.halve('q', 4)).toBe(true);
    expect(world.joins.halve('q', 4)).toBe(true); // another Pod had the same answer
    expect([world.of('a'), world.of('d')]).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(world.joins.halve('q', 2)).toBe(true);
    expect(world.of('a')).toEqual(['a']);
    expect(world.joins.halve('q', 1)).toBe(false);
    for (let minute = 0; minute <= 60; minute++) {
      world.clock.now += 60_000;
      for (const name of names) world.of(name);
    }
    expect(world.together(names)[0]).toEqual(names);
  });
});
