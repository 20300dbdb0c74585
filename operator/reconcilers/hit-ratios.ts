import { hitRatio, type Lookups } from '../decide/hit-ratio.ts';
import type { Observation as Figure } from '../decide/objectives.ts';
import { unitKey, type Observation } from '../levers/run.ts';
import type { Key } from '../kube/object.ts';

/** The longest window of an objective. */
const keptMs = 3_600_000;

/** Hit ratios of the cache servers of each service, from what the levers see of them. */
export interface HitRatios {
  note(key: Key, observations: readonly Observation[], now: number): void;
  /** Of the server that is worst; undefined while it is unknown. */
  of(key: Key, since: number): Figure | undefined;
  forget(key: Key): void;
}

export function createHitRatios(): HitRatios {
  const services = new Map<Key, Map<string, readonly Lookups[]>>();
  return {
    note(key, observations, now) {
      const servers = services.get(key) ?? new Map<string, readonly Lookups[]>();
      for (const observation of observations) {
        const { lever, seen } = observation;
        const totals = seen.kind === 'seen' && seen.value !== undefined ? lever.lookupsOf?.(seen.value) : undefined;
        if (totals === undefined) continue;
        const name = unitKey(observation);
        servers.set(name, [...(servers.get(name) ?? []).filter(({ at }) => at > now - keptMs), { at: now, ...totals }]);
      }
      if (servers.size > 0) services.set(key, servers);
    },
    of(key, since) {
      const ratios = [...(services.get(key)?.values() ?? [])].flatMap((samples) => hitRatio(samples, since) ?? []);
      return ratios.toSorted((a, b) => a.value - b.value)[0];
    },
    forget: (key) => void services.delete(key),
  };
}
