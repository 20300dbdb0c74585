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

/** A look at the Pods of a component. */
export interface PodsSeen {
  readonly pods: readonly PodView[];
  /** The one that is sized. */
  readonly container: string;
  readonly now: number;
}

/** With what its container has in force, in bytes: what a resize is yet to bring has killed nobody. No limit: there is none, or nobody says. */
export function measuredKillIn({ pods, container, now }: PodsSeen): (OomKill & Memory) | undefined {
  const kill = oomKillIn(pods, now);
  const pod = pods.find(({ name }) => name === kill?.pod);
  if (kill === undefined || pod === undefined) return kill;
  const sized = pod.containers.find(({ name }) => name === container);
  const { memoryRequest, memoryLimit } = (pod.resize === undefined ? sized : sized?.inForce) ?? {};
  return { ...kill, memoryRequest, memoryLimit };
}

type Memory = { readonly [Figure in 'memoryRequest' | 'memoryLimit']?: number | undefined };
