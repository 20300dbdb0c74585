import { describe, expect, test } from '@jest/globals';
import type { JudgedObjective } from '../../../operator/decide/objectives.ts';
import type { SavedRollUps } from '../../../operator/metrics/roll-ups.ts';
import { createStandings, type Look } from '../../../operator/metrics/standings.ts';

const start = Date.UTC(2026, 0, 1);
const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const service = (uid = 'u') => ({
  metadata: { namespace: 'ai', name: 'generation', uid },
});
const look = (now: number, judged: JudgedObjective['judged'], more: Partial<Look> = {}): Look => ({
  looked: [{ name: 'Memory', judged, goal: 1, observation: undefined }],
  insideSince: {},
  attainmentWindowMs: day,
  intervalMs: 10 * second,
  now,
  saved: () => undefined,
  ...more,
});
/** Looks every ten seconds. */
function looked(
  standings: ReturnType<typeof createStandings>,
  from: number,
  until: number,
  judged: JudgedObjective['judged'],
) {
  for (let now = from; now <= until; now += 10 * second) standings.note(service(), look(now, judged));
}
const attainment = (standings: ReturnType<typeof createStandings>, now: number) =>
  standings.of(service())?.attainment('Memory', now);

describe('createStandings()', () => {
  test('the first look counts as one interval: what it judges is older than it', () => {
    const standings = createStandings();
    standings.note(service(), look(start, 'Met'));
    expect(attainment(standings, start)).toBe(1);
  });

  test('attainment is over the policy’s window, burn over each of its own', () => {
    const standings = createStandings();
    looked(standings, start, start + 54 * minute, 'Met');
    looked(standings, start + 54 * minute + 10 * second, start + hour, 'NotMet');
    const now = start + hour;
    expect(attainment(standings, now)).toBeCloseTo(0.9, 2);
    const { '5m': five, '1h': one, '3d': three } = standings.of(service())?.burnRates('Memory', now) ?? {};
    expect(five).toBeCloseTo(100);
    expect(one).toBeCloseTo(10, 1); // six of sixty minutes
    expect(three).toBeCloseTo(360 / (72 * 3_600 * 0.01), 1);
  });

  test('of looks that lie far apart only 2.5 intervals are known', () => {
    const standings = createStandings();
    standings.note(service(), look(start, 'NotMet'));
    standings.note(service(), look(start + hour, 'Met'));
    expect(attainment(standings, start + hour)).toBeCloseTo(25 / 35);
  });

  test('time of which nothing is known, as after a change of the metric source, takes nothing from what was counted', () => {
    const standings = createStandings();
    looked(standings, start + 10 * second, start + 9 * minute, 'Met');
    looked(standings, start + 9 * minute + 10 * second, start + 10 * minute, 'NotMet');
    looked(standings, start + 10 * minute + 10 * second, start + hour, 'Unknown');
    expect(attainment(standings, start + hour)).toBeCloseTo(0.9);
  });

  test('a service made again under its name begins anew', () => {
    const standings = createStandings();
    standings.note(service(), look(start, 'Met'));
    expect(standings.of(service('other'))).toBeUndefined();
    standings.note(service('other'), look(start, 'NotMet'));
    expect(standings.of(service('other'))?.attainment('Memory', start)).toBe(0);
  });

  test('a longer attainment window keeps what was counted', () => {
    const standings = createStandings();
    looked(standings, start, start + minute, 'NotMet');
    standings.note(service(), look(start + 70 * second, 'Met', { attainmentWindowMs: 30 * day }));
    expect(attainment(standings, start + 10 * day)).toBeCloseTo(1 / 8);
  });

  test('goes on from what an earlier process has kept, whose end no time is counted twice', () => {
    const saved: SavedRollUps = {
      countedUntil: (start - 5 * second) / 1_000,
      minutes: {},
      hours: { Memory: '0/15' },
    };
    const standings = createStandings();
    standings.note(service(), look(start, 'Met', { saved: () => saved }));
    expect(attainment(standings, start)).toBe(0.25); // 5 s and 15
  });

  test('one of which nothing is judged has no attainment, and is never to be saved', () => {
    const standings = createStandings();
    looked(standings, start, start + 3 * hour, 'Unknown');
    expect(attainment(standings, start + 3 * hour)).toBeUndefined();
    expect(standings.of(service())?.burnRates('Memory', start + 3 * hour)).toEqual({});
    expect(standings.unsaved(service(), start + 3 * hour, 'atOnce')).toBeUndefined();
  });
});

describe('unsaved()', () => {
  test('at most once an hour, and not when nothing was judged since', () => {
    const standings = createStandings();
    const due = (now: number): boolean => standings.unsaved(service(), now) !== undefined;
    standings.note(service(), look(start, 'Met'));
    expect(due(start + hour - 1)).toBe(false);
    expect(due(start + 1.2 * hour)).toBe(true);
    standings.saved(service(), start + 1.2 * hour);
    standings.note(service(), look(start + 1.3 * hour, 'Unknown'));
    expect(due(start + day)).toBe(false);
    standings.note(service(), look(start + 1.4 * hour, 'Met'));
    expect(due(start + 2.2 * hour - 1)).toBe(false);
    expect(due(start + 2.4 * hour)).toBe(true);
  });

  test('at once when the process ends', () => {
    const standings = createStandings();
    standings.note(service(), look(start, 'Met'));
    expect(standings.unsaved(service(), start, 'atOnce')).toMatchObject({ hours: { Memory: '10' } });
    standings.saved(service(), start);
    expect(standings.unsaved(service(), start, 'atOnce')).toBeUndefined();
  });
});
