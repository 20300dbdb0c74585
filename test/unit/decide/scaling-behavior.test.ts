import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Behavior,
  type BehaviorMemory,
  freshMemory,
  limit,
  limitEndsAt,
  type LimitInput,
} from '../../../operator/decide/scaling-behavior.ts';

const now = 1_800_000_000_000;
const ago = (seconds: number): number => now - seconds * 1000;
/** J1 of the requirements. */
const behavior: Behavior = {
  scaleDown: {
    stabilizationWindowSeconds: 300,
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }],
  },
  scaleUp: {
    stabilizationWindowSeconds: 60,
    selectPolicy: 'Max',
    policies: [
      { type: 'Percent', value: 100, periodSeconds: 30 },
      { type: 'Pods', value: 4, periodSeconds: 60 },
    ],
  },
};
const asked = (
  ...recommendations: readonly (readonly [secondsAgo: number, replicas: number])[]
): BehaviorMemory['recommendations'] => recommendations.map(([seconds, replicas]) => ({ at: ago(seconds), replicas }));

interface Row {
  readonly name: string;
  readonly current: number;
  readonly desired: number;
  readonly recommendations?: BehaviorMemory['recommendations'];
  readonly events?: BehaviorMemory['events'];
  readonly behavior?: Behavior;
  readonly expected: { readonly replicas: number; readonly limitedBy?: string };
}
describe('limit()', () => {
  test.each<Row>([
    {
      name: 'adds four Pods where doubling adds fewer (2 → 6)',
      current: 2,
      desired: 9,
      expected: { replicas: 6, limitedBy: 'ScaleUpRate' },
    },
    {
      name: 'doubles where that is more than four (6 → 12)',
      current: 6,
      desired: 20,
      expected: { replicas: 12, limitedBy: 'ScaleUpRate' },
    },
    {
      name: 'counts what was added within the period (8 of which 4 came 20 s ago: 4 × 2 = 8)',
      current: 8,
      desired: 20,
      events: [{ at: ago(20), change: 4 }],
      expected: { replicas: 8, limitedBy: 'ScaleUpRate' },
    },
    {
      name: 'forgets what was added before the period (30 s for doubling: 8 × 2 = 16)',
      current: 8,
      desired: 20,
      events: [{ at: ago(30), change: 4 }],
      expected: { replicas: 16, limitedBy: 'ScaleUpRate' },
    },
    {
      name: 'goes up only to the least that was asked for within 60 s',
      current: 4,
      desired: 8,
      recommendations: asked([59, 5]),
      expected: { replicas: 5, limitedBy: 'ScaleUpStabilization' },
    },
    {
      name: 'no longer waits for a low answer 60 s old',
      current: 4,
      desired: 8,
      recommendations: asked([60, 5]),
      expected: { replicas: 8 },
    },
    {
      name: 'goes down only to the greatest that was asked for within 300 s',
      current: 8,
      desired: 4,
      recommendations: asked([299, 7]),
      expected: { replicas: 7, limitedBy: 'ScaleDownStabilization' },
    },
    {
      name: 'halves in a minute at most (8 → 4)',
      current: 8,
      desired: 1,
      recommendations: asked([300, 8]),
      expected: { replicas: 4, limitedBy: 'ScaleDownRate' },
    },
    {
      name: 'does not move where the policy is Disabled',
      current: 8,
      desired: 1,
      behavior: { ...behavior, scaleDown: { ...behavior.scaleDown, selectPolicy: 'Disabled' } },
      expected: { replicas: 8, limitedBy: 'ScaleDownRate' },
    },
    {
      name: 'takes the smaller step with selectPolicy Min (6 + 4 < 6 × 2)',
      current: 6,
      desired: 20,
      behavior: { ...behavior, scaleUp: { ...behavior.scaleUp, selectPolicy: 'Min' } },
      expected: { replicas: 10, limitedBy: 'ScaleUpRate' },
    },
  ])('$name', ({ current, desired, recommendations = [], events = [], expected, behavior: rules = behavior }) => {
    const { replicas, limitedBy } = limit({
      desired,
      current,
      behavior: rules,
      memory: { recommendations, events, replicas: current },
      now,
    });
    expect({ replicas, ...(limitedBy === undefined ? {} : { limitedBy }) }).toEqual(expected);
  });

  test('holds the count for a whole window after a restart', () => {
    const memory = freshMemory(8, ago(299));
    expect(limit({ desired: 2, current: 8, behavior, memory, now }).replicas).toBe(8);
    expect(limit({ desired: 2, current: 8, behavior, memory: freshMemory(8, ago(300)), now }).replicas).toBe(4);
  });

  test('the answer lies between the current and the desired count', () => {
    const counts = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(
        counts,
        counts,
        fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), counts)),
        (current, desired, past) => {
          const { replicas } = limit({
            desired,
            current,
            behavior,
            memory: { recommendations: asked(...past), events: [], replicas: current },
            now,
          });
          expect(replicas).toBeGreaterThanOrEqual(Math.min(current, desired));
          expect(replicas).toBeLessThanOrEqual(Math.max(current, desired));
        },
      ),
    );
  });

  test('remembers no longer than the longest window', () => {
    let memory = freshMemory(2, now);
    for (let second = 0; second < 3600; second += 15)
      memory = limit({ desired: 2 + (second % 3), current: 2, behavior, memory, now: now + second * 1000 }).memory;
    expect(memory.recommendations.length).toBeLessThanOrEqual(300 / 15 + 1);
  });
});

