import type { UnitMemory } from '../lever.ts';

/** What is remembered of a Redis: of one server flat, of several by their addresses. */
export interface RedisMemory extends NodeMemory {
  readonly nodes?: Readonly<Record<string, Omit<NodeMemory, 'unconfirmed'>>>;
}

/** Of one server process. */
export interface NodeMemory extends Omit<UnitMemory, 'nodes'> {
  /** Processes that had its address before, newest first, each with when it was seen last (ms since the epoch). */
  readonly earlierRuns?: readonly { readonly run: string; readonly until: number }[];
  /** ms since the epoch; when one of those came back: a fail-over and back, or one of several. */
  readonly returnedAt?: number;
  /** ms since the epoch; when that happened a second time: there are several. */
  readonly tookTurnsAt?: number;
  /** It was seen to take much more of the machine than it has in use. */
  readonly fragmented?: true;
  /** It was seen to be nearly full, with too little that may go. */
  readonly nearlyFull?: true;
  readonly lowering?: Lowering;
}

/** A limit that comes down step by step: its last step, and what the server's totals were then. */
export interface Lowering {
  /** As declared. */
  readonly target: string;
  /** ms since the epoch. */
  readonly at: number;
  /** The limit before it. */
  readonly from: string;
  readonly hits: number;
  readonly misses: number;
  readonly writesRefused: number;
  /** Bytes: what was to go before the first step. */
  readonly whole?: number;
  /** Hits of all look-ups before the first step, and what was foreseen for after this one. */
  readonly ratio?: number;
  readonly expected?: number;
  /** What the traffic was like before; absent where nobody knows. */
  readonly lookupsPerSecond?: number;
  /** It was another one after the step, which is therefore judged by what comes next. */
  readonly isInconclusive?: true;
  /** Why no further step comes; `fellTo` is the hit ratio, where that is why. */
  readonly stopped?: 'WritesRefused' | 'HitRatio';
  readonly fellTo?: number;
}

/** What is remembered of each node, by its address. */
export type NodeMemories = Readonly<Record<string, NodeMemory>>;

/** A parameter of one node of several: `maxmemory@10.0.0.3:6379`. A parameter's name has no @. */
export const fieldOf = (name: string, address: string | undefined): string =>
  address === undefined ? name : `${name}@${address}`;
/** The name of the parameter alone. */
export const parameterOf = (field: string): string => field.split('@', 1)[0] ?? field;

/** Nodes that are not there any more and are remembered all the same: they may come back. */
const mostGone = 16;

/** What was written down, by node: of a server that stood alone it stands flat, and while the policy had it Off without an address. */
export function rememberedNodes(memory: RedisMemory | undefined): NodeMemories {
  const { nodes = {}, unconfirmed = [], ...flat } = memory ?? {};
  const alone = flat.applied === undefined ? undefined : (flat.address ?? '');
  const all = alone === undefined ? nodes : { ...nodes, [alone]: flat };
  return Object.fromEntries(
    Object.entries(all).map(([address, node]) => {
      const at = address === alone ? undefined : address;
      const own = unconfirmed.map(parameterOf).filter((name) => unconfirmed.includes(fieldOf(name, at)));
      return [address, own.length === 0 ? node : { ...node, unconfirmed: [...new Set(own)] }];
    }),
  );
}

/** Of this process, wherever it is. */
export const memoryOfRun = (memory: RedisMemory | undefined, serverId: string): NodeMemory | undefined =>
  [memory, ...Object.values(memory?.nodes ?? {})].find((one) => one?.serverRun === serverId);

interface NodeIdentity {
  readonly serverId: string;
  readonly address: string;
}

/**
 * The memory of each node that is there now: its process tells, at whatever address it is, then its address.
 * One that is new takes over from one that is gone: that is how a Pod comes back, and its file may hold what we set.
 *
 * @param present Also those that do not answer.
 */
export function memoriesOf(
  nodes: readonly NodeIdentity[],
  remembered: NodeMemories,
  present: ReadonlySet<string>,
): ReadonlyMap<string, { readonly key: string; readonly memory: NodeMemory }> {
  const left = new Map(Object.entries(remembered));
  const found = new Map<string, { readonly key: string; readonly memory: NodeMemory }>();
  const take = (keyOf: (node: NodeIdentity) => string | undefined): void => {
    for (const node of nodes) {
      const key = found.has(node.address) ? undefined : keyOf(node);
      const memory = key === undefined ? undefined : left.get(key);
      if (key === undefined || memory === undefined) continue;
      left.delete(key);
      found.set(node.address, { key, memory });
    }
  };
  take(({ serverId }) => [...left].find(([, { serverRun }]) => serverRun === serverId)?.[0]);
  take(({ address }) => address);
  take(() => [...left.keys()].find((key) => !present.has(key)));
  return found;
}

/**
 * What is to be written down: of one server alone flat, of several by node.
 *
 * @param nodes Those that are gone first, the oldest in front.
 * @param present Addresses of those that are there.
 * @param where `alone`: the address of the only server; `of`: what the several are found by.
 */
export function toRemember(
  nodes: NodeMemories,
  present: ReadonlySet<string>,
  where: { readonly alone: string } | { readonly of: string },
): RedisMemory {
  const gone = Object.keys(nodes).filter((address) => !present.has(address));
  const forgotten = new Set(gone.slice(0, Math.max(0, gone.length - mostGone)));
  const kept = Object.entries(nodes).filter(([address]) => !forgotten.has(address));
  const alone = 'alone' in where ? where.alone : undefined;
  const unconfirmed = kept.flatMap(([address, node]) =>
    (node.unconfirmed ?? []).map((name) => fieldOf(name, address === alone ? undefined : address)),
  );
  const several = kept
    .filter(([address]) => address !== alone)
    .map(([address, { unconfirmed: _, ...node }]) => [address, node] as const);
  const { unconfirmed: _, ...flat } = (alone === undefined ? undefined : nodes[alone]) ?? {};
  return {
    ...('of' in where ? { address: where.of } : flat),
    ...(several.length === 0 ? {} : { nodes: Object.fromEntries(several) }),
    ...(unconfirmed.length === 0 ? {} : { unconfirmed: unconfirmed.toSorted() }),
  };
}
