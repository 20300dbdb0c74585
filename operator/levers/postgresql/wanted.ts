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

/** What the policy says that the server has; undefined: nothing. */
export const memoryBytesOf = ({ sizing }: PostgresUnit['policy']): number | undefined =>
  sizing === undefined ? undefined : bytes(sizing.memory);
