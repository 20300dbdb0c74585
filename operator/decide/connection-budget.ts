import { problemMessage } from '../api/problem.ts';

/** Pods of one component that may be there at once, and what each of them opens. */
export interface PodPools {
  readonly component: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** As `maxSurge` of a Deployment: Pods, or a share of the replicas (`25%`). */
  readonly surge: number | string;
  /** Connections of each Pod. */
  readonly pool: { readonly min: number; readonly max: number };
  /** The Pods have their pools from us: they may be made smaller. */
  readonly isLowered: boolean;
}

/** How many connections a server has. */
export interface ServerConnections {
  /** Equal for all who use the server. */
  readonly server: string;
  readonly max: number;
  /** Of those, what the server keeps for superusers and for roles with pg_use_reserved_connections. */
  readonly reserved: number;
}

/** What one entry of `spec.postgres` may open. */
export interface ConnectionUse {
  readonly pods: readonly PodPools[];
  /** Most that a pooler in between opens, whatever the Pods do; undefined: they connect directly. */
  readonly poolerConnections: number | undefined;
}

export interface BudgetInput {
  /** Name of the server in the spec. */
  readonly name: string;
  readonly connections: ServerConnections;
  /** postgres.reservedConnections: for people, migrations and ourselves. */
  readonly kept: number;
  readonly own: ConnectionUse;
  /** What else is opened on this server, and by whom (`namespace/name`). */
  readonly others: readonly OtherUse[];
}

export interface OtherUse {
  readonly by: string;
  readonly needed: number;
  /** Of these, what smaller pools would save something of. */
  readonly lowerable: number;
}

export interface ConnectionBudget {
  /** Of everybody together. */
  readonly needed: number;
  readonly available: number;
  /** Why it does not fit, with the arithmetic and what would; undefined: it fits. */
  readonly problem?: string;
  /** What the pools of our components are lowered to, by component; empty where it fits. */
  readonly bounds: ReadonlyMap<string, number>;
}

/** All replicas, those that a roll-out adds, and as many again that are still ending: each holds its connections. */
export const mostPods = ({ maxReplicas, surge }: Pick<PodPools, 'maxReplicas' | 'surge'>): number =>
  maxReplicas + 2 * surgeOf(maxReplicas, surge);

const surgeOf = (replicas: number, surge: number | string): number =>
  typeof surge === 'number' ? surge : Math.ceil((replicas * Number.parseFloat(surge)) / 100);

export const connectionsNeeded = ({ pods, poolerConnections }: ConnectionUse): number =>
  poolerConnections ?? sum(pods.map(needOf));

/** Of what is needed, the part that hangs on pools which we may lower. */
export const lowerable = ({ pods, poolerConnections }: ConnectionUse): number =>
  poolerConnections === undefined ? sum(pods.filter((one) => one.isLowered).map(needOf)) : 0;

const needOf = (one: PodPools): number => mostPods(one) * one.pool.max;

/** Whether all that may be opened on one server at once is less than it has. */
export function judgeConnections(input: BudgetInput): ConnectionBudget {
  const { connections, kept, own, others } = input;
  const needed = connectionsNeeded(own) + sum(others.map((one) => one.needed));
  const available = Math.max(connections.max - connections.reserved - kept, 0);
  if (needed <= available) return { needed, available, bounds: new Map() };
  const bounds = boundsFor(input, needed, available);
  return { needed, available, bounds, problem: problemOf(input, { needed, available, bounds }) };
}

/** Every pool that may be lowered, of whichever service, by the same share: so all come to it by themselves. Never below its `min`. */
function boundsFor({ own, others }: BudgetInput, needed: number, available: number): ReadonlyMap<string, number> {
  const all = lowerable(own) + sum(others.map((one) => one.lowerable));
  const share = Math.max(available - (needed - all), 0) / all;
  const pods = own.poolerConnections === undefined ? own.pods.filter((one) => one.isLowered) : [];
  return new Map(pods.map((one) => [one.component, smaller(one, share).pool.max]));
}

