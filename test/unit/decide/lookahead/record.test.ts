import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decideLookahead, type LookaheadDecision } from '../../../../operator/decide/lookahead/decide.ts';
import { learn, missWindows } from '../../../../operator/decide/lookahead/learn.ts';
import {
  createLookaheadMemory,
  type LookaheadSettings,
  type Sample,
} from '../../../../operator/decide/lookahead/memory.ts';
import {
  decideAgain,
  looksFurther,
  stoodOn,
  type LookaheadRecord,
} from '../../../../operator/decide/lookahead/record.ts';
import { settings } from './settings.ts';

type Input = LookaheadRecord['input'];
interface Step {
  readonly written: string;
  readonly decision: LookaheadDecision;
}

/** Each window's decision, and what it stood on as a bundle has it. What all Pods wait for lets no more than `most` requests end in a window. */
function* decisionsOver(
  arrivals: Iterable<number | 'missing'>,
  by: LookaheadSettings = settings,
  { most = 30, startUpSeconds = 47 } = {},
): Generator<Step> {
  const memory = createLookaheadMemory(by);
  let [asked, left, windows] = [3, 0, 0];
  for (const arrived of arrivals) {
    if (arrived === 'missing') {
      missWindows(memory, 1, by);
      continue;
    }
    const finished = Math.min(left + arrived, most);
    left += arrived - finished;
    const ready = Math.min(asked, 4 + 4 * Math.floor(windows++ / 30)); // they come slowly
    const busySeconds = left > 0 ? by.periodSeconds * ready * by.slotsPerReplica : 7.3 * finished;
    const load = { arrived, finished, busySeconds, waiting: left };
    const sample: Sample = { ...load, ready, asked, startUpSeconds };
    const input: Input = { settings: by, sample, memory: stoodOn(memory, sample, by), isStartUpDeclared: false };
    const decision = decideLookahead(memory, sample, by);
    learn(memory, sample, decision, by);
    asked = decision.to;
    yield { written: JSON.stringify(input), decision };
  }
}
const again = ({ written }: Step, as?: LookaheadSettings): LookaheadDecision =>
  decideAgain(JSON.parse(written) as Input, as);

describe('what a decision stood on', () => {
  test('gives the same decision with every term, whatever the load was', () => {
    const window = fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 0, max: 60 }) },
      fc.constant('missing' as const),
    );
    fc.assert(
      fc.property(fc.array(window, { minLength: 1, maxLength: 400 }), (load) => {
        const last = [...decisionsOver(load)].at(-1);
        if (last !== undefined) expect(again(last)).toEqual(last.decision);
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    { name: 'an objective that is looked back for longer than all that is kept', by: { objectiveSeconds: 900 } },
    { name: 'windows of five minutes', by: { periodSeconds: 300 } },
    { name: 'slots that are learned', by: { learnsSlots: true, slotsPerReplica: 3 } },
  ])('also with $name', ({ by }) => {
    const swinging = Array.from({ length: 600 }, (_, window) => 20 + Math.round(17 * Math.sin(window / 40)));
    const steps = [...decisionsOver(swinging, { ...settings, ...by })];
    for (const step of steps.filter((_, index) => index % 29 === 0)) expect(again(step)).toEqual(step.decision);
  });

  test('also where more Pods have brought nothing', () => {
    const steps = [...decisionsOver(Array<number>(120).fill(25), settings, { most: 20 })];
    expect(steps.some(({ decision }) => decision.saturation !== undefined)).toBe(true);
    for (const step of steps) expect(again(step)).toEqual(step.decision);
  });

  test.each([
    { periodSeconds: 10, every: 120, high: 48 },
    { periodSeconds: 45, every: 20, high: 2 }, // each counts as a minute, and nine are looked ahead
  ])('also where the load repeats, in windows of $periodSeconds s', ({ periodSeconds, every, high }) => {
    const squares = Array.from({ length: 15 * every }, (_, window) => (window % every < high ? 35 : 5));
    const by = { ...settings, periodSeconds, horizonSeconds: 400 };
    const steps = [...decisionsOver(squares, by, { most: 60, startUpSeconds: 400 })].slice(-every);
    expect(steps.some(({ decision }) => decision.opinions.some(({ expert }) => expert === 'cycle'))).toBe(true);
    for (const step of steps) expect(again(step)).toEqual(step.decision);
  });

  test('is small: some kilobytes after hours of load', () => {
    const busy = Array.from(
      { length: 2_000 },
      (_, window) => 20 + Math.round(17 * Math.sin(window / 40)) + (window % 7),
    );
    expect([...decisionsOver(busy, settings, { most: 60 })].at(-1)?.written.length).toBeLessThan(16_000);
  });

  test('says what other settings would have decided', () => {
    const last = [...decisionsOver(Array<number>(200).fill(30))].at(-1);
    if (last === undefined) throw new Error('there is one');
    expect(last.decision.to).toBe(5); // 22 slots and what spares them waiting
    expect(again(last, { ...settings, minReplicas: 9 })).toMatchObject({ to: 9, clippedBy: 'MinReplicas' });
    expect(again(last, { ...settings, slotsPerReplica: 2 }).to).toBeGreaterThan(10);
  });

  describe('says of other settings whether they look back over more than was kept', () => {
    const steady = [...decisionsOver(Array<number>(400).fill(30))];
    const squares = Array.from({ length: 6 * 300 }, (_, window) => (window % 120 < 12 ? 35 : 5));
    const repeating = [...decisionsOver(squares, settings, { most: 60 })];
    const short = { ...settings, horizonSeconds: 60 };
    const shortRepeating = [...decisionsOver(squares, short, { most: 60 })];
    // 1200 s are always kept. Of a start of 47 s the down window is three times 1.5 × 7 windows, of one of 600 s within a horizon of 900 s three times 1.5 × 68.
    test.each([
      { name: 'as it was', steps: steady, further: false },
      {
        name: 'a longer horizon that the start-up does not need',
        steps: steady,
        by: { horizonSeconds: 900 },
        further: false,
      },
      { name: 'a longer start-up in the same horizon', steps: steady, startUpSeconds: 600, further: true },
      { name: 'both longer', steps: steady, by: { horizonSeconds: 900 }, startUpSeconds: 600, further: true },
      { name: 'a longer objective', steps: steady, by: { objectiveSeconds: 600 }, further: true },
      {
        name: 'both longer, of all that there was',
        steps: steady.slice(0, 110),
        by: { horizonSeconds: 900 },
        startUpSeconds: 600,
        further: false,
      },
      { name: 'a load that repeats', steps: repeating, startUpSeconds: 200, further: false },
      {
        name: 'minutes of a load that repeats',
        steps: shortRepeating,
        by: { horizonSeconds: 240 },
        startUpSeconds: 200,
        further: true,
      },
    ])('$name', ({ steps, by = {}, startUpSeconds = 47, further }) => {
      const { settings: then, ...input } = JSON.parse(steps.at(-1)?.written ?? '') as Input;
      const sample = { ...input.sample, startUpSeconds };
      expect(looksFurther({ ...input, settings: then, sample }, { ...then, ...by })).toBe(further);
    });
  });
});
