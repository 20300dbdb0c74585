import type { PodView } from '../metrics/pod-view.ts';

/** Load comes back daily: what was too little within a day is not made less. */
export const oomHeldMs = 86_400_000;

/** A Pod that was killed for its memory a short while ago. */
export interface OomKill {
  readonly pod: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** The newest that still counts. Of a Pod that is gone nobody knows. */
export function oomKillIn(pods: readonly PodView[], now: number): OomKill | undefined {
  const kills = pods.flatMap(({ name, oomKilledAt }) =>
    oomKilledAt === undefined || now - oomKilledAt > oomHeldMs ? [] : [{ pod: name, at: oomKilledAt }],
  );
  return kills.toSorted((a, b) => b.at - a.at)[0];
}
