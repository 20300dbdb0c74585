import type { Finding } from '../api/conditions.ts';
import { problemMessage } from '../api/problem.ts';
import {
  connectionsNeeded,
  judgeConnections,
  lowerable,
  type ConnectionBudget,
  type ConnectionUse,
  type PodPools,
  type ServerConnections,
} from '../decide/connection-budget.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { targetKey } from '../levers/horizontal/hpa.ts';
import type { Observation } from '../levers/run.ts';
import { hasRuntimeSettings } from '../levers/runtime/lever.ts';
import type { Caches } from './caches.ts';
import type { ConnectionUses } from './connection-uses.ts';

/** What is said of the budgets of one service. */
export interface Budgets {
  /** Empty where no PostgreSQL is looked at. */
  readonly conditions: readonly Finding<'BudgetsConsistent'>[];
  /** Of each PostgreSQL that answered, by its name in the spec. */
  readonly connections: ReadonlyMap<string, Pick<ConnectionBudget, 'needed' | 'available'>>;
  /** Undefined: nobody knows now, and what was known before holds. */
  readonly poolBounds: ReadonlyMap<string, number> | undefined;
}

/** With what its budget leaves for the pools, as far as that is known; where no budget bounds them as it is. */
export function withPoolBounds(resolved: Resolved, known: ReadonlyMap<string, number> | undefined): Resolved {
  const isBounded =
    (resolved.service.spec.postgres ?? []).length > 0 &&
    resolved.components.some((component) => mayLower(resolved, component));
  return isBounded ? { ...resolved, poolBounds: known ?? 'AsItIs' } : resolved;
}

const mayLower = (resolved: Resolved, component: ResolvedComponent): boolean =>
  component.policy.budgets.onViolation === 'Clamp' && hasRuntimeSettings(resolved, component);

interface Server {
  readonly name: string;
  readonly use: ConnectionUse;
  /** Undefined: it did not answer. */
  readonly connections: ServerConnections | undefined;
}

interface BudgetDeps {
  readonly connectionUses: ConnectionUses;
  readonly caches: { readonly services: Pick<Caches['services'], 'list'>; readonly hpas: Pick<Caches['hpas'], 'by'> };
}

/** Notes what the service may open on its servers, and judges whether all that is opened there fits. @param looked What was seen, also of a server that an older service tunes. */
export function judgeBudgets(
  resolved: Resolved,
  looked: readonly Observation[],
  { connectionUses, caches }: BudgetDeps,
): Budgets {
  const { service, policy } = resolved;
  const servers = serversOf(resolved, looked, caches);
  connectionUses.note(
    service,
    servers.map(({ name, use, connections }) => ({
      name,
      server: connections?.server,
      needed: connectionsNeeded(use),
      lowerable: lowerable(use),
    })),
  );
  if (servers.length === 0) return { conditions: [], connections: new Map(), poolBounds: new Map() };
  if (!connectionUses.isComplete(caches.services.list()))
    return { conditions: [pending], connections: new Map(), poolBounds: undefined };
  const judged = new Map(
    servers.flatMap(({ name, use, connections }) => {
      if (connections === undefined) return [];
      const others = connectionUses.others(connections.server, { service, name });
      const kept = policy.postgres.reservedConnections;
      return [[name, judgeConnections({ name, connections, kept, own: use, others })]] as const;
    }),
  );
  const isSilent = servers.some(({ connections }) => connections === undefined);
  return {
    conditions: [conditionOf(servers, judged)],
    connections: judged,
    poolBounds: isSilent ? undefined : leastOf([...judged.values()].map(({ bounds }) => bounds)),
  };
}

/** A pool of each size is opened on every server: the least counts. */
function leastOf(all: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const byComponent = Map.groupBy(
    all.flatMap((bounds) => [...bounds]),
    ([component]) => component,
  );
  return new Map([...byComponent].map(([component, bounds]) => [component, Math.min(...bounds.map(([, max]) => max))]));
}

const pending = {
  type: 'BudgetsConsistent',
  status: 'Unknown',
  reason: 'Pending',
  message: 'Not looked at yet: other services may use the same servers.',
} as const;

function conditionOf(
  servers: readonly Server[],
  judged: ReadonlyMap<string, ConnectionBudget>,
): Finding<'BudgetsConsistent'> {
  const type = 'BudgetsConsistent';
  const problems = [...judged.values()].flatMap(({ problem }) => problem ?? []);
  if (problems.length > 0)
    return { type, status: 'False', reason: 'ConnectionsExceeded', message: problems.join(' | ') };
  const silent = servers.filter(({ connections }) => connections === undefined).map(({ name }) => name);
  if (silent.length > 0) {
    const message = problemMessage({
      saw: `no answer from ${silent.join(', ')}`,
      wanted: 'to know how many connections it has',
      next: 'see the condition PostgresApplied',
    });
    return { type, status: 'Unknown', reason: 'ConnectionsUnknown', message };
  }
  const fits = [...judged].map(([name, { needed, available }]) => `${needed} of ${available} on ${name}`);
  return { type, status: 'True', reason: 'Consistent', message: `The connections fit: ${fits.join(', ')}.` };
}

function serversOf(
  resolved: Resolved,
  looked: readonly Observation[],
  caches: BudgetDeps['caches'],
): readonly Server[] {
  const { service, components } = resolved;
  const pods = components.map((component) => ({
    ...podsOf(component, service.metadata.namespace, caches),
    isLowered:
      mayLower(resolved, component) && resolved.mode === 'Enforce' && component.policy.runtime.mode === 'Enforce',
  }));
  return (service.spec.postgres ?? []).flatMap(({ name, pooler }) => {
    const observation = looked.find(({ lever, unit }) => lever.name === 'postgresql' && unit.name === name);
    if (observation === undefined || observation.unit.mode === 'Off') return [];
    const { lever, seen } = observation;
    const connections = seen.kind === 'seen' ? lever.connectionsOf?.(seen.value) : undefined;
    return [{ name, use: { pods, poolerConnections: pooler?.serverConnections }, connections }];
  });
}

function podsOf(
  { spec, policy: { horizontal, runtime }, target }: ResolvedComponent,
  namespace: string,
  { hpas }: BudgetDeps['caches'],
): Omit<PodPools, 'isLowered'> {
  const found = hpas.by('target', targetKey(namespace, spec.targetRef)).map((hpa) => hpa.spec.maxReplicas);
  const most = horizontal.mode === 'Enforce' ? [horizontal.maxReplicas] : found;
  return {
    component: spec.name,
    minReplicas: horizontal.minReplicas,
    maxReplicas: Math.max(target.replicas, ...most),
    surge: target.surge ?? '25%', // what a Deployment has by default
    pool: runtime.postgresPool,
  };
}
