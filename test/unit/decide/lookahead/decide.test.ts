import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decideLookahead, type LookaheadDecision } from '../../../../operator/decide/lookahead/decide.ts';
import { learn, missWindows } from '../../../../operator/decide/lookahead/learn.ts';
import {
  createLookaheadMemory,
  type LookaheadMemory,
  type Sample,
} from '../../../../operator/decide/lookahead/memory.ts';
import { settings } from './settings.ts';

const sampleOf = (arrived: number, asked: number, rest: Partial<Sample> = {}): Sample => ({
  arrived,
  finished: arrived,
  busySeconds: 8 * arrived,
  waiting: 0,
  ready: asked,
  asked,
  startUpSeconds: 30,
  ...rest,
});

/** Goes through windows with these arrivals, each decision followed. @returns the last decision and the memory before it was learned from. */
function after(windows: number, arrivals: (window: number) => number, asked = 6) {
  const memory = createLookaheadMemory(settings);
  const decisions: LookaheadDecision[] = [];
  for (let window = 0; window < windows; window++) {
    const sample = sampleOf(arrivals(window), decisions.at(-1)?.to ?? asked);
    const decision = decideLookahead(memory, sample, settings);
    learn(memory, sample, decision, settings);
    decisions.push(decision);
  }
  return { memory, decisions };
}

