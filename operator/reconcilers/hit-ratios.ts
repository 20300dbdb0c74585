import { hitRatio, type Lookups } from '../decide/hit-ratio.ts';
import type { Observation as Figure } from '../decide/objectives.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { unitKey, type Observation } from '../levers/run.ts';
import type { Key } from '../kube/object.ts';
import { createLastWords } from './last-words.ts';

/** The longest window of an objective. */
const keptMs = 3_600_000;

/** Hit ratios of the cache servers of each service, from what the levers see of them. */
export interface HitRatios {
  note(service: GenerationService, observations: readonly Observation[], now: number): void;
  /** Of the server that is worst; undefined while it is unknown. */
  of(service: GenerationService, since: number): Figure | undefined;
  forget(key: Key): void;
}

/** Samples by server. */
type Servers = ReadonlyMap<string, readonly Lookups[]>;

export function createHitRatios(): HitRatios {
  const services = createLastWords<Servers>();
  return {
    note(service, observations, now) {
      const known = services.of(service) ?? new Map<string, readonly Lookups[]>();
      const seen = observations.flatMap((observation) => {
        const name = unitKey(observation);
        const totals = totalsOf(observation);
        const kept = (known.get(name) ?? []).filter(({ at }) => at > now - keptMs);
        return totals === undefined ? [] : [[name, [...kept, { at: now, ...totals }]] as const];
      });
      if (seen.length > 0) services.put(service, new Map([...known, ...seen]));
    },
    of(service, since) {
      const ratios = [...(services.of(service)?.values() ?? [])].flatMap((samples) => hitRatio(samples, since) ?? []);
      return ratios.toSorted((a, b) => a.value - b.value)[0];
    },
    forget: (key) => services.forget(key),
  };
}

const totalsOf = ({ lever, seen }: Observation): Omit<Lookups, 'at'> | undefined =>
  seen.kind === 'seen' && seen.value !== undefined ? lever.lookupsOf?.(seen.value) : undefined;
