import { normaliseStatement } from './normalise-statement.ts';
import type { LiveSettings } from './settings.ts';
import { told } from './told.ts';

/** Of one normalised statement since it was seen first; times in ms. */
export interface StatementFigures {
  readonly statement: string;
  readonly count: number;
  readonly averageMs: number;
  readonly maxMs: number;
  readonly minMs: number;
}

export interface QueryMonitor {
  note(sql: string, ms: number): void;
  /** Slowest on average first. */
  statistics(): readonly StatementFigures[];
  /** Statements that were dropped for want of room. */
  readonly forgotten: number;
}

interface Counted {
  count: number;
  sumMs: number;
  maxMs: number;
  minMs: number;
}

/** Figures of each statement, of the `maxStatements` that were asked last; what takes longer than `slowAboveMs` is told at once. */
export function createQueryMonitor(
  settings: LiveSettings,
  { onSlow }: { readonly onSlow?: (slow: { readonly statement: string; readonly ms: number }) => unknown } = {},
): QueryMonitor {
  const counted = new Map<string, Counted>(); // in the order in which they were last asked
  let forgotten = 0;
  return {
    get forgotten() {
      return forgotten;
    },
    note(sql, ms) {
      const { slowAboveMs, maxStatements } = settings.current.queryMonitor;
      const statement = normaliseStatement(sql);
      const known = counted.get(statement) ?? { count: 0, sumMs: 0, maxMs: 0, minMs: Infinity };
      counted.delete(statement);
      counted.set(statement, known);
      known.count += 1;
      known.sumMs += ms;
      known.maxMs = Math.max(known.maxMs, ms);
      known.minMs = Math.min(known.minMs, ms);
      while (counted.size > maxStatements) {
        const [oldest = ''] = counted.keys();
        counted.delete(oldest);
        forgotten += 1;
      }
      if (ms > slowAboveMs) told(onSlow, { statement, ms });
    },
    statistics: () =>
      [...counted]
        .map(([statement, { count, sumMs, maxMs, minMs }]) => ({
          statement,
          count,
          averageMs: sumMs / count,
          maxMs,
          minMs,
        }))
        .toSorted((a, b) => b.averageMs - a.averageMs),
  };
}
