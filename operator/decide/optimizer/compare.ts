import type { MeasureName } from '../../api/contract.ts';
import type { ActionOutcome } from '../../api/optimizer.ts';
import type { KeptOptimizer, PendingAction } from './kept.ts';
import { atMeanLoad, effectOf, type Effect, type Spans } from './placebo.ts';
import type { Rows } from './rows.ts';

export interface CompareInput {
  readonly pending: PendingAction & { readonly doneAt: number };
  /** Of its component, until now. */
  readonly rows: Rows;
  /** What else was done, which is no part of how things are where nobody acts. */
  readonly acts: KeptOptimizer['acts'];
  /** Between two rows. */
  readonly intervalMs: number;
}

export type InconclusiveReason =
  'HistoryShort' | 'MetricsMissing' | 'PodsChanged' | 'LoadMoved' | 'NotShared' | 'TooNoisy' | 'Interrupted';

export interface Compared {
  readonly outcome: Exclude<ActionOutcome, 'Failed'>;
  /** Why it is inconclusive. */
  readonly reason?: InconclusiveReason;
  /** On the metric of the rule; undefined where too little is known. */
  readonly effect?: Effect;
  /** What became worse besides the metric of the rule. */
  readonly harmed?: MeasureName;
}

/** Rows of the history that are looked at: fewer than the least say nothing; with fewer than `sure` what only the rule's own metric says is not enough to undo anything. */
const history = { least: 180, sure: 360, most: 720 } as const;
/** Shares of the mean before: what is less is no improvement; within so narrow an interval there is certainly no effect; so much load more or less is another situation. */
const [leastEffect, narrow, mostLoadMove] = [0.03, 0.1, 0.5];

/** What must not become worse, which way that is, and by how much at least: in its base unit, and as a share of what it was. */
const guards: Readonly<
  Partial<Record<MeasureName, { readonly worse: 1 | -1; readonly least: number; readonly leastShare: number }>>
> = {
  responseTimeP95: { worse: 1, least: 0.01, leastShare: 0.1 },
  errorRatio: { worse: 1, least: 0.01, leastShare: 0.1 },
  cacheHitRatio: { worse: -1, least: 0.03, leastShare: 0.1 },
};

/** Whether an action helped: on the metric of its rule, and with an eye on what it must not harm. */
export function compare({ pending, rows, acts, intervalMs }: CompareInput): Compared {
  const spans = spansOf(pending, intervalMs);
  const cut = cutAt(pending, rows, { spans, acts });
  const effect = cut.effectOn(pending.metric);
  if (effect === undefined)
    return { outcome: 'Inconclusive', reason: cut.isAfterKnown(pending.metric) ? 'HistoryShort' : 'MetricsMissing' };
  if (effect.known < history.least) return { outcome: 'Inconclusive', reason: 'HistoryShort', effect };
  const moved = cut.movedReason();
  if (moved !== undefined) return { outcome: 'Inconclusive', reason: moved, effect };
  const harmed = harmedBy(pending, cut);
  return { ...judged(effect, pending.operator === 'GreaterThan' ? 1 : -1, harmed), effect };
}

/** How many rows each window has; at least as many as a median needs. */
const spansOf = ({ windowMs, settleMs }: Pick<PendingAction, 'windowMs' | 'settleMs'>, intervalMs: number): Spans => ({
  window: Math.max(3, Math.round(windowMs / intervalMs)),
  settle: Math.ceil(settleMs / intervalMs),
});

/** @param up 1 where more is worse, −1 where less is. */
function judged(effect: Effect, up: 1 | -1, harmed: MeasureName | undefined): Omit<Compared, 'effect'> {
  if (harmed !== undefined) return { outcome: 'Worse', harmed };
  const { before, last, after, expected, errors, known } = effect;
  const by = up * (after - expected);
  const [best, worst] = up === 1 ? [errors.p5, errors.p95] : [-errors.p95, -errors.p5];
  const scale = Math.abs(before);
  if (by < best && -by >= leastEffect * scale) return { outcome: 'Improved' };
  // Also worse than at the action itself: a new level that was there before it is none of its doing.
  if (by > worst && Math.min(by, up * (after - last)) >= leastEffect * scale)
    return known < history.sure ? { outcome: 'Inconclusive', reason: 'NotShared' } : { outcome: 'Worse' };
  return worst - best < 2 * narrow * scale ? { outcome: 'NoEffect' } : { outcome: 'Inconclusive', reason: 'TooNoisy' };
}

