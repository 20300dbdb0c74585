import { cronTimes, type CronTimes } from '../api/cron.ts';
import { milliseconds } from '../api/duration.ts';
import { rfc3339 } from '../api/rfc3339.ts';
import type { EffectivePolicy } from './effective-policy.ts';

export type MaintenanceWindows = EffectivePolicy['maintenanceWindows'];
type Window = MaintenanceWindows[number];

/** Whether what disrupts may begin now. */
export type Maintenance = { readonly isOpen: true } | ClosedMaintenance;

/** The window that opens first. */
export interface ClosedMaintenance {
  readonly isOpen: false;
  readonly window: string;
  /** ms since the epoch. Undefined: it never opens (30 February). */
  readonly opensAt: number | undefined;
}

/** Without windows it may at any time. @param now ms since the epoch. */
export function maintenanceAt(windows: MaintenanceWindows, now: number): Maintenance {
  const looks = windows.map((window) => ({ name: window.name, start: startOf(window, now) }));
  if (looks.length === 0 || looks.some(({ start }) => start <= now)) return { isOpen: true };
  const first = looks.reduce((sooner, next) => (next.start < sooner.start ? next : sooner));
  return { isOpen: false, window: first.name, opensAt: Number.isFinite(first.start) ? first.start : undefined };
}

/** `maintenance window night opens at 2026-11-30T17:00:00Z` */
export const maintenanceText = ({ window, opensAt }: ClosedMaintenance): string =>
  `maintenance window ${window} ${opensAt === undefined ? 'never opens: its schedule names no day that there is' : `opens at ${rfc3339(opensAt)}`}`;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Leap days may be eight years apart. */
const farthestDays = 8 * 366 + 1;

/** The first beginning of which the window is still open, or will be. */
function startOf({ schedule, duration, timeZone }: Window, now: number): number {
  const times = cronTimes(schedule);
  if (times === undefined) return Number.POSITIVE_INFINITY; // the policy is not accepted with it
  const earliest = now - milliseconds(duration) + 1;
  const offsetAt = offsetsOf(timeZone);
  const firstDay = Math.floor((earliest + offsetAt(earliest)) / dayMs) - 1; // a change of the clocks moves a beginning by hours at most
  for (let day = firstDay; day < firstDay + farthestDays; day += 1) {
    const start = isDay(times, day) ? startsOn(day, times, offsetAt).find((at) => at >= earliest) : undefined;
    if (start !== undefined) return start;
  }
  return Number.POSITIVE_INFINITY;
}

/** @param day Days since 1970-01-01 on the calendar of the zone. */
function isDay({ daysOfMonth, months, weekdays, isEitherDay }: CronTimes, day: number): boolean {
  const date = new Date(day * dayMs);
  const [isOfMonth, isWeekday] = [daysOfMonth.has(date.getUTCDate()), weekdays.has(date.getUTCDay())];
  return months.has(date.getUTCMonth() + 1) && (isEitherDay ? isOfMonth || isWeekday : isOfMonth && isWeekday);
}

type OffsetAt = (ms: number) => number;

/**
 * All beginnings of one day, in their order. Where the clocks go forward, one that falls into the hour that is not there comes as much later;
 * where they go back, one that is there twice counts the first time.
 */
function startsOn(day: number, { hours, minutes }: CronTimes, offsetAt: OffsetAt): readonly number[] {
  const [before, after] = [offsetAt((day - 1) * dayMs), offsetAt((day + 2) * dayMs)];
  const starts = [...hours].flatMap((hour) =>
    [...minutes].map((minute) => {
      const wall = day * dayMs + hour * hourMs + minute * minuteMs;
      return wall - before + offsetAt(wall - before) === wall || wall - after + offsetAt(wall - after) !== wall
        ? wall - before
        : wall - after;
    }),
  );
  return starts.toSorted((a, b) => a - b);
}

/** How far a zone is ahead of UTC at a time, both in ms. */
function offsetsOf(timeZone: string): OffsetAt {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  return (ms) => {
    const text = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    const [, sign, hours, minutes] = /GMT([+-])(\d\d):(\d\d)/.exec(text) ?? ['', '+', '0', '0']; // UTC itself is `GMT`
    return (sign === '-' ? -1 : 1) * (Number(hours) * hourMs + Number(minutes) * minuteMs);
  };
}
