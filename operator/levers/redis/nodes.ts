import { severityOf, type LeverPlan, type PlanInput, type PlannedCondition } from '../lever.ts';
import type { RedisChange } from './changes.ts';
import type { AbsentNode, NodesObserved } from './every-node.ts';
import {
  fieldOf,
  memoriesOf,
  rememberedNodes,
  toRemember,
  type NodeMemories,
  type NodeMemory,
  type RedisMemory,
} from './node-memory.ts';
import type { RedisObserved } from './observe.ts';
import { agreedLines, type Taking } from './plan-owned.ts';
import type { Topology } from './topology.ts';
import type { RedisUnit } from './unit.ts';

export interface NodePlanInput extends PlanInput<RedisUnit, RedisObserved, NodeMemory> {
  /** The lines for another operator's list in which all nodes agree; absent: those of this one alone. */
  readonly agreed?: readonly string[] | undefined;
}

export interface NodePlan extends LeverPlan<RedisChange> {
  /** Absent where nothing can be said of this node. */
  readonly takings?: readonly Taking[];
}

type PlanOne = (input: NodePlanInput) => NodePlan;
type PlanAll = (input: PlanInput<RedisUnit, NodesObserved, RedisMemory>) => LeverPlan<RedisChange>;

interface Planned {
  readonly node: RedisObserved;
  readonly plan: NodePlan;
}

/** The same plan for every node, each with its own memory; the changes of replicas first, so that whoever is promoted meanwhile has them. */
export const onEveryNode =
  (planOne: PlanOne): PlanAll =>
  ({ unit, observed, memory, now }) => {
    const remembered = rememberedNodes(memory);
    const known = memoriesOf(observed.nodes, remembered, presentIn(observed));
    const plans = inAgreement(observed, (node, agreed) =>
      planOne({ unit, observed: node, memory: known.get(node.address)?.memory, now, agreed }),
    );
    const written = writeDown(plans, inPlace(remembered, known), observed);
    return {
      ...written,
      changes: onceForOwner(written.changes),
      condition: conditionOf(plans, observed),
      status: statusOf(plans, observed),
      ...costOf(plans, observed),
      ...againOf(plans),
    };
  };

/** All nodes of another operator are one list, which is planned when it is known what each of them takes. */
function inAgreement(
  { nodes, absent }: NodesObserved,
  planNode: (node: RedisObserved, agreed?: readonly string[]) => NodePlan,
): readonly Planned[] {
  const alone = nodes.map((node) => ({ node, plan: planNode(node) }));
  const owner = nodes.at(-1)?.owner;
  if (owner === undefined) return alone;
  const takings = [...absent.map(() => undefined), ...alone.map(({ plan }) => plan.takings)];
  const agreed = agreedLines(takings, owner);
  return nodes.map((node) => ({ node, plan: planNode(node, agreed) }));
}

/** All nodes are one object of their operator, and want the same of it. */
function onceForOwner(changes: readonly RedisChange[]): readonly RedisChange[] {
  const owned = changes.findLast(({ owner }) => owner !== undefined);
  return owned === undefined ? changes : [...changes.filter(({ owner }) => owner === undefined), owned];
}

const presentIn = ({ nodes, absent }: NodesObserved): ReadonlySet<string> =>
  new Set([...nodes, ...absent].map(({ address }) => address));

interface Written {
  readonly changes: readonly RedisChange[];
  readonly remember?: RedisMemory;
}

/** Each node's memory at the address where the node is now. */
function inPlace(remembered: NodeMemories, known: ReturnType<typeof memoriesOf>): NodeMemories {
  const taken = new Set([...known.values()].map(({ key }) => key));
  const gone = Object.entries(remembered).filter(([address]) => !taken.has(address));
  return Object.fromEntries([...gone, ...[...known].map(([address, { memory }]) => [address, memory] as const)]);
}

