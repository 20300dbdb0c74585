import { expect, test } from '@jest/globals';
import { lastTold } from '../../../operator/decide/hysteresis.ts';

type Objectives = ReturnType<typeof lastTold>;
const memory = (state: Objectives[number]['state'], target = '2048Mi') => ({ name: 'Memory', state, target }) as const;

test('what is unknown or not exercised takes back neither that it was met nor that it was missed', () => {
  const told = lastTold([], [memory('NotMet')]);
  expect(told).toEqual([memory('NotMet')]);
  expect(lastTold(told, [memory('Unknown')])).toEqual([memory('NotMet')]);
  expect(lastTold(told, [memory('NotExercised', '1024Mi')])).toEqual([memory('NotMet')]); // of its own target
  expect(lastTold(told, [memory('Met')])).toEqual([memory('Met')]);
});

test('of what is not judged any more nothing was told', () => {
  expect(lastTold([memory('NotMet')], [])).toEqual([]);
});
