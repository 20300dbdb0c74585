import type { EffectivePolicy } from '../decide/effective-policy.ts';
import { slotsPool } from '../decide/slots.ts';

/** What a replica has a limited number of, where a request that works holds one. */
export interface Layer {
  /** Its field, as `runtime.http.connectionsPerHost`. */
  readonly layer: string;
  /** Requests that hold one in each replica. */
  readonly atOnce: number;
}

/** One beside the tightest. */
export interface Beside extends Layer {
  /** It keeps requests waiting only where they hold it for more than this share of the time that they work; 1: never. */
  readonly share: number;
}

/** A layer of which there is no figure, or none that is in force. */
export interface Missing {
  readonly layer: string;
  readonly why: string;
}

/**
 * What may be tighter than all that is known.
 *
 * @param declared Sections that the policy says something of: settings of which it says nothing are written to no Pod.
 */
export function missingLayers(
  { runtime, postgres }: EffectivePolicy,
  declared: ReadonlySet<string>,
): readonly Missing[] {
  const isOff = runtime.mode === 'Off';
  const own = isOff
    ? 'mode Off: what a Pod has is its own'
    : 'not in the policy: these are defaults, which no Pod gets';
  const connections = 'postgres.parameters.max_connections';
  return [
    ...(isOff || !declared.has('runtime') ? [{ layer: 'runtime', why: own }] : []),
    ...(postgres.parameters['max_connections'] === undefined
      ? [{ layer: connections, why: 'not in the policy: what replicas share' }]
      : []),
    { layer: 'the model and the nodes', why: 'in no policy: what they bear' },
  ];
}

/**
 * What a request holds as long as it works: its slot, and the connection on which it asks the model. What there is least of bounds a replica.
 *
 * @param slots Of one replica, and the field or the flag that says so.
 */
export function tightestOf({ runtime }: EffectivePolicy, slots: Layer): Layer {
  const { connections, connectionsPerHost } = runtime.http;
  const asking: readonly Layer[] = [
    { layer: 'runtime.http.connectionsPerHost', atOnce: connectionsPerHost },
    { layer: 'runtime.http.connections', atOnce: connections },
  ];
  const held = runtime.mode === 'Off' ? [slots] : [slots, ...asking];
  return held.reduce((least, one) => (one.atOnce < least.atOnce ? one : least));
}

/**
 * What a request holds for a part of that time, which no policy tells: other pools, threads, a connection to the database. The fewest first.
 *
 * @param replicas That share the connections of a PostgreSQL whose `max_connections` the policy declares.
 */
export function besides({ runtime, postgres }: EffectivePolicy, tightest: Layer, replicas: number): readonly Beside[] {
  if (runtime.mode === 'Off') return [];
  const pools = Object.entries(runtime.pools).filter(([name]) => name !== slotsPool);
  const most = Number(postgres.parameters['max_connections'] ?? NaN);
  const left = Math.max(0, Math.floor((most - postgres.reservedConnections) / replicas));
  const all: readonly Layer[] = [
    ...pools.map(([name, atOnce]) => ({ layer: `runtime.pools.${name}`, atOnce })),
    { layer: 'runtime.cpuPool.threads', atOnce: runtime.cpuPool.threads },
    { layer: 'runtime.postgresPool.max', atOnce: runtime.postgresPool.max },
    ...(Number.isNaN(left) ? [] : [{ layer: `postgres.parameters.max_connections ÷ ${replicas}`, atOnce: left }]),
  ];
  return all
    .map((one) => ({ ...one, share: Math.min(1, one.atOnce / tightest.atOnce) }))
    .toSorted((a, b) => a.atOnce - b.atOnce);
}