describe('limitEndsAt()', () => {
  const at = (input: Omit<LimitInput, 'behavior' | 'now'> & { readonly behavior?: Behavior }) => {
    const whole = { behavior, now, ...input };
    const end = limitEndsAt(whole, limit(whole));
    return end === undefined ? undefined : (end - now) / 1000;
  };
  const memory = (changes: Partial<BehaviorMemory>): BehaviorMemory => ({
    recommendations: [],
    events: [],
    replicas: 8,
    ...changes,
  });

  test('is when the last answer that holds the count up leaves its window (300 − 40 s; the 7 of 290 s ago does not)', () => {
    expect(at({ desired: 4, current: 8, memory: memory({ recommendations: asked([290, 7], [40, 8]) }) })).toBe(260);
  });
  test('is when a step may be made again: 30 s after one that doubles, 60 s after the half', () => {
    expect(at({ desired: 40, current: 8, memory: memory({}) })).toBe(30);
    expect(at({ desired: 1, current: 8, memory: memory({}) })).toBe(60);
  });
  test('is when the time without figures is over', () => {
    expect(at({ desired: 4, current: 8, memory: memory({ unknownAt: ago(100) }) })).toBe(200);
  });
  test('is never where nothing is held back, and where the policy is Disabled', () => {
    expect(at({ desired: 8, current: 8, memory: memory({}) })).toBeUndefined();
    const disabled: Behavior = { ...behavior, scaleDown: { selectPolicy: 'Disabled' } };
    expect(at({ desired: 1, current: 8, memory: memory({}), behavior: disabled })).toBeUndefined();
  });

  test('the count stays until a millisecond before, and moves then', () => {
    const counts = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(
        counts,
        counts,
        fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), counts)),
        (current, desired, past) => {
          const input = {
            desired,
            current,
            behavior,
            now,
            memory: memory({ recommendations: asked(...past), replicas: current }),
          };
          const limited = limit(input);
          const end = limitEndsAt(input, limited);
          if (end === undefined) return expect(limited.limitedBy).toBeUndefined();
          const events = limited.replicas === current ? [] : [{ at: now, change: limited.replicas - current }];
          const later = {
            ...input,
            current: limited.replicas,
            memory: { ...limited.memory, events, replicas: limited.replicas },
          };
          expect(limit({ ...later, now: end - 1 }).replicas).toBe(limited.replicas);
          expect(limit({ ...later, now: end }).replicas).not.toBe(limited.replicas);
        },
      ),
    );
  });
});
