import { isProblem, Problem } from '../../api/problem.ts';
import { nodeAddress, type RedisAddress } from './address.ts';
import {
  addressOf,
  lookAtNode,
  lookFirst,
  type FirstLook,
  type Look,
  type RedisDeps,
  type RedisObserved,
} from './observe.ts';
import { readOwner } from './owner.ts';
import { askSentinels } from './sentinel.ts';
import type { Endpoint, ListedNode, Replication, Role, Topology } from './topology.ts';
import type { RedisUnit } from './unit.ts';

/** What is declared as one Redis: a server alone, or every node of a topology. */
export interface NodesObserved {
  readonly topology: Topology;
  /** What it is found by: the address of a server, or a Sentinel's with the name of the primary there. */
  readonly address: string;
  /** At least one; the primaries come last. */
  readonly nodes: readonly RedisObserved[];
  readonly absent: readonly AbsentNode[];
}

/** A node that is announced and could not be looked at. */
export interface AbsentNode {
  readonly address: string;
  readonly role: Role;
  readonly problem: Problem;
}

type Deps = RedisDeps & Pick<Look, 'searches' | 'looks' | 'sampleWithinMs' | 'memory'>;

/** Looks at every node, and at the object of the operator that owns them, and changes nothing. @throws {Problem} where there is none to be looked at: SecretNotFound, Unreachable, … */
export async function observe(unit: RedisUnit, deps: Deps, signal: AbortSignal): Promise<NodesObserved> {
  const address = await addressOf(unit, deps, signal);
  const owner = await readOwner(unit, deps.kube, signal);
  const memoryLimitBytes =
    unit.workloadRef === undefined ? undefined : await deps.memoryLimit(unit.workloadRef, unit.namespace, signal);
  const { searches, looks: kept, sampleWithinMs, memory } = deps;
  const look = { unit, memory, memoryLimitBytes, searches, looks: kept, sampleWithinMs, owner };
  const around: Around = { address, look, signal };
  const { sentinelMasterName: master } = unit;
  if (master !== undefined) {
    const looks = await lookAtAll(await askSentinels(address, master, signal), around, 'Sentinel');
    return together('Sentinel', `${address.label}/${master}`, looks);
  }
  const first = await lookFirst(address, around.look, signal);
  if (first.kind === 'Alone')
    return { topology: 'Standalone', address: address.label, nodes: [first.node], absent: [] };
  if (first.kind === 'Cluster')
    return together('Cluster', address.label, await lookAtAll(first.nodes, around, 'Cluster'));
  return together('Replicated', address.label, await alongReplication(first, around));
}

/** What every look at a node takes. */
interface Around {
  /** Of the Secret. */
  readonly address: RedisAddress;
  readonly look: Look;
  readonly signal: AbortSignal;
}

type NodeLook =
  | { readonly kind: 'Seen'; readonly node: RedisObserved; readonly replication: Replication }
  | { readonly kind: 'Absent'; readonly absent: AbsentNode };

const lookAtAll = (listed: readonly ListedNode[], around: Around, topology: Topology): Promise<readonly NodeLook[]> =>
  Promise.all(listed.map((one) => lookAtOne(one, around, topology)));

async function lookAtOne(listed: ListedNode, { address, look, signal }: Around, topology: Topology): Promise<NodeLook> {
  const { role } = listed;
  const at = nodeAddress(address, listed);
  try {
    if (listed.hasFailed) throw givenUp(at.label);
    // Sentinel and Cluster know who is primary; without them the server's own word is all there is.
    const asTold = topology === 'Replicated' ? undefined : role;
    const { node, replication } = await lookAtNode(at, { ...look, role: asTold }, signal);
    if (topology === 'Sentinel' && role === 'Replica' && replication.role === 'Primary') throw noReplica(at.label);
    return { kind: 'Seen', node, replication };
  } catch (error) {
    if (!isProblem(error)) throw error;
    return { kind: 'Absent', absent: { address: at.label, role, problem: announced(error, topology) } };
  }
}

type AlongReplication = Exclude<FirstLook, { kind: 'Cluster' }>;

