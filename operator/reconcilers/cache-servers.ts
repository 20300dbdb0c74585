import type { CacheServerFigures } from '../decide/cache-server.ts';
import { hitRatio, isIdle, type Lookups } from '../decide/hit-ratio.ts';
import type { Observation as Figure } from '../decide/objectives.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { unitKey, type Observation } from '../levers/run.ts';
import type { Key } from '../kube/object.ts';
import { createLastWords } from './last-words.ts';

/** The longest window of an objective. */
const keptMs = 3_600_000;

/** What the levers have seen of the cache servers of each service. */
export interface CacheServers {
  note(service: GenerationService, observations: readonly Observation[], now: number): void;
  /** Of the server whose is lowest; undefined while it is unknown. */
  worstHitRatio(service: GenerationService, since: number): Figure | undefined;
  /** Every server answered within the window, and had too few look-ups for a ratio. */
  isIdle(service: GenerationService, since: number): boolean;
  /** A server has answered this process, if only once. */
  isAnswered(service: GenerationService): boolean;
  /** This process has not looked for a whole window yet: what was known before it started may still hold. */
  isEarly(service: GenerationService, since: number): boolean;
  /** What each server said at the last visit, by its name in the spec; none of one that did not answer. */
  servers(service: GenerationService, since: number): readonly CacheServer[];
  forget(key: Key): void;
}

export interface CacheServer {
  readonly name: string;
  /** ms since the epoch. */
  readonly observedAt: number;
  readonly figures: CacheServerFigures;
  readonly hitRatio: number | undefined;
}

/** By server. */
interface Servers {
  /** ms since the epoch. */
  readonly firstAskedAt: number;
  readonly samples: ReadonlyMap<string, readonly Lookups[]>;
  readonly seen: readonly (Omit<CacheServer, 'hitRatio'> & { readonly key: string })[];
}

export function createCacheServers(): CacheServers {
  const services = createLastWords<Servers>();
  return {
    note(service, observations, now) {
      const { samples: known, firstAskedAt } = services.of(service) ?? none(now);
      const samples = observations.flatMap((observation) => {
        const name = unitKey(observation);
        const before = known.get(name);
        const totals = totalsOf(observation);
        if (totals === undefined)
          return observation.seen.kind === 'problem' && before !== undefined ? [[name, before] as const] : [];
        const kept = (before ?? []).filter(({ at }) => at > now - keptMs);
        return [[name, [...kept, ...totals.map((one) => ({ at: now, ...one }))]] as const];
      });
      const seen = observations.flatMap((observation) => cacheOf(observation, now));
      services.put(service, { firstAskedAt, samples: new Map(samples), seen });
    },
    worstHitRatio(service, since) {
      const ratios = [...(services.of(service)?.samples.values() ?? [])].flatMap(
        (samples) => hitRatio(samples, since) ?? [],
      );
      return ratios.toSorted((a, b) => a.value - b.value)[0];
    },
    isIdle(service, since) {
      const all = [...(services.of(service)?.samples.values() ?? [])];
      return all.length > 0 && all.every((samples) => isIdle(samples, since));
    },
    isAnswered: (service) => (services.of(service)?.samples.size ?? 0) > 0,
    isEarly: (service, since) => (services.of(service)?.firstAskedAt ?? since) > since,
    servers(service, since) {
      const { samples, seen } = services.of(service) ?? none(since);
      return seen.map(({ key, ...server }) => ({
        ...server,
        hitRatio: hitRatio(samples.get(key) ?? [], since)?.value,
      }));
    },
    forget: (key) => services.forget(key),
  };
}

const none = (firstAskedAt: number): Servers => ({ firstAskedAt, samples: new Map(), seen: [] });

const totalsOf = ({ lever, seen }: Observation): readonly Omit<Lookups, 'at'>[] | undefined =>
  seen.kind === 'seen' && seen.value !== undefined ? lever.lookupsOf?.(seen.value) : undefined;

function cacheOf(observation: Observation, now: number): Servers['seen'] {
  const { lever, seen, unit } = observation;
  const figures = seen.kind === 'seen' && seen.value !== undefined ? lever.cacheOf?.(seen.value) : undefined;
  return figures === undefined ? [] : [{ key: unitKey(observation), name: unit.name, observedAt: now, figures }];
}
