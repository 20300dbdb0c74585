import {
  workWithin,
  type DatabaseSample,
  type DatabaseServerFigures,
  type DatabaseWork,
} from '../decide/database-server.ts';
import type { IdleIndexes } from '../decide/idle-indexes.ts';
import {
  slowest,
  statementGains,
  withGains,
  type SlowStatements,
  type StatementGain,
  type StatementsSeen,
} from '../decide/slow-statements.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { unitKey, type Observation, type UnitPlan } from '../levers/run.ts';
import type { Key } from '../kube/object.ts';
import { createLastWords } from './last-words.ts';

/** The longest window of an objective. */
const keptMs = 3_600_000;

/** What the levers have seen of the database servers of each service. */
export interface DatabaseServers {
  note(service: GenerationService, observations: readonly Observation[], now: number, plans?: readonly Plan[]): void;
  /** What each server said at the last visit, by its name in the spec; none of one that did not answer. */
  servers(service: GenerationService, since: number): readonly DatabaseServer[];
  forget(key: Key): void;
}

type Plan = Pick<UnitPlan, 'unit' | 'idleIndexes'>;

export interface DatabaseServer {
  readonly name: string;
  /** ms since the epoch. */
  readonly observedAt: number;
  readonly figures: DatabaseServerFigures;
  /** Undefined while no two looks lie in the window. */
  readonly work: DatabaseWork | undefined;
  readonly slow: SlowStatements;
  /** Undefined: it was not looked through, or is a standby. */
  readonly idleIndexes: IdleIndexes | undefined;
}

interface Seen extends Omit<DatabaseServer, 'work' | 'slow'> {
  readonly key: string;
  readonly statements: StatementsSeen;
}

interface Servers {
  /** By server, oldest first; also of one that does not answer just now. */
  readonly samples: ReadonlyMap<string, readonly DatabaseSample[]>;
  readonly gains: ReadonlyMap<string, readonly StatementGain[]>;
  /** By server, the newest look that told. */
  readonly statements: ReadonlyMap<string, StatementsSeen>;
  readonly seen: readonly Seen[];
}

const none: Servers = { samples: new Map(), gains: new Map(), statements: new Map(), seen: [] };

export function createDatabaseServers(): DatabaseServers {
  const services = createLastWords<Servers>();
  return {
    note(service, observations, now, plans = []) {
      const before = services.of(service) ?? none;
      const { samples: known } = before;
      const seen = observations.flatMap((observation) => seenOf(observation, now, plans));
      const figures = new Map(seen.map((server) => [server.key, server.figures]));
      const samples = observations.flatMap((observation) => {
        const key = unitKey(observation);
        const kept = (known.get(key) ?? []).filter(({ at }) => at > now - keptMs);
        const said = figures.get(key);
        const all = said?.state === 'Known' ? [...kept, { ...said, at: now }] : kept;
        return all.length === 0 ? [] : [[key, all] as const];
      });
      services.put(service, { samples: new Map(samples), ...withStatements(before, observations, seen, now), seen });
    },
    servers(service, since) {
      const { samples, gains, seen } = services.of(service) ?? none;
      return seen.map(({ key, statements, ...server }) => ({
        ...server,
        work: workWithin(samples.get(key) ?? [], since),
        slow: slowOf(statements, gains.get(key) ?? [], since),
      }));
    },
    forget: (key) => services.forget(key),
  };
}

function withStatements(
  before: Servers,
  observations: readonly Observation[],
  seen: readonly Seen[],
  now: number,
): Pick<Servers, 'gains' | 'statements'> {
  const entries = observations.map((observation) => {
    const key = unitKey(observation);
    const kept = (before.gains.get(key) ?? []).filter(({ at }) => at > now - keptMs);
    const [older, newer] = [before.statements.get(key), seen.find((server) => server.key === key)?.statements];
    if (newer?.state !== 'Known') return { key, gains: kept, statements: older };
    return { key, gains: withGains(kept, statementGains(older, newer, now), newer.source), statements: newer };
  });
  return {
    gains: new Map(entries.map(({ key, gains }) => [key, gains])),
    statements: new Map(
      entries.flatMap(({ key, statements }) => (statements === undefined ? [] : [[key, statements]])),
    ),
  };
}

const slowOf = (statements: StatementsSeen, gains: readonly StatementGain[], since: number): SlowStatements =>
  statements.state === 'Unknown'
    ? statements
    : { state: 'Known', source: statements.source, statements: slowest(gains, { since, ...statements }) };

function seenOf(observation: Observation, now: number, plans: readonly Plan[]): readonly Seen[] {
  const { lever, seen, unit } = observation;
  const figures = seen.kind === 'seen' && seen.value !== undefined ? lever.databaseOf?.(seen.value) : undefined;
  const statements = seen.kind === 'seen' && figures !== undefined ? lever.statementsOf?.(seen.value) : undefined;
  if (figures === undefined || statements === undefined) return [];
  const { name } = unit;
  const idleIndexes = plans.find((plan) => plan.idleIndexes !== undefined && plan.unit.name === name)?.idleIndexes;
  return [{ key: unitKey(observation), name, observedAt: now, figures, statements, idleIndexes }];
}
