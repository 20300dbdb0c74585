import { LRUCache } from 'lru-cache';
import { isProblem, problemMessage } from '../../../api/problem.ts';
import { openDeadline } from '../../../kube/deadline.ts';
import type { PostgresAddress } from '../address.ts';
import { connectPostgres } from '../connect.ts';
import type { ServerFacts } from '../observe.ts';
import { withProblems } from './answers.ts';
import { readAdvice, type AdviceSeen } from './read.ts';
import { UnansweredPlan } from './sandbox.ts';

/** What was found out about indexes that would help. It costs a server some dozens of statements: what was found is kept for a while. */
export interface Advisor {
  /** What stands in the way is the answer. Only a bug is thrown. */
  of(address: PostgresAddress, facts: ServerFacts, signal: AbortSignal): Promise<AdviceSeen>;
}

const everyMs = 900_000;
/** What is missing may have been granted by then. */
const afterFailureMs = 60_000;
/** The indexes that are declared are looked at in the same visit, and have their time too. */
const withinMs = 3000;
/** A role whose code no time-out ends costs the server a process each time. */
const leftOutMs = 3_600_000;
/** Previews come and go: whatever is forgotten is found out once more. */
const remembered = 1000;

export function createAdvisor(now: () => number = Date.now): Advisor {
  const known = new LRUCache<string, { readonly until: number; readonly advice: AdviceSeen }>({ max: remembered });
  const leftOut = new LRUCache<string, number>({ max: remembered });
  return {
    async of(address, facts, signal) {
      const key = JSON.stringify([address.label, address.database, facts.role]);
      const kept = known.get(key);
      if (kept !== undefined && now() < kept.until) return kept.advice;
      const isLeftOut = (role: string) => now() < (leftOut.get(JSON.stringify([address.label, role])) ?? 0);
      const { advice, endless } = await lookFor(address, { ...facts, isLeftOut }, signal);
      if (endless !== undefined) leftOut.set(JSON.stringify([address.label, endless]), now() + leftOutMs);
      known.set(key, { advice, until: now() + (advice.state === 'Known' ? everyMs : afterFailureMs) });
      return advice;
    },
  };
}

interface Found {
  readonly advice: AdviceSeen;
  /** The role whose plan came to no end. */
  readonly endless?: string;
}

/** On a connection of its own: a plan that takes too long, or what it runs, harms no other look. */
async function lookFor(
  address: PostgresAddress,
  facts: Parameters<typeof readAdvice>[1],
  signal: AbortSignal,
): Promise<Found> {
  using deadline = openDeadline(signal, withinMs);
  try {
    await using postgres = await connectPostgres(address, deadline.signal);
    return { advice: await readAdvice(withProblems(postgres), facts) };
  } catch (error) {
    signal.throwIfAborted();
    const isLate = deadline.isOver;
    const endless = error instanceof UnansweredPlan ? await endPlan(error, address, signal) : undefined;
    if (isLate) return { advice: unknown(lateText) };
    if (endless !== undefined) return { advice: unknown(endlessText(endless)), endless };
    if (error instanceof UnansweredPlan || isProblem(error)) return { advice: unknown(error.message) };
    throw error;
  }
}

const unknown = (why: string): AdviceSeen => ({ state: 'Unknown', why });

const lateText = problemMessage({
  saw: `no plans of all the statements within ${withinMs / 1000} s`,
  wanted: 'those that take most time planned',
  next: 'look for functions in them that claim to be immutable and take long; they are planned again in a minute',
});

const endlessText = (role: string): string =>
  problemMessage({
    saw: `no end of a plan as ${role}, whose server process was ended`,
    wanted: 'a plan within a second',
    next: `look for functions of ${role} that claim to be immutable and take query_canceled for an error of their own; its statements are left out for an hour`,
  });

/** Nothing else ends code that takes every cancel for an error of its own. @returns whose code it was; undefined: it had ended, or nobody knows. */
async function endPlan(
  { role, pid }: UnansweredPlan,
  address: PostgresAddress,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await using postgres = await connectPostgres(address, signal);
    const ended = await withProblems(postgres).query(
      `SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a WHERE a.pid = $1 AND a.usename = session_user AND a.state = 'active'`,
      [pid],
    );
    return ended.length > 0 ? role : undefined;
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
}