describe('decideLookahead()', () => {
  test('says every term: demand is arrivals per second × service time', () => {
    const { decisions } = after(200, () => 20);
    const last = decisions.at(-1);
    expect(last).toMatchObject({ horizonWindows: 5, backlog: 0, clippedBy: undefined, reason: 'Steady' });
    expect(last?.demand).toBeCloseTo(16, 9);
    expect(last?.serviceSeconds).toBeCloseTo(8, 9);
    expect(last?.slackSeconds).toBeCloseTo(30 - 17.1, 1);
    expect(last?.chosen.upper).toBeLessThan(17 * 1.05 - 1 + 1e-9); // what never was off needs no headroom but a bin
    expect(last?.to).toBe(Math.ceil((last?.staffed ?? 0) / 5));
  });

  test('adds at once what a rise asks for', () => {
    const { decisions } = after(300, (window) => (window < 290 ? 20 : 90));
    const [before, rise] = [decisions[289]?.to ?? 0, decisions[293]?.to ?? 0];
    expect(rise).toBeGreaterThan(2 * before);
    expect(decisions.slice(290, 293).map(({ reason }) => reason)).toContain('LoadHigh');
  });

  test('takes nothing away in the first ten minutes of a process that knows nothing', () => {
    const { decisions } = after(61, () => 0, 12);
    expect(decisions.slice(0, 60).map(({ to }) => to)).toEqual(Array<number>(60).fill(12));
    expect(decisions[60]).toMatchObject({ to: 6, reason: 'LoadLow' }); // half at most
  });

  test('takes nothing away in the first ten minutes of load that follows on silence, as long as it lasts', () => {
    const onset = (arrivals: (window: number) => number) => {
      const { decisions } = after(600, (window) => (window < 400 ? 0 : arrivals(window - 400)), 2);
      const replicas = decisions.slice(400).map(({ to }) => to);
      const most = Math.max(...replicas.slice(0, 12));
      return { most, fellAfter: replicas.findIndex((to, window) => window >= 12 && to < most) };
    };
    // 12 slots after nothing look like a steep rise, then stay as they are: the down window of eight would let Pods go after two minutes.
    const { most, fellAfter } = onset(() => 15);
    expect(most).toBeGreaterThan(4);
    expect(fellAfter).toBeGreaterThanOrEqual(60);
    expect(onset((window) => (window < 6 ? 15 : 0)).fellAfter).toBeLessThan(40); // it was over after a minute
  });

  describe('where some Pods leave out a part of the load', () => {
    /** Busy for long, then with so little, of which not all is told in these windows. @returns replicas from then on. */
    const fallen = (partial: (window: number) => boolean) => {
      const memory = createLookaheadMemory(settings);
      const replicas: number[] = [];
      for (let window = 0; window < 400; window++) {
        const isPartial = window >= 300 && partial(window - 300) && { isPartial: true as const };
        const sample = sampleOf(window < 300 ? 60 : 6, replicas.at(-1) ?? 6, { ...isPartial });
        const decision = decideLookahead(memory, sample, settings);
        learn(memory, sample, decision, settings);
        replicas.push(decision.to);
      }
      const high = replicas[299] ?? 0;
      return { high, fellAfter: replicas.slice(300).findIndex((to) => to < high) };
    };

    test('takes nothing away, however long that lasts', () => {
      const { high, fellAfter } = fallen(() => true);
      expect(high).toBeGreaterThan(9);
      expect(fellAfter).toBe(-1);
    });

    test('takes nothing away until a whole down window of eight was seen since', () => {
      const whole = fallen(() => false).fellAfter;
      expect(whole).toBeLessThan(20);
      expect(fallen((window) => window === whole - 1).fellAfter).toBe(whole + 8);
      expect(fallen((window) => window % 8 === 0).fellAfter).toBe(-1);
    });

    test('adds all the same what the rest asks for, and says what it held by', () => {
      const { memory } = after(300, () => 20);
      const high = decideLookahead(memory, sampleOf(90, 4, { isPartial: true }), settings);
      expect(high.to).toBeGreaterThan(10);
      expect(decideLookahead(memory, sampleOf(1, 12, { isPartial: true }), settings)).toMatchObject({
        to: 12,
        reason: 'FiguresMissing',
      });
    });

    test('learns nothing of it about what the load repeats', () => {
      const { memory } = after(60, () => 20);
      for (const [window, arrived] of [90, 20, 20, 20, 20, 20, 95, 90, 90, 90, 90, 90].entries()) {
        const isPartial = (window === 0 || window >= 6) && { isPartial: true as const };
        const sample = sampleOf(arrived, 6, { ...isPartial });
        learn(memory, sample, decideLookahead(memory, sample, settings), settings);
      }
      expect(memory.cycle.length).toBe(12); // minutes all the same
      for (const minute of memory.cycle.minutes.subarray(0, 12)) expect(minute).toBeCloseTo(16, 9);
    });

    test('learns no service time of it', () => {
      const { memory } = after(300, () => 20);
      for (let window = 0; window < 100; window++) {
        const sample = sampleOf(20, 6, { busySeconds: 8, isPartial: true });
        learn(memory, sample, decideLookahead(memory, sample, settings), settings);
      }
      expect(decideLookahead(memory, sampleOf(20, 6), settings).serviceSeconds).toBeCloseTo(8, 9);
    });
  });

  test('waits three times as long before it takes a single replica away', () => {
    const fall = (arrivals: number) => {
      const { decisions } = after(400, (window) => (window < 300 ? 60 : arrivals));
      const high = decisions[299]?.to ?? 0;
      return decisions.findIndex(({ to }, window) => window >= 300 && to < high) - 300;
    };
    const [many, one] = [fall(20), fall(54)];
    expect(many).toBe(7); // 1.5 × 5 windows, this one among them
    expect(one).toBeGreaterThanOrEqual(23);
  });

  test('works off what waits within 20 s', () => {
    const { memory } = after(200, () => 20);
    const queue = decideLookahead(memory, sampleOf(20, 4, { waiting: 25 }), settings);
    expect(queue.backlog).toBeCloseTo((25 * 8) / 20, 9);
    // 60 slots are asked of 20: (60 − 20) / 8 a second more wait until a Pod that is asked for now is Ready.
    const growing = decideLookahead(memory, sampleOf(130, 4, { waiting: 25 }), settings);
    expect(growing.backlog).toBeCloseTo(((25 + (((104 + 16) / 2 - 20) / 8) * 30) * 8) / 20, 9);
  });

  test('lowers nothing by what it sees of a roll-out, and rises by it', () => {
    const { memory } = after(200, () => 0);
    expect(decideLookahead(memory, sampleOf(0, 8), settings).to).toBe(4);
    const held = decideLookahead(memory, sampleOf(0, 8, { isRollingOut: true }), settings);
    expect(held).toMatchObject({ to: 8, reason: 'RollingOut' });
    const raised = decideLookahead(memory, sampleOf(130, 4, { isRollingOut: true }), settings);
    expect(raised).toMatchObject({ reason: 'LoadHigh' });
  });

  test('lowers nothing after a gap until a whole down window was seen again', () => {
    const { memory } = after(200, () => 0);
    expect(decideLookahead(memory, sampleOf(0, 8), settings).to).toBe(4);
    missWindows(memory, 4, settings);
    for (let window = 0; window < 8; window++) {
      const sample = sampleOf(0, 8);
      const decision = decideLookahead(memory, sample, settings);
      expect(decision).toMatchObject({ to: 8, reason: 'WarmingUp' });
      learn(memory, sample, decision, settings);
    }
    expect(decideLookahead(memory, sampleOf(0, 8), settings).to).toBe(4);
  });

  test('believes the last minutes where service times have jumped', () => {
    const memory = createLookaheadMemory(settings);
    const pass = (windows: number, serviceSeconds: number): number => {
      let seen = 0;
      for (let window = 0; window < windows; window++) {
        const sample = sampleOf(20, 6, { busySeconds: 20 * serviceSeconds });
        const decision = decideLookahead(memory, sample, settings);
        seen = decision.serviceSeconds;
        learn(memory, sample, decision, settings);
      }
      return seen;
    };
    expect(pass(400, 8)).toBeCloseTo(8, 6);
    expect(pass(5, 16)).toBeLessThan(8.3);
    expect(pass(25, 16)).toBeGreaterThan(13);
  });

  test('names the bound that clips what is wanted', () => {
    const { memory } = after(100, () => 20);
    const many = decideLookahead(memory, sampleOf(2_000, 4), settings);
    expect(many).toMatchObject({ to: 20, clippedBy: 'MaxReplicas' });
    expect(many.wanted).toBeGreaterThan(20);
  });
});

