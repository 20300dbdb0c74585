import { Gauge, type Registry } from 'prom-client';
import type { GenerationService } from '../api/generation-service.ts';

/**
 * What stands in the status of every service, as gauges, and its score, which stands there only now and then. They are made when they are asked for, so that a service that is gone leaves no series behind and an idle operator does nothing.
 *
 * @param services The services in the cache at the moment of the scrape.
 * @param scoreOf Points of the rating by the newest look; undefined where they are unknown, or another leads.
 */
export function createServiceGauges(
  registry: Registry,
  services: () => Iterable<GenerationService>,
  scoreOf: (service: GenerationService) => number | undefined,
): void {
  const registers = [registry];
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    set: (of: GenerationService, into: Gauge<'namespace' | 'name' | Label>) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ['namespace', 'name', ...labelNames] as const,
      registers,
      collect() {
        this.reset();
        for (const service of services()) set(service, this);
      },
    });
  gauge(
    'genops_condition',
    '1 for the status that a condition of a GenerationService has now.',
    ['type', 'status'],
    ({ metadata: { namespace, name }, status }, into) => {
      for (const { type, status: state } of status?.conditions ?? [])
        into.set({ namespace, name, type, status: state }, 1);
    },
  );
  gauge(
    'genops_objective_met',
    '1 when an objective is met, 0 when it is not; no sample while it is unknown or not exercised.',
    ['objective'],
    ({ metadata: { namespace, name }, status }, into) => {
      for (const { name: objective, state } of status?.objectives ?? [])
        if (state === 'Met' || state === 'NotMet') into.set({ namespace, name, objective }, Number(state === 'Met'));
    },
  );
  gauge(
    'genops_performance_score',
    'Points of the rating by the newest look of the leader, 0 to 100.',
    [],
    (service, into) => {
      const { namespace, name } = service.metadata;
      const score = scoreOf(service);
      if (score !== undefined) into.set({ namespace, name }, score);
    },
  );
  gauge(
    'genops_replicas_floor',
    'The floor under the autoscaler of a component (its minReplicas); no sample where there is none.',
    ['component'],
    ({ metadata: { namespace, name }, status }, into) => {
      for (const { name: component, replicas } of status?.components ?? [])
        if (replicas?.floor !== undefined) into.set({ namespace, name, component }, replicas.floor);
    },
  );
  gauge(
    'genops_redis_nodes',
    'Nodes of a Redis by whether they answered at the last visit; those that did not are pending.',
    ['server', 'state'],
    ({ metadata: { namespace, name }, status }, into) => {
      for (const { name: server, nodes, pendingNodes = 0 } of status?.redis ?? []) {
        if (nodes === undefined) continue;
        into.set({ namespace, name, server, state: 'answering' }, nodes - pendingNodes);
        into.set({ namespace, name, server, state: 'pending' }, pendingNodes);
      }
    },
  );
}
