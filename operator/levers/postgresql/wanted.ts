import { bytes } from '../../api/quantity.ts';
import type { PostgresObserved } from './observe.ts';
import type { DataVolume } from './owner.ts';
import { figureOf } from './setting.ts';
import { sized } from './sizing.ts';
import type { PostgresUnit } from './unit.ts';

/** Everything that the policy declares, by name: what is given itself wins over what is worked out of `sizing`, which leaves out what this server does not have. */
export function wantedValues(
  unit: PostgresUnit,
  observed: Pick<PostgresObserved, 'major' | 'settings' | 'memoryLimitBytes' | 'owner'>,
): ReadonlyMap<string, string> {
  const { sizing, parameters } = unit.policy;
  const given = Object.entries(parameters);
  if (sizing === undefined) return new Map(given);
  const connections = observed.settings['max_connections'];
  const maxConnections = connections && figureOf(parameters['max_connections'] ?? connections.value ?? '', connections);
  const machine = {
    maxConnections: maxConnections ?? 100,
    memoryBytes: memoryBoundOf(unit, observed)?.bytes ?? bytes(sizing.memory),
    mostLogBytes: logBoundOf(unit, observed),
  };
  const worked = [...sized(sizing, observed, machine)].filter(([name]) => name in observed.settings);
  return new Map([...worked, ...given]);
}

/** How much memory a server has, and by whom. */
export interface MemoryBound {
  readonly bytes: number;
  /** `postgres.sizing.memory` */
  readonly from: string;
}

/** The least of what the policy says and what the container may have; undefined: nobody knows. */
export function memoryBoundOf(
  { policy: { sizing }, workloadRef }: PostgresUnit,
  { memoryLimitBytes }: Pick<PostgresObserved, 'memoryLimitBytes'>,
): MemoryBound | undefined {
  const declared = sizing && { bytes: bytes(sizing.memory), from: 'postgres.sizing.memory' };
  const from = `the memory limit of ${workloadRef?.kind ?? ''} ${workloadRef?.name ?? ''}`;
  const limit = memoryLimitBytes === undefined ? undefined : { bytes: memoryLimitBytes, from };
  if (declared === undefined || limit === undefined) return declared ?? limit;
  return limit.bytes < declared.bytes ? limit : declared;
}

/** As its service says it. */
export const declaredVolume = ({ volumeSize }: Pick<PostgresUnit, 'volumeSize'>): DataVolume | undefined =>
  volumeSize === undefined ? undefined : { bytes: bytes(volumeSize), hasLog: true };

/** A log that fills the volume ends the server; beside its bound it has what a replica, a slot or an archive is behind by. */
const mostLogShare = 0.25;

/** The most bytes that the write-ahead log may be bound to; undefined: nobody says how large the volume is that it lies on. */
export function logBoundOf(unit: PostgresUnit, { owner }: Pick<PostgresObserved, 'owner'>): number | undefined {
  const volume = owner?.volume ?? declaredVolume(unit);
  return volume?.hasLog === true ? volume.bytes * mostLogShare : undefined;
}
