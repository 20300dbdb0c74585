import { bytes } from '../../api/quantity.ts';
import type { PostgresObserved } from './observe.ts';
import { figureOf } from './setting.ts';
import { sized } from './sizing.ts';
import type { PostgresUnit } from './unit.ts';

/** Everything that the policy declares, by name: what is given itself wins over what is worked out of `sizing`, which leaves out what this server does not have. */
export function wantedValues(
  { sizing, parameters }: PostgresUnit['policy'],
  observed: Pick<PostgresObserved, 'major' | 'settings'>,
): ReadonlyMap<string, string> {
  const given = Object.entries(parameters);
  if (sizing === undefined) return new Map(given);
  const connections = observed.settings['max_connections'];
  const maxConnections = connections && figureOf(parameters['max_connections'] ?? connections.value ?? '', connections);
  const worked = [...sized(sizing, observed, maxConnections ?? 100)].filter(([name]) => name in observed.settings);
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
