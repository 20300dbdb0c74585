/** What a PostgreSQL says of its own work, all databases together; or why nobody knows. */
export type DatabaseServerFigures =
  | (DatabaseTotals & DatabaseSessions & { readonly state: 'Known' })
  | { readonly state: 'Unknown'; readonly why: string };

export interface DatabaseSessions {
  /** Of clients, now; ours is one of them. */
  readonly connections: number;
  /** That roles without a right to the reserved ones may have. */
  readonly connectionsLimit: number;
}

/** Counted since the statistics began anew, which each database does by itself. */
export interface DatabaseTotals {
  /** Another one: a database, or the server, has begun to count anew. */
  readonly epoch: string;
  readonly transactions: number;
  readonly blocksHit: number;
  readonly blocksRead: number;
  readonly deadlocks: number;
  readonly tempBytes: number;
}

/** One look. */
export interface DatabaseSample extends DatabaseTotals {
  /** ms since the epoch. */
  readonly at: number;
}

/** What was done within a window. */
export interface DatabaseWork {
  readonly transactionsPerSecond: number;
  /** 0–1; undefined where too few blocks were asked for. */
  readonly cacheHitRatio: number | undefined;
  readonly deadlocks: number;
  readonly tempBytes: number;
}

/** Below this many blocks a ratio says nothing. */
const fewest = 20;
const counted = ['transactions', 'blocksHit', 'blocksRead', 'deadlocks', 'tempBytes'] as const;

/**
 * What was counted between the looks of the window. What a step counted across a reset of the statistics is nobody's to know, so its time does not count either.
 *
 * @param samples Of one server, oldest first.
 * @returns undefined where no two looks of one count lie in the window.
 */
export function workWithin(samples: readonly DatabaseSample[], since: number): DatabaseWork | undefined {
  const within = samples.filter(({ at }) => at > since);
  const steps = within.flatMap((next, index) => {
    const before = within[index - 1];
    return before === undefined || isAnew(before, next) ? [] : [{ before, next }];
  });
  if (steps.length === 0) return undefined;
  const grown = (name: 'at' | (typeof counted)[number]): number =>
    steps.reduce((sum, { before, next }) => sum + next[name] - before[name], 0);
  const blocks = grown('blocksHit') + grown('blocksRead');
  return {
    transactionsPerSecond: grown('transactions') / (grown('at') / 1_000),
    cacheHitRatio: blocks < fewest ? undefined : grown('blocksHit') / blocks,
    deadlocks: grown('deadlocks'),
    tempBytes: grown('tempBytes'),
  };
}

/** A server that crashed may say nothing of it but that it counts less. */
const isAnew = (before: DatabaseSample, next: DatabaseSample): boolean =>
  before.epoch !== next.epoch || next.at <= before.at || counted.some((name) => next[name] < before[name]);