/** From the server in the Secret up to its primary, and down to every replica, also of replicas. */
async function alongReplication(first: AlongReplication, around: Around): Promise<readonly NodeLook[]> {
  const looks: NodeLook[] = [...(await topOf(first, around))];
  const asked = new Set<string>();
  for (let at = 0; at < looks.length; at += 1) {
    const look = looks[at];
    const below = look?.kind === 'Seen' ? look.replication.replicas : [];
    const fresh = below.filter(({ host, port }) => !asked.has(`${host} ${port}`));
    for (const { host, port } of fresh) asked.add(`${host} ${port}`);
    const replicas = fresh.map((one): ListedNode => ({ ...one, role: 'Replica' }));
    looks.push(...(await lookAtAll(replicas, around, 'Replicated')));
  }
  return looks;
}

async function topOf(first: AlongReplication, around: Around): Promise<readonly NodeLook[]> {
  if (first.kind !== 'Replica') return [{ kind: 'Seen', node: first.node, replication: first.replication }];
  const above = await climb(first.replication.primary, around, longestChain);
  if (above.some(({ kind }) => kind === 'Seen')) return above;
  const { host, port } = around.address; // the primary does not answer: at least the replica in the Secret is looked at
  return [...above, await lookAtOne({ host, port, role: 'Replica' }, around, 'Replicated')];
}

/** A replica of a replica of …; two that copy from each other must not lead round and round. */
const longestChain = 4;

async function climb(primary: Endpoint | undefined, around: Around, left: number): Promise<readonly NodeLook[]> {
  if (primary === undefined || left === 0) return [];
  const look = await lookAtOne({ ...primary, role: 'Primary' }, around, 'Replicated');
  if (look.kind === 'Absent' || look.replication.primary === undefined) return [look];
  const above = await climb(look.replication.primary, around, left - 1);
  return above.some(({ kind }) => kind === 'Seen') ? above : [...above, look];
}

/** One process may be announced under two addresses: it is one node. */
function together(topology: Topology, address: string, looks: readonly NodeLook[]): NodesObserved {
  const seen = looks.flatMap((look) => (look.kind === 'Seen' ? [look.node] : [])).toSorted(primariesLast);
  const nodes = [...new Map(seen.map((node) => [node.serverId, node])).values()].toSorted(primariesLast);
  const absent = looks.flatMap((look) => (look.kind === 'Absent' ? [look.absent] : []));
  const [first] = absent;
  if (nodes.length === 0 && first !== undefined) throw first.problem;
  return { topology, address, nodes, absent: absent.toSorted(byAddress) };
}

const byAddress = (a: { readonly address: string }, b: { readonly address: string }): number =>
  a.address < b.address ? -1 : 1;

const primariesLast = (a: RedisObserved, b: RedisObserved): number =>
  a.role === b.role ? byAddress(a, b) : a.role === 'Primary' ? 1 : -1;

const givenUp = (label: string): Problem =>
  new Problem('Unreachable', { saw: `${label} marked as failed by its cluster`, wanted: 'an answer within 1.5 s' });

/** Sentinel forgets no address, and an address may be given to somebody else's server. */
const noReplica = (label: string): Problem =>
  new Problem('NodesPending', {
    saw: `a server at ${label} that copies from nobody, which Sentinel has for a replica`,
    wanted: 'a replica of this primary: nothing is set on another server',
    next: 'nothing after a fail-over, when Sentinel makes it one; where it is another server, SENTINEL RESET',
  });

/** How a node says where it can be reached, and how one that is gone for good is taken from the list. */
const cures = {
  Standalone: '',
  Replicated: 'replica-announce-ip of that server',
  Sentinel: 'replica-announce-ip of that server; one that is gone for good goes with SENTINEL RESET',
  Cluster: 'cluster-announce-ip of that server; one that is gone for good goes with CLUSTER FORGET',
} as const satisfies Record<Topology, string>;

/** The Secret does not name this address: the topology does. */
function announced(problem: Problem, topology: Topology): Problem {
  const { reason, saw, wanted, cause } = problem;
  if (reason !== 'Unreachable') return problem;
  const next = `nothing where it starts: it is set when it answers; else correct what it announces (${cures[topology]})`;
  return new Problem(reason, { saw: `${saw}, an address that is announced`, wanted, next, cause });
}
