/** The totals of the look before, by server process: what a rate of now is counted from. */
export interface EarlierLooks {
  /** @returns Those of the look before; undefined at the first. */
  exchange(serverId: string, totals: Totals): Totals | undefined;
}

interface Totals {
  readonly hits: number;
  readonly misses: number;
}

/** Beyond that the server that was looked at least recently is forgotten. */
const mostServers = 4_000;

export function createEarlierLooks(): EarlierLooks {
  const looks = new Map<string, Totals>();
  return {
    exchange(serverId, totals) {
      const before = looks.get(serverId);
      looks.delete(serverId);
      looks.set(serverId, totals);
      if (looks.size > mostServers) looks.delete(looks.keys().next().value ?? '');
      return before;
    },
  };
}
