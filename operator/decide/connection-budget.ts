import { problemMessage } from '../api/problem.ts';
import {
  connectionsNeeded,
  lowered,
  needOf,
  sharesFor,
  smallerPool,
  sum,
  type ConnectionUse,
  type PodPools,
} from './connection-clamp.ts';
import { leastOf } from './least-of.ts';

/** How many connections a server has. */
export interface ServerConnections {
  /** Equal for all who use the server. */
  readonly server: string;
  readonly max: number;
  /** Of those, what the server keeps for superusers and for roles with pg_use_reserved_connections. */
  readonly reserved: number;
  /** That its users are sent to, and how many sessions it takes at once; undefined: as many as the server. */
  readonly database: { readonly name: string; readonly limit: number | undefined };
  /** That its users log in as, if somebody says so, and how many sessions that takes at once; undefined: as many as the server. */
  readonly role?: { readonly name: string; readonly limit: number | undefined; readonly isThere: boolean };
  /** Sessions of clients that are open now; undefined: it does not tell. */
  readonly open: number | undefined;
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
  /** On that server. */
  readonly database: string;
  /** That it logs in as; undefined: nobody says. */
  readonly role?: string | undefined;
  readonly use: ConnectionUse;
}

export interface ConnectionBudget {
  /** Of everybody together, where least is left: on the server, in the database, or for the role. */
  readonly needed: number;
  readonly available: number;
  /** What that is bounded by: `max_connections` */
  readonly by: string;
  /** Why it does not fit, with the arithmetic and what would; undefined: it fits. */
  readonly problem?: string;
  /** More is open than anybody has declared; undefined: not now. */
  readonly undeclared?: string;
  /** What the pools of our components are lowered to, by component; empty where it fits. */
  readonly pools: ReadonlyMap<string, number>;
  /** The same of their replicas, where the least pools are too much still. */
  readonly replicas: ReadonlyMap<string, number>;
}

/** Where connections are counted: on a server, in one database of it, or of one role. */
interface Room {
  /** `max_connections` */
  readonly by: string;
  /** What is left of it, with the arithmetic. */
  readonly wanted: string;
  readonly available: number;
  readonly others: readonly OtherUse[];
  /** How to have room for so many. */
  readonly raise: (needed: number) => string;
}

/** Whether all that may be opened on one server at once, and in the database and by the role of this use, is less than there is. */
export function judgeConnections(input: BudgetInput): ConnectionBudget {
  const judged = roomsOf(input).map((room) => judgeRoom(input, room));
  const [tightest, ...others] = judged.toSorted((a, b) => a.available - a.needed - (b.available - b.needed));
  if (tightest === undefined) throw new Error('a server has room, however little');
  const undeclared = undeclaredOf(input, connectionsOnServer(input));
  return {
    ...tightest,
    ...(undeclared !== undefined && { undeclared }),
    pools: leastOf([tightest.pools, ...others.map(({ pools }) => pools)]),
    replicas: leastOf([tightest.replicas, ...others.map(({ replicas }) => replicas)]),
  };
}

const connectionsOnServer = ({ own, others }: BudgetInput): number =>
  sum([own, ...others.map(({ use }) => use)].map(connectionsNeeded));

function roomsOf(input: BudgetInput): readonly Room[] {
  const { connections, kept, others } = input;
  const { max, reserved } = connections;
  const server = {
    by: 'max_connections',
    wanted: `max_connections ${max} − ${reserved} that the server reserves − ${kept} of postgres.reservedConnections`,
    available: Math.max(max - reserved - kept, 0),
    others,
    raise: (needed: number) => `raise max_connections to ${needed + reserved + kept}`,
  };
  return [server, ...databaseRoom(input), ...roleRoom(input)];
}

function databaseRoom({ connections: { database }, kept, others }: BudgetInput): readonly Room[] {
  if (database.limit === undefined) return [];
  const by = `connection limit of database ${database.name}`;
  return [
    {
      by,
      wanted: `${by} ${database.limit} − ${kept} of postgres.reservedConnections`,
      available: Math.max(database.limit - kept, 0),
      others: others.filter((one) => one.database === database.name),
      raise: (needed) => `raise the ${by} to ${needed + kept} (ALTER DATABASE … CONNECTION LIMIT)`,
    },
  ];
}

/** People, migrations and ourselves log in as others. */
function roleRoom({ connections: { role }, others }: BudgetInput): readonly Room[] {
  if (role?.limit === undefined) return [];
  const by = `connection limit of role ${role.name}`;
  return [
    {
      by,
      wanted: `${by} ${role.limit}`,
      available: role.limit,
      others: others.filter((one) => one.role === role.name),
      raise: (needed) => `raise the ${by} to ${needed} (ALTER ROLE … CONNECTION LIMIT)`,
    },
  ];
}

function judgeRoom(input: BudgetInput, room: Room): ConnectionBudget {
  const { own } = input;
  const { available, by } = room;
  const uses = [own, ...room.others.map(({ use }) => use)];
  const needed = sum(uses.map(connectionsNeeded));
  if (needed <= available) return { needed, available, by, pools: new Map(), replicas: new Map() };
  const shares = sharesFor(uses, available);
  const after = uses.map((use) => ({ ...use, pods: use.pods.map((one) => lowered(one, shares)) }));
  const ours = own.poolerConnections === undefined ? own.pods : [];
  const clamp = {
    ...boundsOf(ours, after[0]?.pods ?? []),
    isEnough: sum(after.map(connectionsNeeded)) <= available,
  };
  const { pools, replicas } = clamp;
  return { needed, available, by, pools, replicas, problem: problemOf(input, room, { needed, clamp }) };
}

