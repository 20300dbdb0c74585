import { cronTimes } from './cron.ts';
import { name } from './names.ts';
import { duration, neededAfterMerging, oneOf, orElse, struct, text } from './schema.ts';

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // it throws for a zone that it does not know, and for nothing else
  }
}

/** A time in which disruptive changes may be made. */
export const MaintenanceWindow = struct(
  {
    name: name({ description: 'Name of the window; later layers change a window by its name.' }),
    mode: orElse('On', oneOf(['On', 'Off'], { description: 'Off leaves the window out.' })),
    schedule: neededAfterMerging(
      '0 2 * * 1-5',
      text({
        description: 'When it begins, as cron with five fields: minute, hour, day of month, month, day of week.',
        maxLength: 100,
        pattern: '^([0-9*/,-]+ ){2}[0-9*/,-]+( [A-Za-z0-9*/,-]+){2}$',
        wanted: 'must be cron with five fields: minute 0-59, hour 0-23, day of month 1-31, month 1-12, day of week 0-7',
        example: '0 2 * * 1-5',
        holds: (line) => cronTimes(line) !== undefined,
      }),
    ),
    duration: neededAfterMerging('2h', duration({ min: '5m', max: '24h', description: 'How long it is open.' })),
    timeZone: orElse(
      'UTC',
      text({
        description: 'IANA time zone of the schedule.',
        maxLength: 64,
        pattern: '^[A-Za-z]+([/_+-][A-Za-z0-9_+-]+)*$',
        wanted: 'must be an IANA time zone',
        example: 'Asia/Seoul',
        holds: isTimeZone,
      }),
    ),
  },
  { description: 'A time in which restarts, evictions, roll-outs and index builds may happen.' },
);
