/** The last rows of figures with their times, oldest overwritten. Memory grows with use up to the capacity: 8 bytes a row and 4 a figure. */
export interface Ring<Column extends string> {
  readonly length: number;
  /** ms since the epoch of the newest row. */
  readonly newestAt: number | undefined;
  /** Appends a row; figures that are undefined are gaps. */
  append(at: number, row: Readonly<Partial<Record<Column, number>>>): void;
  /** Rows later than `since`, oldest first: their times, and for each column asked the figures, NaN where there is a gap. */
  since<Asked extends Column>(since: number, columns: readonly Asked[]): RingSlice<Asked>;
  readonly bytes: number;
}

export interface RingSlice<Column extends string> {
  readonly times: Float64Array;
  readonly figures: Readonly<Record<Column, Float32Array>>;
}

const firstRows = 8;

export function createRing<Column extends string>(columns: readonly Column[], capacity: number): Ring<Column> {
  const width = columns.length;
  let times = new Float64Array(Math.min(firstRows, capacity));
  let figures = new Float32Array(times.length * width);
  let start = 0;
  let length = 0;
  const grow = (): void => {
    const rows = Math.min(capacity, times.length * 2);
    const [moreTimes, moreFigures] = [new Float64Array(rows), new Float32Array(rows * width)];
    moreTimes.set(times); // it has not wrapped yet: it wraps only at full capacity
    moreFigures.set(figures);
    times = moreTimes;
    figures = moreFigures;
  };
  const rowOf = (index: number): number => (start + index) % times.length;
  return {
    get length() {
      return length;
    },
    get newestAt() {
      return length === 0 ? undefined : times[rowOf(length - 1)];
    },
    get bytes() {
      return times.byteLength + figures.byteLength;
    },
    append(at, row) {
      if (length === times.length && length < capacity) grow();
      if (length < times.length) length++;
      else start = (start + 1) % times.length;
      const to = rowOf(length - 1);
      times[to] = at;
      for (const [column, name] of columns.entries()) figures[to * width + column] = row[name] ?? NaN;
    },
    since(since, asked) {
      let first = length;
      while (first > 0 && (times[rowOf(first - 1)] ?? 0) > since) first--;
      const count = length - first;
      const slice = (column: number): Float32Array =>
        Float32Array.from({ length: count }, (_, index) => figures[rowOf(first + index) * width + column] ?? NaN);
      return {
        times: Float64Array.from({ length: count }, (_, index) => times[rowOf(first + index)] ?? 0),
        figures: Object.fromEntries(asked.map((name) => [name, slice(columns.indexOf(name))])) as Record<
          (typeof asked)[number],
          Float32Array
        >,
      };
    },
  };
}
