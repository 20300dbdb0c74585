/** What a PostgreSQL says of its statements at one look; or why nobody knows. */
export type StatementsSeen =
  | {
      readonly state: 'Known';
      /** pg_stat_activity only shows what runs at the moment of a look: what it says is a least. */
      readonly source: 'pg_stat_statements' | 'pg_stat_activity';
      /** Mean from which a statement is slow. */
      readonly thresholdMs: number;
      /** How many of them are shown. */
      readonly top: number;
      /** Another one: everything is counted anew. */
      readonly epoch: string;
      /** Those of which at least one execution took as long as the threshold. */
      readonly statements: readonly StatementTotals[];
      /** There may be more of them than are listed; absent: these are all. */
      readonly isCut?: boolean;
    }
  | { readonly state: 'Unknown'; readonly why: string };

type Known = Extract<StatementsSeen, { state: 'Known' }>;

interface Durations {
  readonly calls: number;
  readonly totalMs: number;
  /** Since the statement is counted. */
  readonly maxMs: number;
  readonly minMs: number;
}

export interface StatementTotals extends Durations {
  /** The statement, or, of pg_stat_activity, its execution. */
  readonly id: string;
  /** Without literals. */
  readonly text: string;
}

/** What was done between two looks. */
export interface StatementGain extends StatementTotals {
  /** ms since the epoch, of the later look. */
  readonly at: number;
}

export interface SlowStatement extends Durations {
  readonly text: string;
  readonly meanMs: number;
}

/** What was slow within a window; or why nobody knows. */
export type SlowStatements =
  | {
      readonly state: 'Known';
      readonly source: Known['source'];
      /** What took most time together comes first. */
      readonly statements: readonly SlowStatement[];
    }
  | Extract<StatementsSeen, { state: 'Unknown' }>;

/** What the newer look adds to the older. Survives resets: what is counted anew, or less, was done since. Nothing where there is no older look to compare with. */
export function statementGains(
  older: StatementsSeen | undefined,
  newer: StatementsSeen,
  at: number,
): readonly StatementGain[] {
  if (newer.state === 'Unknown') return [];
  if (newer.source === 'pg_stat_activity') return newer.statements.map((statement) => ({ ...statement, at }));
  if (older?.state !== 'Known' || older.source !== newer.source) return [];
  const before = new Map(older.epoch === newer.epoch ? older.statements.map((one) => [one.id, one]) : []);
  return newer.statements.flatMap((statement) => {
    const known = before.get(statement.id);
    if (known === undefined && older.thresholdMs > newer.thresholdMs) return []; // listed because more are
    const gain =
      known === undefined && older.epoch === newer.epoch
        ? newlySlow(statement, older)
        : { ...statement, ...gained(known, statement) };
    return gain.calls === 0 ? [] : [{ ...gain, at }];
  });
}

/** It was not listed, since no execution took so long, or others took more: where all of them did by now and none was left out, all were since; else one is known to have been. */
function newlySlow(statement: StatementTotals, { thresholdMs, isCut = false }: Known): StatementTotals {
  const { calls, totalMs, maxMs, minMs } = statement;
  const isNew = !isCut && minMs >= thresholdMs && totalMs >= calls * thresholdMs; // the least alone may have been reset
  return isNew ? statement : { ...statement, calls: 1, totalMs: maxMs, minMs: maxMs };
}

/** Undefined, or more than now: it is counted anew. */
function gained(
  before: StatementTotals | undefined,
  { calls, totalMs }: StatementTotals,
): Pick<Durations, 'calls' | 'totalMs'> {
  if (before === undefined || calls < before.calls) return { calls, totalMs };
  return { calls: calls - before.calls, totalMs: totalMs - before.totalMs };
}

/** One execution that is seen several times counts once, with what it has taken in the end. */
export function withGains(
  known: readonly StatementGain[],
  gains: readonly StatementGain[],
  source: Known['source'],
): readonly StatementGain[] {
  const seen = new Set(source === 'pg_stat_activity' ? gains.map(({ id }) => id) : []);
  return [...known.filter(({ id }) => !seen.has(id)), ...gains];
}

/** What took longest together, of what was slow on average; equal texts are one statement. */
export function slowest(
  gains: readonly StatementGain[],
  { since, thresholdMs, top }: { readonly since: number; readonly thresholdMs: number; readonly top: number },
): readonly SlowStatement[] {
  const byText = Map.groupBy(
    gains.filter(({ at }) => at > since),
    ({ text }) => text,
  );
  return [...byText]
    .map(([text, all]) => merged(text, all))
    .filter(({ meanMs }) => meanMs >= thresholdMs)
    .toSorted((a, b) => b.totalMs - a.totalMs)
    .slice(0, top);
}

function merged(text: string, all: readonly StatementGain[]): SlowStatement {
  const calls = all.reduce((sum, one) => sum + one.calls, 0);
  const totalMs = all.reduce((sum, one) => sum + one.totalMs, 0);
  const maxMs = Math.max(...all.map((one) => one.maxMs));
  const minMs = Math.min(...all.map((one) => one.minMs));
  return { text, calls, totalMs, meanMs: totalMs / calls, maxMs, minMs };
}
