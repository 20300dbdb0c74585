import type { BigKeys, CacheServerFigures, SlowLog } from '../../decide/cache-server.ts';
import type { Lookups } from '../../decide/hit-ratio.ts';
import type { NodesObserved } from './every-node.ts';
import type { RedisObserved, ServerObserved } from './observe.ts';

const primariesOf = ({ nodes }: NodesObserved): readonly RedisObserved[] =>
  nodes.filter(({ role }) => role === 'Primary');

/** Look-ups of the primaries alone: a replica counts those of whoever reads from it, and they are answered with what the primary has. */
export const lookupsOf = (observed: NodesObserved): readonly Omit<Lookups, 'at'>[] =>
  primariesOf(observed).map(({ serverId, server: { lookups } }) => ({ server: serverId, ...lookups }));

/** All primaries together; undefined where one of them does not answer: a part is not the whole. */
export function figuresOf(observed: NodesObserved): CacheServerFigures | undefined {
  const servers = primariesOf(observed).map(({ server }) => server);
  const [first] = servers;
  if (first === undefined || observed.absent.some(({ role }) => role === 'Primary')) return undefined;
  const sum = (figure: (server: ServerObserved) => number) => servers.reduce((all, one) => all + figure(one), 0);
  return {
    hits: sum(({ lookups }) => lookups.hits),
    misses: sum(({ lookups }) => lookups.misses),
    evictedKeys: sum(({ work }) => work.evictedKeys),
    expiredKeys: sum(({ work }) => work.expiredKeys),
    rejectedConnections: sum(({ work }) => work.rejectedConnections),
    writesRefused: sum(({ writesRefused }) => writesRefused),
    evictionExceededMs: sum(({ work }) => work.evictionExceededMs),
    commands: sum(({ work }) => work.commands),
    commandsPerSecond: sum(({ work }) => work.commandsPerSecond),
    clients: sum(({ work }) => work.clients),
    keys: sum(({ keys }) => keys.keys),
    keysWithoutExpiry: sum(({ keys }) => keys.withoutExpiry),
    usedMemoryBytes: sum(({ usedMemoryBytes }) => usedMemoryBytes),
    allocatedBytes: sum(({ memory }) => memory.allocatedBytes),
    residentBytes: sum(({ memory }) => memory.residentBytes),
    maxMemoryBytes: servers.some(({ maxMemoryBytes }) => maxMemoryBytes === 0)
      ? 0
      : sum(({ maxMemoryBytes }) => maxMemoryBytes),
    evictionPolicy: first.evictionPolicy,
    slowLog: slowLogOf(servers.map(({ slowLog }) => slowLog)),
    bigKeys: bigKeysOf(servers.map(({ bigKeys }) => bigKeys)),
  };
}

/** The newest of all, as many as one has. */
function slowLogOf(logs: readonly SlowLog[]): SlowLog {
  const unknown = logs.find(({ state }) => state === 'Unknown');
  if (unknown !== undefined) return unknown;
  const all = logs.map((log) => (log.state === 'Known' ? log.commands : []));
  const most = Math.max(...all.map(({ length }) => length));
  return {
    state: 'Known',
    commands: all
      .flat()
      .toSorted((a, b) => b.at - a.at)
      .slice(0, most),
  };
}

/** The largest of all, as many as one has; primaries have no key in common. */
function bigKeysOf(all: readonly BigKeys[]): BigKeys {
  const unknown = all.find(({ state }) => state === 'Unknown');
  if (unknown !== undefined) return unknown;
  const known = all.flatMap((one) => (one.state === 'Known' ? [one] : []));
  const most = Math.max(...known.map(({ keys }) => keys.length));
  const sum = (figure: (one: (typeof known)[number]) => number) => known.reduce((total, one) => total + figure(one), 0);
  return {
    state: 'Known',
    keys: known
      .flatMap(({ keys }) => keys)
      .toSorted((a, b) => b.bytes - a.bytes)
      .slice(0, most),
    largestBytes: Math.max(...known.map(({ largestBytes }) => largestBytes)),
    scanned: sum(({ scanned }) => scanned),
    total: sum(({ total }) => total),
    observedAt: Math.min(...known.map(({ observedAt }) => observedAt)),
  };
}