/** No figure of now is in it: it would be another at each look. */
function undeclaredOf({ name, connections, kept, own, others }: BudgetInput, needed: number): string | undefined {
  if (connections.open === undefined || connections.open <= needed + kept) return undefined;
  const pooler = own.poolerConnections === undefined ? '' : 'correct spec.postgres[].pooler where it opens more, or ';
  return problemMessage({
    saw: `more than ${needed + kept} sessions open on ${name}`,
    wanted: `at most ${needed} of those who declare it (${[...ownTerms(own), ...othersTerms(others)].join(', ')}) and ${kept} of postgres.reservedConnections`,
    next: `see in pg_stat_activity whose they are: ${pooler}declare them in a GenerationService, or raise postgres.reservedConnections`,
  });
}

interface Clamp extends Pick<ConnectionBudget, 'pools' | 'replicas'> {
  readonly isEnough: boolean;
}

function boundsOf(
  before: readonly PodPools[],
  after: readonly PodPools[],
): Pick<ConnectionBudget, 'pools' | 'replicas'> {
  const pairs = before.flatMap((declared, index) => {
    const bounded = after[index];
    return bounded === undefined ? [] : [{ declared, bounded }];
  });
  const pools = pairs.filter(({ declared }) => declared.isLowered);
  const replicas = pairs.filter(({ declared, bounded }) => bounded.maxReplicas < declared.maxReplicas);
  return {
    pools: new Map(pools.map(({ bounded }) => [bounded.component, bounded.pool.max])),
    replicas: new Map(replicas.map(({ bounded }) => [bounded.component, bounded.maxReplicas])),
  };
}

function problemOf(
  { name, own }: BudgetInput,
  { others, available, wanted, raise }: Room,
  { needed, clamp }: Pick<ConnectionBudget, 'needed'> & { readonly clamp: Clamp },
): string {
  const terms = [...ownTerms(own), ...othersTerms(others)];
  const room = available - (needed - connectionsNeeded(own));
  return problemMessage({
    saw: `${needed} connections that may be opened on ${name} at once: ${terms.join(', ')}${tooLittle(clamp)}`,
    wanted: `at most ${available}: ${wanted}`,
    next: [...enough(clamp), ...fits(own, room), raise(needed)].join(', or '),
  });
}

const ownTerms = ({ pods, poolerConnections }: ConnectionUse): readonly string[] =>
  poolerConnections === undefined
    ? pods.map((one) => {
        const ending = one.hasOverlap ? `, as many that still end in a roll-out` : '';
        return `${needOf(one)} of ${one.component} (${one.maxReplicas} replicas${ending}; ${one.pool.max} each)`;
      })
    : [`${poolerConnections} of its pooler`];

const enough = (clamp: Clamp): readonly string[] =>
  clamp.isEnough && clampText(clamp) !== ''
    ? [`let it be so: budgets.onViolation has lowered ${clampText(clamp)}`]
    : [];

const tooLittle = (clamp: Clamp): string =>
  clamp.isEnough || clampText(clamp) === ''
    ? ''
    : `, of which budgets.onViolation has lowered ${clampText(clamp)}: as far as it may, and not enough`;

function clampText({ pools, replicas }: Clamp): string {
  const listed = (bounds: ReadonlyMap<string, number>): string =>
    [...bounds].map(([component, max]) => `${max} for ${component}`).join(', ');
  return [
    ...(pools.size === 0 ? [] : [`runtime.postgresPool.max to ${listed(pools)}`]),
    ...(replicas.size === 0 ? [] : [`horizontal.maxReplicas to ${listed(replicas)}`]),
  ].join(' and ');
}

/** A condition has room for a few names, and a server may have hundreds of services. */
const mostNamed = 8;

function othersTerms(others: BudgetInput['others']): readonly string[] {
  const needs = others.map(({ by, use }) => ({ by, needed: connectionsNeeded(use) }));
  const named = needs.toSorted((a, b) => b.needed - a.needed).slice(0, mostNamed);
  const rest = needs.length - named.length;
  const more = sum(needs.map((one) => one.needed)) - sum(named.map((one) => one.needed));
  return [
    ...named.map((one) => `${one.needed} of ${one.by}`),
    ...(rest === 0 ? [] : [`${more} of ${rest} more services`]),
  ];
}

/** What would fit into `room`, in the words of the policy; empty: nothing that keeps the least pools and replicas. */
function fits({ pods, poolerConnections }: ConnectionUse, room: number): readonly string[] {
  if (poolerConnections !== undefined) return room < 1 ? [] : [`let the pooler open at most ${room}`];
  const fitting = fewest(pods, room);
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
function fewest(pods: readonly PodPools[], room: number): readonly PodPools[] | undefined {
  const share = room / sum(pods.map(needOf));
  let fitting = pods.map((one) => ({ ...one, pool: { ...one.pool, max: smallerPool(one.pool, share) } }));
  while (sum(fitting.map(needOf)) > room) {
    const [most] = fitting.filter((one) => one.maxReplicas > one.minReplicas).toSorted((a, b) => needOf(b) - needOf(a));
    if (most === undefined) return undefined;
    fitting = fitting.map((one) => (one === most ? { ...one, maxReplicas: one.maxReplicas - 1 } : one));
  }
  return fitting;
}