/** The changes of all nodes, each with what is to be remembered of all nodes once it is made. */
function writeDown(plans: readonly Planned[], known: NodeMemories, observed: NodesObserved): Written {
  const where = isAlone(observed) ? { alone: observed.address } : { of: observed.address };
  let nodes = known;
  const note = ({ address }: RedisObserved, next: NodeMemory): RedisMemory => {
    nodes = { ...nodes, [address]: next };
    return toRemember(nodes, presentIn(observed), where);
  };
  const found = plans.flatMap(({ node, plan }) => (plan.remember === undefined ? [] : [note(node, plan.remember)]));
  const changes = plans.flatMap(({ node, plan }) =>
    plan.changes.map((change) => {
      const own = isAlone(observed) ? change : ofNode(change, node, observed.topology);
      return change.remember === undefined ? own : { ...own, remember: note(node, change.remember) };
    }),
  );
  const remember = found.at(-1);
  return { changes, ...(remember === undefined ? {} : { remember }) };
}

const isAlone = ({ topology }: NodesObserved): boolean => topology === 'Standalone';

function ofNode(change: RedisChange, { address, at, role }: RedisObserved, topology: Topology): RedisChange {
  if (change.owner !== undefined) return change;
  const differences = change.differences.map((one) => ({ ...one, field: fieldOf(one.field, address) }));
  return {
    ...change,
    differences,
    node: address,
    ...(at === undefined ? {} : { at }),
    ...(topology === 'Replicated' ? {} : { role }), // there nobody but the node itself knows it
  };
}

function statusOf(
  plans: readonly Planned[],
  { topology, nodes, absent }: NodesObserved,
): Readonly<Record<string, unknown>> {
  const entries = plans.map(({ plan }) => plan.status);
  const waiting = new Set(entries.flatMap(({ pendingRestart }) => (pendingRestart ?? []) as readonly string[]));
  return {
    ...entries.at(-1), // a primary's
    topology,
    nodes: nodes.length + absent.length,
    ...(absent.length === 0 ? {} : { pendingNodes: absent.length }),
    drifted: entries.reduce((sum, { drifted }) => sum + Number(drifted), 0),
    ...(waiting.size === 0 ? {} : { pendingRestart: [...waiting].toSorted() }),
  };
}

function costOf(plans: readonly Planned[], observed: NodesObserved): { readonly cost?: string } {
  const said = plans.flatMap(({ node: { address }, plan: { cost } }) =>
    cost === undefined ? [] : [isAlone(observed) ? cost : `${address}: ${cost}`],
  );
  return said.length === 0 ? {} : { cost: said.join('; ') };
}

function againOf(plans: readonly Planned[]): { readonly againMs?: number } {
  const all = plans.flatMap(({ plan: { againMs } }) => againMs ?? []);
  return all.length === 0 ? {} : { againMs: Math.min(...all) };
}

/** The worst of the nodes' conditions, with the words of all that do not merely say "applied"; what several say alike is said once. */
function conditionOf(plans: readonly Planned[], observed: NodesObserved): PlannedCondition {
  const [only] = plans;
  if (only !== undefined && isAlone(observed)) return only.plan.condition;
  const present = plans.map(({ node: { address }, plan: { condition } }) => ({ address, condition }));
  const absent = observed.absent.map((node) => ({ address: node.address, condition: absence(node) }));
  const all = [...present, ...absent];
  const worst = Math.max(...all.map(({ condition }) => severityOf(condition)));
  // Of several that are as bad a primary's: a replica comes down after it, and only waits where it has stopped.
  const decisive = [...absent, ...present].findLast(({ condition }) => severityOf(condition) === worst)?.condition;
  const { status = 'True', reason = 'Applied' } = decisive ?? {};
  const telling = worst === 0 ? all : all.filter(({ condition }) => severityOf(condition) > 0);
  const alike = Map.groupBy(telling, ({ condition }) => condition.message);
  const said = [...alike].map(([message, ones]) => `${whereOf(ones, all.length)}: ${message}`);
  return { status, reason, message: said.join(' | ') };
}

function whereOf(some: readonly { readonly address: string }[], of: number): string {
  const all = of === 1 ? 'the only node' : `all ${of} nodes`;
  return some.length === of ? all : some.map(({ address }) => address).join(', ');
}

const passing: ReadonlySet<string> = new Set(['Unreachable', 'Loading', 'Busy', 'NoConnectionLeft', 'NodesPending']);

/** What a node has that does not answer is unknown, and no fault of the others. */
function absence({ problem: { reason, message } }: AbsentNode): PlannedCondition {
  if (passing.has(reason)) return { status: 'Unknown', reason: 'NodesPending', message };
  return { status: 'False', reason: reason as PlannedCondition['reason'], message };
}