/** A guard has to say so louder than the metric itself: there are several, and one of them is always a little odd. */
function harmedBy({ metric }: PendingAction, cut: Cut): MeasureName | undefined {
  const names = (Object.keys(guards) as readonly MeasureName[]).filter((name) => name !== metric);
  return names.find((name) => {
    const guard = guards[name];
    const effect = cut.effectOn(name);
    if (guard === undefined || effect === undefined || effect.known < history.least) return false;
    const { before, after, expected, errors } = effect;
    const by = guard.worse * (after - expected);
    const worst = guard.worse === 1 ? errors.p99 : -errors.p1;
    return by > worst && by >= Math.max(guard.least, guard.leastShare * Math.abs(before));
  });
}

/** The rows around an action. */
interface Cut {
  effectOn(metric: PendingAction['metric']): Effect | undefined;
  isAfterKnown(metric: PendingAction['metric']): boolean;
  /** What was another situation after than before. */
  movedReason(): 'PodsChanged' | 'LoadMoved' | undefined;
}

function cutAt(
  { action, component, begunAt, doneAt, settleMs }: CompareInput['pending'],
  { times, podsReady, measures }: Rows,
  { spans, acts }: { readonly spans: Spans; readonly acts: CompareInput['acts'] },
): Cut {
  const until = times.findLastIndex((time) => time <= begunAt) + 1;
  const from = Math.max(0, until - history.most);
  const settled = times.findIndex((time) => time > doneAt + settleMs);
  const [start, end] = settled < 0 ? [times.length, times.length] : [settled, settled + spans.window];
  const others = acts.filter((act) => act.component === component && act.at !== begunAt);
  /** Just before an action it is no matter: what the one before it has come to, it begins with. */
  const isUnderAct = (row: number): boolean => {
    const time = times[row] ?? 0;
    const isBefore = row >= until - spans.window;
    return others.some(({ at, until: over, isBack }) => at < time && time <= over && (isBack === true || !isBefore));
  };
  const historyOf = (metric: PendingAction['metric']): readonly number[] =>
    (measures[metric] ?? []).slice(from, until).map((value, row) => (isUnderAct(from + row) ? NaN : value));
  const afterOf = (metric: PendingAction['metric']): readonly number[] => (measures[metric] ?? []).slice(start, end);
  const loads = { history: historyOf('requestRate'), after: afterOf('requestRate') };
  return {
    effectOn(metric) {
      const [rowsBefore, rowsAfter] = [historyOf(metric), afterOf(metric)];
      if (rowsAfter.length < spans.window) return undefined;
      const level = metric === 'requestRate' ? undefined : atMeanLoad(rowsBefore, loads.history);
      return effectOf({
        history: level?.(rowsBefore, loads.history) ?? rowsBefore,
        after: level?.(rowsAfter, loads.after) ?? rowsAfter,
        spans,
      });
    },
    isAfterKnown: (metric) => afterOf(metric).filter((value) => !Number.isNaN(value)).length >= 0.75 * spans.window,
    movedReason() {
      const pods = [
        ...podsReady.slice(Math.max(from, until - spans.window), until),
        ...(replacesPods(action) ? [] : podsReady.slice(until, start)), // there one goes and another comes
        ...podsReady.slice(start, end),
      ];
      if (new Set(pods).size > 1) return 'PodsChanged';
      const [before, after] = [mean(loads.history.slice(-spans.window)), mean(loads.after)];
      return Math.abs(after - before) > mostLoadMove * before ? 'LoadMoved' : undefined;
    },
  };
}

/** A limit is raised by a roll-out or a restart where it cannot be in place. */
const replacesPods = (action: CompareInput['pending']['action']): boolean =>
  action === 'EvictWorstPod' || action === 'RaiseMemoryLimit';

/** Of what is known. */
function mean(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
