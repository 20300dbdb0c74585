import { describe, expect, test } from '@jest/globals';
import type { RedisMemory } from '../../../../operator/levers/redis/node-memory.ts';
import { plan } from '../../../../operator/levers/redis/plan.ts';
import { e1, seen, unitWith } from './observations.ts';

const minute = 60_000;

/** What is planned for the last of these looks, each a minute after the one before, with what was remembered of them. */
function after(runs: readonly string[], { apartMs = minute } = {}) {
  let memory: RedisMemory | undefined;
  const plans = runs.map((serverId, index) => {
    const planned = plan({ unit: unitWith(), observed: seen({ config: e1, serverId }), memory, now: index * apartMs });
    memory = planned.remember ?? memory;
    return planned;
  });
  const last = plans.at(-1);
  if (last === undefined) throw new Error('no look');
  return last;
}
const several = { changes: [], condition: { status: 'False', reason: 'SeveralServers' } };
const applied = { condition: { status: 'True', reason: 'Applied' } };

describe('a Redis whose process is another one', () => {
  test.each<{ readonly name: string; readonly runs: readonly string[]; readonly expected: object }>([
    { name: 'has restarted', runs: ['a', 'b', 'b'], expected: applied },
    { name: 'may restart again and again', runs: ['a', 'b', 'c', 'd', 'e', 'f', 'g'], expected: applied },
    { name: 'has failed over and back', runs: ['a', 'b', 'a'], expected: applied },
    { name: 'is one of two where both come back', runs: ['a', 'b', 'a', 'b'], expected: several },
    { name: 'is one of three where two come back', runs: ['a', 'b', 'c', 'a', 'b'], expected: several },
    {
      name: 'stays one of two while the same happens to answer',
      runs: ['a', 'b', 'a', 'b', 'b', 'b'],
      expected: several,
    },
    {
      name: 'is the only one again ten minutes later',
      runs: ['a', 'b', 'a', ...Array<string>(11).fill('b')],
      expected: applied,
    },
  ])('$name', ({ runs, expected }) => {
    expect(after(runs)).toMatchObject(expected);
  });

  test('fails over and back as often as it likes where more than ten minutes lie between', () => {
    expect(after(['a', 'b', 'a', 'b', 'a'], { apartMs: 11 * minute })).toMatchObject(applied);
  });
  test('is told with its address and the next step, and written down only when it changes', () => {
    expect(after(['a', 'b', 'a', 'b']).condition.message).toMatch(
      /^saw several Redis processes that answer in turn at redis\.ai\.svc:6379, .*; next: put the address of a single server/,
    );
    expect(after(['a', 'b', 'a', 'b', 'b']).remember).toEqual(after(['a', 'b', 'a', 'b']).remember);
  });
  test('keeps what was remembered of the settings', () => {
    expect(after(['a', 'b', 'a', 'b']).remember).toMatchObject({ applied: e1, serverRun: 'b' });
  });
});
