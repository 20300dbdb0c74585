/** The times of day, and the days, that a line of cron names. */
export interface CronTimes {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  /** 1 is January. */
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
  /** Where days of the month and weekdays are both named, one of the two is enough, as cron has it. */
  readonly isEitherDay: boolean;
}

/** Of the five fields, in their order; an English name stands for its number. `open`: where one that names no last value ends, since 7 is Sunday again. */
const fields = [
  { from: 0, to: 59, open: 59, names: [] },
  { from: 0, to: 23, open: 23, names: [] },
  { from: 1, to: 31, open: 31, names: [] },
  {
    from: 1,
    to: 12,
    open: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { from: 0, to: 7, open: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const;
type Field = (typeof fields)[number];

/** @param line Five fields: minute, hour, day of month, month, day of week. Undefined: it is no such line. */
export function cronTimes(line: string): CronTimes | undefined {
  const parts = line.split(' ');
  const [minutes, hours, daysOfMonth, months, days] = fields.map((field, index) => valuesOf(parts[index] ?? '', field));
  if (!minutes || !hours || !daysOfMonth || !months || !days || parts.length !== fields.length) return undefined;
  const weekdays = new Set([...days].map((day) => day % 7)); // 7 is Sunday too
  return { minutes, hours, daysOfMonth, months, weekdays, isEitherDay: isNamed(parts[2]) && isNamed(parts[4]) };
}

/** As cron has it, a field that begins with a star names no days, whatever its step. */
const isNamed = (part = ''): boolean => !part.startsWith('*');

function valuesOf(text: string, field: Field): ReadonlySet<number> | undefined {
  const parts = text.split(',').map((part) => rangeOf(part, field));
  return parts.every((part) => part !== undefined) ? new Set(parts.flat()) : undefined;
}

/** `*`, `5`, `1-5` or `mon-fri`, and of the first and the last each nth: `0-30/10`; `5/10` is each tenth from 5 on. */
function rangeOf(part: string, field: Field): readonly number[] | undefined {
  const [range = '', step, ...more] = part.split('/');
  if (more.length > 0 || !/^[1-9][0-9]*$/.test(step ?? '1')) return undefined;
  const ends = range === '*' ? [field.from, field.to] : range.split('-').map((end) => numberOf(end, field));
  const [first = Number.NaN, last = step === undefined ? first : Math.max(field.open, first)] = ends;
  const isRange = ends.length <= 2 && field.from <= first && first <= last && last <= field.to;
  if (!isRange) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
    (value) => (value - first) % Number(step ?? '1') === 0,
  );
}

function numberOf(end: string, { from, names }: Field): number {
  const named = names.findIndex((known) => known === end.toLowerCase());
  return named >= 0 ? named + from : /^[0-9]+$/.test(end) ? Number(end) : Number.NaN;
}
