import { describe, expect, test } from '@jest/globals';
import { decideLookahead } from '../../../../operator/decide/lookahead/decide.ts';
import { learn } from '../../../../operator/decide/lookahead/learn.ts';
import { createLookaheadMemory } from '../../../../operator/decide/lookahead/memory.ts';
import { createThroughputs, noteThroughput } from '../../../../operator/decide/lookahead/saturation.ts';
import { settings } from './settings.ts';

const slots = { periodSeconds: 10, slotsPerReplica: 5 };

/** Windows of so many Pods that finish so many requests in each. */
function told(
  phases: readonly { ready: number; finished: number; windows?: number; waiting?: number; busy?: number }[],
) {
  const throughputs = createThroughputs();
  let window = 0;
  for (const { windows = 13, waiting = 5, busy = 1, ...rest } of phases)
    for (let past = 0; past < windows; past++)
      noteThroughput(throughputs, { waiting, busySeconds: 50 * busy * rest.ready, ...rest }, window++, slots);
  return throughputs.saturation;
}

describe('saturation', () => {
  test.each([
    { name: 'as much more as there are more Pods', finished: 1_500 },
    { name: 'seven tenths of that', finished: 1_350 },
  ])('is none where they bring $name', ({ finished }) => {
    expect(
      told([
        { ready: 4, finished: 1_000 },
        { ready: 6, finished },
      ]),
    ).toBeUndefined();
  });

  test('is there where half as many Pods again bring nothing, and says both figures', () => {
    expect(
      told([
        { ready: 4, finished: 100 },
        { ready: 6, finished: 100 },
      ]),
    ).toEqual({
      ready: 6,
      perSecond: expect.closeTo(10, 9),
      fewerReady: 4,
      fewerPerSecond: expect.closeTo(10, 9),
      enough: 5, // 4 and a tenth
    });
  });

  test.each([
    {
      name: 'Pods that are not full',
      phases: [
        { ready: 4, finished: 100 },
        { ready: 6, finished: 100, busy: 0.8 },
      ],
    },
    {
      name: 'what is older than half an hour, also where nothing new comes',
      phases: [
        { ready: 4, finished: 30 },
        { ready: 8, finished: 30 },
        { ready: 8, finished: 30, waiting: 0, windows: 400 },
      ],
    },
    {
      name: 'few requests',
      phases: [
        { ready: 4, finished: 4 },
        { ready: 6, finished: 4 },
      ],
    },
    {
      name: 'one Pod more among many',
      phases: [
        { ready: 9, finished: 1_000 },
        { ready: 10, finished: 1_000 },
      ],
    },
    {
      name: 'Pods with nothing to wait for',
      phases: [
        { ready: 4, finished: 100 },
        { ready: 6, finished: 100, waiting: 0 },
      ],
    },
    {
      name: 'one window',
      phases: [
        { ready: 4, finished: 30 },
        { ready: 6, finished: 30, windows: 2 },
      ],
    },
    {
      name: 'what was long ago',
      phases: [
        { ready: 4, finished: 20 },
        { ready: 9, finished: 90, windows: 400 },
        { ready: 6, finished: 20 },
      ],
    },
  ])('is not concluded from $name', ({ phases }) => {
    expect(told(phases)).toBeUndefined();
  });
});

test('as many are enough as bring what more of them do, by what fewer bring each; never fewer than these', () => {
  const enough = (finished: number) =>
    told([
      { ready: 4, finished: 100 },
      { ready: 20, finished },
    ])?.enough;
  expect(enough(200)).toBe(9); // twice what 4 bring: 8 and a tenth
  expect(enough(60)).toBe(5); // more made it worse
  const three = told([
    { ready: 4, finished: 100 },
    { ready: 20, finished: 200 },
    { ready: 10, finished: 200 },
  ]);
  expect(three).toMatchObject({ fewerReady: 4, ready: 20, enough: 9 });
});

test('decideLookahead() asks for no more Pods than do as much, says so, and comes down to them after its window', () => {
  const memory = createLookaheadMemory(settings);
  const pass = (windows: number, ready: number) => {
    const busySeconds = 50 * ready;
    const sample = { arrived: 60, finished: 25, busySeconds, waiting: 50, ready, asked: ready, startUpSeconds: 30 };
    for (let window = 0; window < windows; window++)
      learn(memory, sample, decideLookahead(memory, sample, settings), settings);
    return { sample, decision: decideLookahead(memory, sample, settings) };
  };
  expect(pass(40, 4).decision).toMatchObject({ reason: 'LoadHigh', saturation: undefined });
  const { sample, decision } = pass(20, 8);
  expect(decision).toMatchObject({ useful: 5, saturation: { ready: 8, fewerReady: 4, enough: 5 } });
  expect(decision.wanted).toBeGreaterThan(8);
  expect(decision.to).toBeLessThan(8);
  expect(decideLookahead(memory, { ...sample, asked: 5 }, settings)).toMatchObject({ to: 5, reason: 'Saturated' });
  expect(decideLookahead(memory, { ...sample, asked: 3 }, settings)).toMatchObject({ to: 5, reason: 'LoadHigh' });
});
