import {
  workWithin,
  type DatabaseSample,
  type DatabaseServerFigures,
  type DatabaseWork,
} from '../decide/database-server.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { unitKey, type Observation } from '../levers/run.ts';
import type { Key } from '../kube/object.ts';
import { createLastWords } from './last-words.ts';

/** The longest window of an objective. */
const keptMs = 3_600_000;

/** What the levers have seen of the database servers of each service. */
export interface DatabaseServers {
  note(service: GenerationService, observations: readonly Observation[], now: number): void;
  /** What each server said at the last visit, by its name in the spec; none of one that did not answer. */
  servers(service: GenerationService, since: number): readonly DatabaseServer[];
  forget(key: Key): void;
}

export interface DatabaseServer {
  readonly name: string;
  /** ms since the epoch. */
  readonly observedAt: number;
  readonly figures: DatabaseServerFigures;
  /** Undefined while no two looks lie in the window. */
  readonly work: DatabaseWork | undefined;
}

interface Seen extends Omit<DatabaseServer, 'work'> {
  readonly key: string;
}

interface Servers {
  /** By server, oldest first; also of one that does not answer just now. */
  readonly samples: ReadonlyMap<string, readonly DatabaseSample[]>;
  readonly seen: readonly Seen[];
}

const none: Servers = { samples: new Map(), seen: [] };

export function createDatabaseServers(): DatabaseServers {
  const services = createLastWords<Servers>();
  return {
    note(service, observations, now) {
      const { samples: known } = services.of(service) ?? none;
      const seen = observations.flatMap((observation) => seenOf(observation, now));
      const figures = new Map(seen.map((server) => [server.key, server.figures]));
      const samples = observations.flatMap((observation) => {
        const key = unitKey(observation);
        const kept = (known.get(key) ?? []).filter(({ at }) => at > now - keptMs);
        const said = figures.get(key);
        const all = said?.state === 'Known' ? [...kept, { ...said, at: now }] : kept;
        return all.length === 0 ? [] : [[key, all] as const];
      });
      services.put(service, { samples: new Map(samples), seen });
    },
    servers(service, since) {
      const { samples, seen } = services.of(service) ?? none;
      return seen.map(({ key, ...server }) => ({ ...server, work: workWithin(samples.get(key) ?? [], since) }));
    },
    forget: (key) => services.forget(key),
  };
}

function seenOf(observation: Observation, now: number): readonly Seen[] {
  const { lever, seen, unit } = observation;
  const figures = seen.kind === 'seen' && seen.value !== undefined ? lever.databaseOf?.(seen.value) : undefined;
  return figures === undefined ? [] : [{ key: unitKey(observation), name: unit.name, observedAt: now, figures }];
}
