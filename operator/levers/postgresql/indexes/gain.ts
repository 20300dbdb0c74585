/** What an index was built for is that statements take less time: measured by the server's own counts, of the same statements before and after. */

/** What a server counts of the statements that name a table, at one look. */
export interface StatementCounts {
  /** Another one: everything is counted anew. */
  readonly epoch: string;
  /** By queryid. */
  readonly counts: Readonly<Record<string, Count>>;
}

export interface Count {
  readonly calls: number;
  readonly totalMs: number;
}

/** What is remembered of one index, from before its build until its gain is known. */
export type Gain =
  | { readonly state: 'Before'; readonly meansMs: Readonly<Record<string, number>> }
  | ({ readonly state: 'Counting'; readonly meansMs: Readonly<Record<string, number>> } & StatementCounts)
  | {
      readonly state: 'Known';
      readonly statements: number;
      readonly beforeMs: number;
      readonly afterMs: number;
      readonly calls: number;
    };

/** Fewer say little. */
const enoughCalls = 50;
/** What else names the table takes less time together than each of these. */
const mostStatements = 10;

/** Right before a build. @returns undefined where nothing that is counted names the table. */
export function beforeBuild({ counts }: StatementCounts): Gain | undefined {
  const means = Object.entries(counts)
    .filter(([, { calls }]) => calls > 0)
    .toSorted(([, a], [, b]) => b.totalMs - a.totalMs)
    .slice(0, mostStatements)
    .map(([id, { calls, totalMs }]) => [id, totalMs / calls] as const);
  return means.length === 0 ? undefined : { state: 'Before', meansMs: Object.fromEntries(means) };
}

/** At a look after the build: what the statements take now counts from the first of these on, not what they took while it was built. */
export function afterBuild(gain: Gain, now: StatementCounts): Gain {
  if (gain.state === 'Known') return gain;
  const { meansMs } = gain;
  if (gain.state === 'Before') return { state: 'Counting', meansMs, ...only(now, meansMs) };
  const since = Object.entries(meansMs).flatMap(([id, meanMs]) => {
    const { calls, totalMs } = countedSince(gain, now, id);
    return calls === 0 ? [] : [{ calls, totalMs, meanMs }];
  });
  const sum = (of: (one: (typeof since)[number]) => number): number => since.reduce((all, one) => all + of(one), 0);
  const calls = sum((one) => one.calls);
  if (calls < enoughCalls) return gain;
  // As often as each is called now, so that another mix of statements is no gain.
  const beforeMs = sum((one) => one.calls * one.meanMs) / calls;
  return { state: 'Known', statements: since.length, beforeMs, afterMs: sum((one) => one.totalMs) / calls, calls };
}

const only = ({ epoch, counts }: StatementCounts, ids: object): StatementCounts => ({
  epoch,
  counts: Object.fromEntries(Object.entries(counts).filter(([id]) => id in ids)),
});

/** After a reset, or where the server has forgotten a statement meanwhile, all that it counts was since. */
function countedSince(older: StatementCounts, newer: StatementCounts, id: string): Count {
  const none: Count = { calls: 0, totalMs: 0 };
  const after = newer.counts[id] ?? none;
  const before = older.epoch === newer.epoch ? (older.counts[id] ?? none) : none;
  if (after.calls < before.calls) return after;
  return { calls: after.calls - before.calls, totalMs: after.totalMs - before.totalMs };
}

/** `2 statements, mean 12 → 0.9 ms over 1240 calls`; undefined while nobody knows. */
export function gainText(gain: Gain | undefined): string | undefined {
  if (gain?.state !== 'Known') return undefined;
  const { statements, beforeMs, afterMs, calls } = gain;
  const many = statements === 1 ? '1 statement' : `${statements} statements`;
  return `${many}, mean ${figure(beforeMs)} → ${figure(afterMs)} ms over ${calls} calls`;
}

const figure = (ms: number): string => String(Number(ms.toPrecision(2)));
