import type { AnyReason } from './reasons.ts';

export interface ProblemDetails {
  /** What is there, in the words of the server or object that was looked at. */
  readonly saw: string;
  readonly wanted: string;
  /** What a person can do about it: a command or a field, not "contact support". Absent where waiting is enough. */
  readonly next?: string;
  /** The server's own error, for the log. */
  readonly cause?: unknown;
}

/**
 * Something that can be expected to go wrong, thrown next to the server that showed it and caught once in levers/run.ts, where it becomes a condition.
 * Anything else that is thrown is a bug.
 */
export class Problem extends Error {
  readonly reason: AnyReason;
  readonly saw: string;
  readonly wanted: string;
  readonly next: string | undefined;

  constructor(reason: AnyReason, { saw, wanted, next, cause }: ProblemDetails) {
    super(problemMessage({ saw, wanted, ...(next === undefined ? {} : { next }) }), { cause });
    this.name = 'Problem';
    this.reason = reason;
    this.saw = saw;
    this.wanted = wanted;
    this.next = next;
  }
}

/** The one sentence of a condition or an error: what was seen, what was wanted, and the next step, in this order. */
export function problemMessage({ saw, wanted, next }: Pick<ProblemDetails, 'saw' | 'wanted' | 'next'>): string {
  return `saw ${saw}; wanted ${wanted}${next === undefined ? '' : `; next: ${next}`}`;
}

/** Whether `error` is a Problem of whatever realm: Jest runs tests in another one, where `instanceof` fails. */
export const isProblem = (error: unknown): error is Problem =>
  Error.isError(error) && error.name === 'Problem' && 'reason' in error;
