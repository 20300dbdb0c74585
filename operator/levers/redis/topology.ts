import { countOf, type Info } from './info.ts';

export type Topology = 'Standalone' | 'Replicated' | 'Sentinel' | 'Cluster';
export type Role = 'Primary' | 'Replica';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A node as its topology tells of it: nobody has looked at it yet. */
export interface ListedNode extends Endpoint {
  readonly role: Role;
  /** The others have given it up. */
  readonly hasFailed?: true;
}

/** What INFO says of replication: who it copies from, and who copies from it. */
export interface Replication {
  readonly role: Role;
  readonly primary?: Endpoint;
  readonly replicas: readonly Endpoint[];
}

export function replicationOf(info: Info): Replication {
  const role = info.get('role') === 'slave' ? 'Replica' : 'Primary';
  const replicas = [...info].flatMap(([field, value]) => {
    const [, host, port] = /^slave[0-9]+$/.test(field) ? (/ip=([^,]+),port=([0-9]+)/.exec(value) ?? []) : [];
    return host === undefined ? [] : [{ host, port: Number(port) }];
  });
  const host = info.get('master_host');
  const primary = host === undefined ? {} : { primary: { host, port: countOf(info, 'master_port') } };
  return { role, replicas, ...(role === 'Replica' ? primary : {}) };
}

/**
 * CLUSTER SHARDS (from 7.0), every node of every shard. A primary that has failed and whose slots another one serves stays in the list as one: it is none any more.
 *
 * @param asked Where it was asked: a node that does not know its own host leaves it out.
 */
export function nodesOfShards(
  reply: unknown,
  { host: asked, isTls }: { readonly host: string; readonly isTls: boolean },
): readonly ListedNode[] {
  return listOf(reply).flatMap((shard) => {
    const fields = pairsOf(shard);
    const nodes = listOf(fields.get('nodes')).flatMap((node) => nodeOf(pairsOf(node), asked, isTls));
    const isServed = nodes.some(({ role, hasFailed }) => role === 'Primary' && hasFailed !== true);
    const isEmpty = listOf(fields.get('slots')).length === 0;
    return nodes.map((node) =>
      node.hasFailed === true && (isServed || isEmpty) ? { ...node, role: 'Replica' } : node,
    );
  });
}

function nodeOf(fields: ReadonlyMap<string, unknown>, asked: string, isTls: boolean): readonly ListedNode[] {
  const port = Number((isTls ? fields.get('tls-port') : undefined) ?? fields.get('port'));
  const told = ['endpoint', 'ip'].map((name) => textOf(fields.get(name)));
  const host = told.find((text) => text !== '' && text !== '?') ?? asked;
  if (!Number.isInteger(port)) return [];
  const role = fields.get('role') === 'master' ? 'Primary' : 'Replica';
  const hasFailed = fields.get('health') === 'fail' || fields.get('health') === 'failed';
  return [{ host, port, role, ...(hasFailed ? { hasFailed } : {}) }];
}

/** CLUSTER SLOTS, for servers before 7.0: nodes that have failed, and primaries without slots, are not in it. */
export function nodesOfSlots(reply: unknown, asked: string): readonly ListedNode[] {
  const nodes = listOf(reply).flatMap((range) =>
    listOf(range)
      .slice(2)
      .map((node, index): ListedNode => {
        const [host, port] = listOf(node);
        return { host: textOf(host) || asked, port: Number(port), role: index === 0 ? 'Primary' : 'Replica' };
      }),
  );
  return [...new Map(nodes.map((node) => [`${node.host} ${node.port}`, node])).values()];
}

/** What one Sentinel knows of a primary and its replicas. */
export interface SentinelView {
  /** Grows with each fail-over: of two Sentinels the one with the higher figure knows better. */
  readonly epoch: number;
  readonly nodes: readonly ListedNode[];
}

/**
 * @param answers.primary SENTINEL GET-MASTER-ADDR-BY-NAME: during a fail-over already the new one.
 * @param answers.master SENTINEL MASTER: until its end still the old one, which is a replica from now on.
 */
export function sentinelView(answers: {
  readonly primary: unknown;
  readonly master: unknown;
  readonly replicas: unknown;
}): SentinelView {
  const [host, port] = listOf(answers.primary);
  const primary: ListedNode = { host: String(host), port: Number(port), role: 'Primary' };
  const master = pairsOf(answers.master);
  const others = [answers.master, ...listOf(answers.replicas)].flatMap(endpointOf);
  const replicas = others
    .filter((one) => one.host !== primary.host || one.port !== primary.port)
    .map((one): ListedNode => ({ ...one, role: 'Replica' }));
  return { epoch: Number(master.get('config-epoch') ?? 0), nodes: [...replicas, primary] };
}

/** Of several Sentinels the one that has seen the latest fail-over; of equals the one that was asked first. */
export const newestOf = (first: SentinelView, others: readonly SentinelView[]): SentinelView =>
  others.reduce((newest, view) => (view.epoch > newest.epoch ? view : newest), first);

/** The other Sentinels that one knows of (SENTINEL SENTINELS), but for those that it has given up. */
export const sentinelsOf = (reply: unknown): readonly Endpoint[] =>
  listOf(reply)
    .filter((one) => !String(pairsOf(one).get('flags')).includes('_down'))
    .flatMap(endpointOf);

/** The names of the primaries that a Sentinel watches (SENTINEL MASTERS). */
export const mastersOf = (reply: unknown): readonly string[] =>
  listOf(reply).map((one) => textOf(pairsOf(one).get('name')));

function endpointOf(fields: unknown): readonly Endpoint[] {
  const pairs = pairsOf(fields);
  const host = textOf(pairs.get('ip'));
  return host === '' ? [] : [{ host, port: Number(pairs.get('port')) }];
}

const textOf = (reply: unknown): string => (typeof reply === 'string' ? reply : '');
const listOf = (reply: unknown): readonly unknown[] => (Array.isArray(reply) ? reply : []);

/** A flat list of names and values. */
function pairsOf(reply: unknown): ReadonlyMap<string, unknown> {
  const list = listOf(reply);
  return new Map(list.flatMap((name, at) => (at % 2 === 0 ? [[String(name), list[at + 1]] as const] : [])));
}
