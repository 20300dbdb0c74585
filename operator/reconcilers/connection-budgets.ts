import { problemMessage } from '../api/problem.ts';
import {
  judgeConnections,
  type ConnectionBudget,
  type OtherUse,
  type ServerConnections,
} from '../decide/connection-budget.ts';
import type { ConnectionUse } from '../decide/connection-clamp.ts';
import type { Resolved } from '../decide/resolve.ts';
import { keyOf } from '../kube/object.ts';
import type { Observation } from '../levers/run.ts';
import { mayLower, type Bounds } from './budget-bounds.ts';
import type { BudgetPart, BudgetWord } from './budget-part.ts';
import type { Caches } from './caches.ts';
import type { ConnectionUses } from './connection-uses.ts';
import { countedOnce } from './counted-once.ts';
import { replicaRange } from './replica-range.ts';

/** What is said of the connections of one service. */
export interface ConnectionsPart extends Omit<BudgetPart, 'bounds'> {
  /** What each PostgreSQL leaves, by its name in the spec; undefined: nobody knows now, and what was known before holds. */
  readonly byServer: ReadonlyMap<string, Bounds | undefined>;
  /** Of each PostgreSQL that answered, by its name in the spec. */
  readonly connections: ReadonlyMap<string, Pick<ConnectionBudget, 'needed' | 'available'>>;
}

interface Server {
  readonly name: string;
  readonly role: string | undefined;
  readonly use: ConnectionUse;
  /** Undefined: it did not answer. */
  readonly connections: ServerConnections | undefined;
}

export interface ConnectionDeps {
  readonly connectionUses: ConnectionUses;
  readonly caches: { readonly services: Pick<Caches['services'], 'list'>; readonly hpas: Pick<Caches['hpas'], 'by'> };
}

/** Notes what the service may open on its servers, and judges whether all that is opened there fits. @param looked What was seen, also of a server that an older service tunes. */
export function judgeConnectionBudgets(
  resolved: Resolved,
  looked: readonly Observation[],
  { connectionUses, caches }: ConnectionDeps,
): ConnectionsPart {
  const { service, policy } = resolved;
  const servers = serversOf(resolved, looked, caches);
  connectionUses.note(
    service,
    servers.map(({ name, role, use, connections }) => ({
      name,
      role,
      server: connections?.server,
      database: connections?.database.name,
      use,
    })),
  );
  if (servers.length === 0) return { problems: [], fits: [], byServer: new Map(), connections: new Map() };
  if (!connectionUses.isComplete(caches.services.list())) {
    const byServer = new Map(servers.map(({ name }) => [name, undefined]));
    return { problems: [], unknown: pending, fits: [], byServer, connections: new Map() };
  }
  const judged = new Map(
    servers.flatMap(({ name, use, connections }) => {
      if (connections === undefined) return [];
      const others = withoutTwice(resolved, connectionUses.others(connections.server, { service, name }), caches);
      const kept = policy.postgres.reservedConnections;
      return [[name, judgeConnections({ name, connections, kept, own: use, others })]] as const;
    }),
  );
  const silent = servers.filter(({ connections }) => connections === undefined).map(({ name }) => name);
  const fits = [...judged].map(([name, { needed, available }]) => `${needed} of ${available} on ${name}`);
  return {
    problems: [...judged.values()].flatMap(({ problem, undeclared }) => [
      ...(problem === undefined ? [] : [{ reason: 'ConnectionsExceeded', message: problem } as const]),
      ...(undeclared === undefined ? [] : [{ reason: 'ConnectionsUndeclared', message: undeclared } as const]),
    ]),
    ...(silent.length > 0 ? { unknown: unanswered(silent) } : withoutRole(servers)),
    fits: [`The connections fit: ${fits.join(', ')}.`],
    byServer: new Map(servers.map(({ name }) => [name, boundsOf(name, judged.get(name))])),
    connections: judged,
  };
}

/** All pools are opened on every server: `leftBy` has the least. */
function boundsOf(server: string, budget: ConnectionBudget | undefined): Bounds | undefined {
  if (budget === undefined) return undefined;
  const by = `postgres/${server} ${budget.by}`;
  return {
    pools: budget.pools,
    replicas: new Map([...budget.replicas].map(([component, max]) => [component, { max, by }])),
  };
}

/** Pods that two services name open their connections once. */
function withoutTwice(
  resolved: Resolved,
  others: readonly OtherUse[],
  { services }: Pick<ConnectionDeps['caches'], 'services'>,
): readonly OtherUse[] {
  const byKey = new Map([...services.list()].map((service) => [keyOf(service), service]));
  const noted = others.flatMap(({ by, use }) => {
    const service = byKey.get(by);
    return service === undefined ? [] : use.pods.map((pods) => ({ service, component: pods.component, pods }));
  });
  const counted = new Set(countedOnce(resolved, noted).map(({ pods }) => pods));
  return others.flatMap((other) => {
    if (!byKey.has(other.by)) return [other]; // another entry of this service
    const pods = other.use.pods.filter((one) => counted.has(one));
    return pods.length === 0 ? [] : [{ ...other, use: { ...other.use, pods } }];
  });
}

const pending: BudgetWord = {
  reason: 'Pending',
  message: 'Not looked at yet: other services may use the same servers.',
};

const unanswered = (silent: readonly string[]): BudgetWord => ({
  reason: 'ConnectionsUnknown',
  message: problemMessage({
    saw: `no answer from ${silent.join(', ')}`,
    wanted: 'to know how many connections it has',
    next: 'see the condition PostgresApplied',
  }),
});

/** A limit of a role that is not there bounds nobody, and somebody has meant one. */
function withoutRole(servers: readonly Server[]): Pick<ConnectionsPart, 'unknown'> {
  const missing = servers.filter(({ connections }) => connections?.role?.isThere === false);
  if (missing.length === 0) return {};
  const message = problemMessage({
    saw: `no role ${missing.map(({ name, role }) => `${role} on ${name}`).join(', ')}`,
    wanted: 'to know how many sessions it may have',
    next: 'correct spec.postgres[].clientRole, or create it',
  });
  return { unknown: { reason: 'ConnectionsUnknown', message } };
}

function serversOf(
  resolved: Resolved,
  looked: readonly Observation[],
  caches: ConnectionDeps['caches'],
): readonly Server[] {
  const { service, components } = resolved;
  const pods = components.map((component) => {
    const isLowered =
      mayLower(resolved, component) && resolved.mode === 'Enforce' && component.policy.runtime.mode === 'Enforce';
    const { isOurs, ...range } = replicaRange(resolved, component, caches);
    return {
      ...range,
      component: component.spec.name,
      hasOverlap: component.target.hasOverlap ?? true, // as those of a Deployment do by default
      pool: component.policy.runtime.postgresPool,
      isLowered,
      hasFewer: isLowered && isOurs,
    };
  });
  return (service.spec.postgres ?? []).flatMap(({ name, pooler, clientRole: role }) => {
    const observation = looked.find(({ lever, unit }) => lever.name === 'postgresql' && unit.name === name);
    if (observation === undefined || observation.unit.mode === 'Off') return [];
    const { lever, seen } = observation;
    const connections = seen.kind === 'seen' ? lever.connectionsOf?.(seen.value) : undefined;
    return [{ name, role, use: { pods, poolerConnections: pooler?.serverConnections }, connections }];
  });
}
