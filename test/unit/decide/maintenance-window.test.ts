import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  maintenanceAt,
  maintenanceText,
  type MaintenanceWindows,
} from '../../../operator/decide/maintenance-window.ts';

type Window = MaintenanceWindows[number];
const night: Window = { name: 'night', mode: 'On', schedule: '0 2 * * *', duration: '2h', timeZone: 'UTC' };
const at = (time: string): number => Date.parse(time);
const closed = (opensAt: string, window = 'night') => ({ isOpen: false, window, opensAt: at(opensAt) });
const open = { isOpen: true };

describe('maintenanceAt()', () => {
  test('is always open where no window is declared', () => expect(maintenanceAt([], 0)).toEqual(open));

  test.each<{ name: string; window?: Partial<Window>; now: string; is: object }>([
    { name: 'opens at its minute', now: '2026-11-28T02:00:00Z', is: open },
    { name: 'is closed 1 ms before', now: '2026-11-28T01:59:59.999Z', is: closed('2026-11-28T02:00:00Z') },
    { name: 'is open to its last millisecond', now: '2026-11-28T03:59:59.999Z', is: open },
    { name: 'closes after its duration', now: '2026-11-28T04:00:00Z', is: closed('2026-11-29T02:00:00Z') },
    {
      name: 'is still open after midnight',
      window: { schedule: '30 23 * * *' },
      now: '2026-11-28T01:29:00Z',
      is: open,
    },
    {
      name: 'goes by its time zone: 02:00 in Seoul is 17:00 UTC of the day before',
      window: { timeZone: 'Asia/Seoul' },
      now: '2026-11-28T16:59:00Z',
      is: closed('2026-11-28T17:00:00Z'),
    },
    {
      name: 'goes by half hours too',
      window: { timeZone: 'Asia/Kolkata' },
      now: '2026-11-28T00:00:00Z',
      is: closed('2026-11-28T20:30:00Z'),
    },
    {
      name: 'skips days of the week that are not named: Saturday to Monday',
      window: { schedule: '0 2 * * mon-fri' },
      now: '2026-11-28T02:30:00Z',
      is: closed('2026-11-30T02:00:00Z'),
    },
    {
      name: 'takes 7 for Sunday',
      window: { schedule: '0 2 * * 7' },
      now: '2026-11-28T02:30:00Z',
      is: closed('2026-11-29T02:00:00Z'),
    },
    {
      name: 'takes either of a day of the month and a weekday: Sunday comes before the 13th',
      window: { schedule: '0 2 13 * 0' },
      now: '2026-11-28T02:30:00Z',
      is: closed('2026-11-29T02:00:00Z'),
    },
    {
      name: 'takes both where one of them begins with a star: the next odd day that is a Monday',
      window: { schedule: '0 2 */2 * 1' },
      now: '2026-11-28T02:30:00Z',
      is: closed('2026-12-07T02:00:00Z'),
    },
    {
      name: 'takes the nth from a first on: 5/20 is 5, 25 and 45',
      window: { schedule: '5/20 2 * * *', duration: '5m' },
      now: '2026-11-28T02:10:00Z',
      is: closed('2026-11-28T02:25:00Z'),
    },
    {
      name: 'waits for years for a leap day',
      window: { schedule: '0 2 29 2 *' },
      now: '2096-03-01T00:00:00Z',
      is: closed('2104-02-29T02:00:00Z'),
    },
    {
      name: 'opens an hour later where the clocks skip its hour (02:30 in Berlin is 03:30)',
      window: { schedule: '30 2 * * *', timeZone: 'Europe/Berlin' },
      now: '2026-03-29T00:00:00Z',
      is: closed('2026-03-29T01:30:00Z'),
    },
    {
      name: 'opens by the new time on the day on which the clocks go forward',
      window: { schedule: '0 5 * * *', timeZone: 'Europe/Berlin' },
      now: '2026-03-29T00:00:00Z',
      is: closed('2026-03-29T03:00:00Z'),
    },
    {
      name: 'opens at the first of two hours where the clocks go back',
      window: { schedule: '30 2 * * *', duration: '30m', timeZone: 'Europe/Berlin' },
      now: '2026-10-25T00:00:00Z',
      is: closed('2026-10-25T00:30:00Z'),
    },
    {
      name: 'does not open at the second',
      window: { schedule: '30 2 * * *', duration: '30m', timeZone: 'Europe/Berlin' },
      now: '2026-10-25T01:30:00Z',
      is: closed('2026-10-26T01:30:00Z'),
    },
  ])('$name', ({ window, now, is }) => expect(maintenanceAt([{ ...night, ...window }], at(now))).toEqual(is));

  test('names the first of several that opens, and is open while any is', () => {
    const noon = { ...night, name: 'noon', schedule: '0 12 * * *' };
    expect(maintenanceAt([night, noon], at('2026-11-28T05:00:00Z'))).toEqual(closed('2026-11-28T12:00:00Z', 'noon'));
    expect(maintenanceAt([night, noon], at('2026-11-28T13:00:00Z'))).toEqual(open);
  });

  test('says of a day that there is not that it never opens', () => {
    const never = maintenanceAt([{ ...night, schedule: '0 2 30 2 *' }], 0);
    expect(never).toEqual({ isOpen: false, window: 'night', opensAt: undefined });
    expect(maintenanceText(never as never)).toBe(
      'maintenance window night never opens: its schedule names no day that there is',
    );
  });

  test('is closed until the moment that it tells, and open from then on', () => {
    const window = fc.record({
      name: fc.constant('any'),
      mode: fc.constant('On' as const),
      schedule: fc.constantFrom('0 2 * * *', '*/20 1-3 * * 1,3', '45 23 1,15 * *', '10 0 * 1/3 *'),
      duration: fc.constantFrom('5m', '90m', '24h'),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia'),
    });
    const time = fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2029-01-01T00:00:00Z') });
    fc.assert(
      fc.property(window, time, (one, now) => {
        const look = maintenanceAt([one], now);
        if (look.isOpen) return;
        const { opensAt = Number.NaN } = look;
        expect(maintenanceAt([one], opensAt)).toEqual(open);
        expect(maintenanceAt([one], opensAt - 1)).toEqual(look);
      }),
    );
  });
});
