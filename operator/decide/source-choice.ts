/** How one of several sources has been lately; ms of any clock, undefined: nothing is known of it. */
export interface SourceSeen {
  /** Since when every look has given figures. */
  readonly workingSince: number | undefined;
  /** Since when every look, at whatever Pod, has failed. */
  readonly failingSince: number | undefined;
}

export interface SourceChoiceInput {
  /** Index of the one that is read now. */
  readonly current: number;
  /** By preference. Those after `current` are not looked at. */
  readonly seen: readonly SourceSeen[];
  readonly now: number;
  /** How long it may fail for all Pods before the next one is read. */
  readonly failAfterMs: number;
  /** How long a better one has to work before it is read again. */
  readonly dwellMs: number;
}

/**
 * Which source to read: sticky, since each has its own idea of a figure and a change of source makes a step in all of them.
 * Where the one that is read fails, a better one that works is read at once, else the next; the last one is kept however it is.
 */
export function chooseSource({ current, seen, now, failAfterMs, dwellMs }: SourceChoiceInput): number {
  const failingSince = seen[current]?.failingSince;
  const isDown = failingSince !== undefined && now - failingSince >= failAfterMs;
  const better = seen.findIndex(
    ({ workingSince }, index) =>
      index < current && workingSince !== undefined && (isDown || now - workingSince >= dwellMs),
  );
  if (better !== -1) return better;
  return isDown && current < seen.length - 1 ? current + 1 : current;
}
