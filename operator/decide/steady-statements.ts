import { rfc3339 } from '../api/rfc3339.ts';
import { mostSlowStatements, type GenerationServiceStatus } from '../api/status.ts';
import type { SlowStatement, SlowStatements } from './slow-statements.ts';

type Shown = NonNullable<NonNullable<GenerationServiceStatus['postgres']>[number]['slowStatements']>;

/** As with other figures of a status: more often it is not written, and not for less. */
const leastMs = 300_000;
const band = 0.1;
/** Of a full list the last places change hands at every look: so many times of what the last one takes is clear of that. */
const clear = 2;

/**
 * Slow statements for status: a new one at once where there is room for it, or where it is well ahead of the last one, and what changes of the others seldom, since every look would be a write.
 *
 * @param top How many of them are asked for.
 * @returns Undefined: there is nothing to show.
 */
export function steadyStatements(
  previous: Shown | undefined,
  slow: SlowStatements | undefined,
  { now, top }: { readonly now: number; readonly top: number },
): Shown | undefined {
  const statements = slow?.state === 'Known' ? slow.statements.slice(0, mostSlowStatements) : [];
  const next = slow?.state === 'Known' ? shownOf({ ...slow, statements }, now) : undefined;
  if (previous === undefined) return next;
  if (hasNew(previous, statements, Math.min(top, mostSlowStatements))) return next;
  if (now - Date.parse(previous.observedAt) < leastMs) return previous;
  return next !== undefined && isNear(previous, next) ? previous : next;
}

function shownOf({ source, statements }: Extract<SlowStatements, { state: 'Known' }>, now: number): Shown | undefined {
  if (statements.length === 0) return undefined;
  return { source, observedAt: rfc3339(now), statements: statements.map(entryOf) };
}

const entryOf = ({ text, calls, meanMs, maxMs, minMs }: SlowStatement): Shown['statements'][number] => ({
  statement: text,
  calls,
  mean: milliseconds(meanMs),
  max: milliseconds(maxMs),
  min: milliseconds(minMs),
});

const milliseconds = (ms: number): string => `${Math.round(ms)}ms`;

function hasNew(previous: Shown, next: readonly SlowStatement[], most: number): boolean {
  const before = new Set(previous.statements.map(({ statement }) => statement));
  const isFull = Math.min(previous.statements.length, next.length) >= most;
  const from = isFull ? clear * (next.at(-1)?.totalMs ?? 0) : 0;
  return next.some(({ text, totalMs }) => !before.has(text) && totalMs >= from);
}

/** The same statements, each about as slow; which of them comes first is no news. */
function isNear(previous: Shown, next: Shown): boolean {
  const before = new Map(previous.statements.map((one) => [one.statement, Number.parseInt(one.mean, 10)]));
  return (
    previous.source === next.source &&
    previous.statements.length === next.statements.length &&
    next.statements.every(({ statement, mean }) => {
      const known = before.get(statement);
      return known !== undefined && Math.abs(Number.parseInt(mean, 10) - known) <= band * known;
    })
  );
}
