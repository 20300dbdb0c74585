/** How many requests arrived in each step. */
export interface Trace {
  readonly stepSeconds: number;
  readonly counts: Float64Array;
}

const wanted = 'wanted CSV time,arrivals: seconds in equal steps, and how many requests arrived in each';

const names = /^time(_s)?,arrivals$/i;

/** Of a step: more is a mistake in the file, and no sum of it is exact. */
export const mostArrivals = 1e12;

/** A mistake too: ten years. */
const mostSeconds = 315_360_000;

/**
 * A trace from CSV with the columns time (seconds) and arrivals, with or without a line of these names.
 *
 * @throws {RangeError} that names the first line which is wrong.
 */
export function readTrace(csv: string): Trace {
  const lines = csv.split('\n').filter((line) => line.trim() !== '');
  const [head = ''] = lines;
  const isNamed = /^[\s"]*[A-Za-z]/.test(head);
  if (isNamed && !names.test(head.replaceAll(/[\s"]/g, '')))
    throw new RangeError(`line 1: saw ${JSON.stringify(head)}; ${wanted}`);
  const rows = isNamed ? lines.slice(1) : lines;
  if (rows.length < 2) throw new RangeError(`saw fewer than two steps (${rows.length}); ${wanted}`);
  const offset = lines.length - rows.length + 1;
  const [first, second] = [timeOf(rows[0] ?? '', offset), timeOf(rows[1] ?? '', offset + 1)];
  const stepSeconds = second - first;
  if (!(stepSeconds > 0)) throw new RangeError(`line ${offset + 1}: saw time ${second} after ${first}; ${wanted}`);
  const length = stepSeconds * rows.length;
  if (length > mostSeconds)
    throw new RangeError(
      `saw steps of ${stepSeconds} s, ${length} s in all; wanted 10 years (${mostSeconds} s) at most`,
    );
  const counts = new Float64Array(rows.length);
  for (const [step, row] of rows.entries()) {
    const at = timeOf(row, offset + step);
    const arrivals = numberIn(row.slice(row.indexOf(',') + 1));
    if (Math.abs(at - first - step * stepSeconds) > 1e-6 * Math.max(1, at))
      throw new RangeError(
        `line ${offset + step}: saw time ${at} where ${first + step * stepSeconds} comes next; ${wanted}`,
      );
    if (!(arrivals >= 0 && arrivals < Infinity))
      throw new RangeError(`line ${offset + step}: saw ${JSON.stringify(row)}; ${wanted}`);
    if (arrivals > mostArrivals) throw new RangeError(`line ${offset + step}: ${tooMany(arrivals)}`);
    counts[step] = arrivals;
  }
  return { stepSeconds, counts };
}

export const tooMany = (arrivals: number): string =>
  `saw ${arrivals} arrivals; wanted ${mostArrivals} in a step at most`;

function timeOf(row: string, line: number): number {
  const comma = row.indexOf(',');
  const time = comma === -1 ? NaN : numberIn(row.slice(0, comma));
  if (!Number.isFinite(time)) throw new RangeError(`line ${line}: saw ${JSON.stringify(row)}; ${wanted}`);
  return time;
}

/** An empty field is not known, which is not 0. */
const numberIn = (field: string): number => (field.trim() === '' ? NaN : Number(field));

export const lengthSeconds = ({ stepSeconds, counts }: Trace): number => stepSeconds * counts.length;