describe('decideLookahead(), whatever the load was', () => {
  const load = fc.array(fc.nat(200), { minLength: 1, maxLength: 150 });
  const asked = fc.integer({ min: 1, max: 30 });
  const memoryOf = (arrivals: readonly number[]): LookaheadMemory =>
    after(arrivals.length, (window) => arrivals[window] ?? 0).memory;

  test('stays within the bounds', () => {
    fc.assert(
      fc.property(load, asked, fc.nat(5_000), fc.nat(500), (arrivals, now, arrived, waiting) => {
        const { to } = decideLookahead(memoryOf(arrivals), sampleOf(arrived, now, { waiting }), settings);
        expect(to).toBeGreaterThanOrEqual(2);
        expect(to).toBeLessThanOrEqual(20);
      }),
      { numRuns: 40 },
    );
  });

  test('never has fewer replicas for more arrivals or more that wait', () => {
    const pair = fc.tuple(fc.nat(400), fc.nat(400)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(load, asked, pair, pair, (arrivals, now, [few, many], [short, long]) => {
        const memory = memoryOf(arrivals);
        const replicas = (arrived: number, waiting: number): number =>
          decideLookahead(memory, sampleOf(arrived, now, { waiting }), settings).to;
        expect(replicas(many, short)).toBeGreaterThanOrEqual(replicas(few, short));
        expect(replicas(few, long)).toBeGreaterThanOrEqual(replicas(few, short));
      }),
      { numRuns: 60 },
    );
  });

  test('lowers nothing while a window of the newest down window is missing, whatever came before', () => {
    const windows = fc.record({ count: fc.integer({ min: 1, max: 80 }), arrived: fc.option(fc.nat(200), { freq: 3 }) });
    fc.assert(
      fc.property(
        fc.array(windows, { minLength: 4, maxLength: 12 }),
        fc.integer({ min: 20, max: 90 }),
        (all, startUpSeconds) => {
          const memory = createLookaheadMemory(settings);
          let [replicas, sinceGap] = [2, Infinity];
          for (const arrived of all.flatMap(({ count, arrived: each }) => Array.from({ length: count }, () => each))) {
            if (arrived === null) {
              missWindows(memory, 1, settings);
              sinceGap = 0;
              continue;
            }
            const sample = sampleOf(arrived, replicas, { startUpSeconds });
            const decision = decideLookahead(memory, sample, settings);
            if (sinceGap < Math.round(1.5 * decision.horizonWindows))
              expect(decision.to).toBeGreaterThanOrEqual(replicas);
            learn(memory, sample, decision, settings);
            replicas = decision.to;
            sinceGap++;
          }
        },
      ),
    );
  });

  test('changes nothing of what it knows', () => {
    fc.assert(
      fc.property(load, (arrivals) => {
        const memory = memoryOf(arrivals);
        const first = decideLookahead(memory, sampleOf(30, 6), settings);
        expect(decideLookahead(memory, sampleOf(30, 6), settings)).toEqual(first);
      }),
      { numRuns: 20 },
    );
  });
});
