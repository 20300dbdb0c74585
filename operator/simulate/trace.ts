/** How many requests arrived in each step. */
export interface Trace {
  readonly stepSeconds: number;
  readonly counts: Float64Array;
}

const wanted = 'wanted CSV time,arrivals: seconds in equal steps, and how many requests arrived in each';

/**
 * A trace from CSV with the columns time (seconds) and arrivals.
 *
 * @throws {RangeError} that names the first line which is wrong.
 */
export function readTrace(csv: string): Trace {
  const lines = csv.split('\n').filter((line) => line.trim() !== '');
  const rows = /^[\s"]*[A-Za-z]/.test(lines[0] ?? '') ? lines.slice(1) : lines;
  if (rows.length < 2) throw new RangeError(`saw fewer than two steps (${rows.length}); ${wanted}`);
  const offset = lines.length - rows.length + 1;
  const [first, second] = [timeOf(rows[0] ?? '', offset), timeOf(rows[1] ?? '', offset + 1)];
  const stepSeconds = second - first;
  if (!(stepSeconds > 0)) throw new RangeError(`line ${offset + 1}: saw time ${second} after ${first}; ${wanted}`);
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
    counts[step] = arrivals;
  }
  return { stepSeconds, counts };
}

function timeOf(row: string, line: number): number {
  const comma = row.indexOf(',');
  const time = comma === -1 ? NaN : numberIn(row.slice(0, comma));
  if (!Number.isFinite(time)) throw new RangeError(`line ${line}: saw ${JSON.stringify(row)}; ${wanted}`);
  return time;
}

/** An empty field is not known, which is not 0. */
const numberIn = (field: string): number => (field.trim() === '' ? NaN : Number(field));

export const lengthSeconds = ({ stepSeconds, counts }: Trace): number => stepSeconds * counts.length;