function smaller(one: PodPools, share: number): PodPools {
  const max = Math.max(Math.floor(one.pool.max * share), one.pool.min, 1);
  return { ...one, pool: { ...one.pool, max: Math.min(max, one.pool.max) } };
}

function problemOf(
  { name, connections, kept, own, others }: BudgetInput,
  { needed, available, bounds }: Omit<ConnectionBudget, 'problem'>,
): string {
  const { max, reserved } = connections;
  const terms = [...ownTerms(own), ...othersTerms(others)];
  const room = available - (needed - connectionsNeeded(own));
  return problemMessage({
    saw: `${needed} connections that may be opened on ${name} at once: ${terms.join(', ')}`,
    wanted: `at most ${available}: max_connections ${max} − ${reserved} that the server reserves − ${kept} of postgres.reservedConnections`,
    next: [...boundText(bounds), ...fits(own, room), `raise max_connections to ${needed + reserved + kept}`].join(
      ', or ',
    ),
  });
}

const ownTerms = ({ pods, poolerConnections }: ConnectionUse): readonly string[] =>
  poolerConnections === undefined
    ? pods.map((one) => {
        const surge = surgeOf(one.maxReplicas, one.surge);
        const rolling = surge === 0 ? '' : `, ${surge} more in a roll-out, ${surge} that still end`;
        return `${mostPods(one) * one.pool.max} of ${one.component} (${one.maxReplicas} replicas${rolling}; ${one.pool.max} each)`;
      })
    : [`${poolerConnections} of its pooler`];

const boundText = (bounds: ReadonlyMap<string, number>): readonly string[] =>
  bounds.size === 0
    ? []
    : [
        `let it be so: budgets.onViolation has lowered runtime.postgresPool.max to ${[...bounds].map(([component, max]) => `${max} for ${component}`).join(', ')}`,
      ];

/** A condition has room for a few names, and a server may have hundreds of services. */
const mostNamed = 8;

function othersTerms(others: BudgetInput['others']): readonly string[] {
  const named = others.toSorted((a, b) => b.needed - a.needed).slice(0, mostNamed);
  const rest = others.length - named.length;
  const more = sum(others.map((one) => one.needed)) - sum(named.map((one) => one.needed));
  return [
    ...named.map((one) => `${one.needed} of ${one.by}`),
    ...(rest === 0 ? [] : [`${more} of ${rest} more services`]),
  ];
}

/** What would fit into `room`, in the words of the policy; empty: nothing that keeps the least pools and replicas. */
function fits({ pods, poolerConnections }: ConnectionUse, room: number): readonly string[] {
  if (poolerConnections !== undefined) return room < 1 ? [] : [`let the pooler open at most ${room}`];
  const fitting = lowered(pods, room);
  const pooler = 'name the pooler that stands in between (spec.postgres[].pooler)';
  if (fitting === undefined) return [pooler];
  const words = fitting.flatMap((one, index) => {
    const before = pods[index];
    const changed = [
      ...(one.pool.max === before?.pool.max ? [] : [`runtime.postgresPool.max: ${one.pool.max}`]),
      ...(one.maxReplicas === before?.maxReplicas ? [] : [`horizontal.maxReplicas: ${one.maxReplicas}`]),
    ];
    return changed.length === 0 ? [] : [`${changed.join(' and ')} for ${one.component}`];
  });
  return [`declare ${words.join(', ')}`, pooler];
}

/** Pools first, by the same share and down to their `min`; then replicas, where most is opened, down to minReplicas. Undefined: even that is too much. */
function lowered(pods: readonly PodPools[], room: number): readonly PodPools[] | undefined {
  const share = room / sum(pods.map(needOf));
  let fitting = pods.map((one) => smaller(one, share));
  while (sum(fitting.map(needOf)) > room) {
    const [most] = fitting.filter((one) => one.maxReplicas > one.minReplicas).toSorted((a, b) => needOf(b) - needOf(a));
    if (most === undefined) return undefined;
    fitting = fitting.map((one) => (one === most ? { ...one, maxReplicas: one.maxReplicas - 1 } : one));
  }
  return fitting;
}

const sum = (figures: readonly number[]): number => figures.reduce((total, figure) => total + figure, 0);
