import type { GenerationService } from '../api/generation-service.ts';
import type { Kube } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { alive, type HealthCheck } from '../kube/health.ts';
import { startLoop, type Loop, type Reconcile } from '../kube/loop.ts';
import { keyOf } from '../kube/object.ts';
import { createQueue, type Queue } from '../kube/queue.ts';
import { createLevers } from '../levers/registry.ts';
import { createAdminClient, type AdminClient } from '../levers/runtime/admin.ts';
import { sweepExpired } from '../levers/redis/sweep.ts';
import type { AnyLever } from '../levers/run.ts';
import type { Standings } from '../metrics/standings.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Controller, Metrics } from '../telemetry/metrics.ts';
import { runtimeMetrics } from '../telemetry/runtime-metrics.ts';
import { selectPods, type Caches } from './caches.ts';
import type { ScalerReport } from './decisions.ts';
import { createEffectivePolicies } from './effective-policies.ts';
import { generationService } from './generation-service.ts';
import type { Accepted } from './in-force.ts';
import { createConnectionUses } from './connection-uses.ts';
import { createCacheServers, type CacheServers } from './cache-servers.ts';
import { createDatabaseServers, type DatabaseServers } from './database-servers.ts';
import { keepAllRollUps } from './kept-roll-ups.ts';
import { createLastWords } from './last-words.ts';
import { loadBalancerAgents } from './load-balancer-agents.ts';
import { memoryLimit, podReports, readSecret, readTemplate, scalingBeside, type SecretDenied } from './lever-deps.ts';
import { podSamples, type MeasuringDeps } from './measuring.ts';
import { objectives } from './objectives.ts';
import { optimizer } from './optimizer.ts';
import type { Sweep } from './optimizer-sweep.ts';
import { performancePolicy } from './performance-policy.ts';
import { podsMetricsWay, type ServiceRef } from './pods-metrics.ts';
import { scaler } from './scaler.ts';
import { createStatusWrites } from './status-writes.ts';
import type { VisitDeps } from './visit.ts';
import { createStates } from './state.ts';
import { wire } from './wiring.ts';

export interface OperatorDeps extends MeasuringDeps {
  readonly kube: Kube;
  readonly caches: Caches;
  readonly standings: Standings;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: { now(): number };
  /** The Service before our metrics API; undefined where it is not installed. */
  readonly metricsApi: ServiceRef | undefined;
  /** Of nginx with the agent, for services whose nginx the operator runs; undefined: nobody has named one. */
  readonly nginxImage?: string | undefined;
  /** Whether we still lead: asked before each change. */
  readonly mayAct: () => boolean;
}

/** Every lever, reading Secrets by name through this connection. Where nobody measures, nobody knows what the Pods run with, and none is told. `denied`: for whoever is not the operator. */
export const serviceLevers = (
  kube: Kube,
  caches: Pick<Caches, 'hpas' | 'hpaWrites' | 'floorWrites' | 'pods'>,
  measuring?: Pick<MeasuringDeps, 'collector' | 'connections'> & Pick<OperatorDeps, 'nginxImage'>,
  denied?: SecretDenied,
): readonly AnyLever[] =>
  createLevers({
    kube,
    hpas: caches.hpas,
    hpaWrites: caches.hpaWrites,
    floorWrites: caches.floorWrites,
    readSecret: (namespace, name, signal) => readSecret(kube, namespace, name, signal, denied),
    memoryLimit: memoryLimit(kube),
    readTemplate: readTemplate(kube),
    scalingBeside: scalingBeside(caches),
    podsOf: ({ namespace, selector }) => selectPods(caches.pods, namespace, selector),
    podReports: podReports(measuring?.collector, caches),
    agents: loadBalancerAgents(measuring?.connections, caches),
    nginxImage: measuring?.nginxImage,
    admin: measuring && adminClient(kube, measuring.connections),
  });

/** Asks Pods at their own addresses, as the collector does. */
const adminClient = (kube: Kube, { scraper: dispatcher, guard }: MeasuringDeps['connections']): AdminClient =>
  createAdminClient({
    dispatcher,
    guard,
    readSecret: (namespace, name, signal) => readSecret(kube, namespace, name, signal),
  });

/** Has what has expired thrown out of a Redis. */
const sweepOf =
  (kube: Kube): Sweep =>
  (unit, signal) =>
    sweepExpired(
      unit,
      {
        readSecret: (namespace, name, secretSignal) => readSecret(kube, namespace, name, secretSignal),
        memoryLimit: memoryLimit(kube),
      },
      signal,
    );

/** Everything that one visit of a service needs. */
function visitDeps(deps: OperatorDeps): VisitDeps {
  const { kube, caches, metricsApi } = deps;
  return {
    ...deps,
    levers: serviceLevers(kube, caches, deps),
    states: createStates(kube, caches.states),
    policies: createEffectivePolicies(),
    accepted: createLastWords(),
    decisions: createLastWords(),
    assessed: createLastWords(),
    told: createLastWords(),
    cacheServers: createCacheServers(),
    databaseServers: createDatabaseServers(),
    weights: createLastWords(),
    connectionUses: createConnectionUses(),
    budgetBounds: createLastWords(),
    podsAsked: createLastWords(),
    optimizerLooks: createLastWords(),
    statuses: createStatusWrites(),
    podsMetrics: () => podsMetricsWay(caches.apiServices?.list() ?? [], metricsApi),
  };
}

/** The reconcilers while they run. */
export interface Running {
  readonly ended: Promise<unknown>;
  readonly health: readonly HealthCheck[];
  /** What each service is run by, for who shows it. */
  readonly accepted: Pick<Accepted, 'of'>;
  /** Of the servers, for who shows figures. */
  readonly cacheServers: Pick<CacheServers, 'worstHitRatio' | 'servers'>;
  readonly databaseServers: Pick<DatabaseServers, 'servers'>;
  readonly weights: Pick<VisitDeps['weights'], 'of'>;
  /** Of the floors. */
  readonly looks: { of(service: GenerationService): ScalerReport['looks'] | undefined };
}

/** The reconcilers at work, until `signal` is aborted. Only the leader may run them. */
export function startReconcilers(deps: OperatorDeps, signal: AbortSignal): Running {
  const { caches, metrics, logger } = deps;
  const observer = runtimeMetrics(metrics);
  const queue = (name: Controller): Queue => createQueue({ name, metrics: observer });
  const queues = {
    services: queue('generation-service'),
    policies: queue('performance-policy'),
    scaler: queue('scaler'),
    objectives: queue('objectives'),
    optimizer: queue('optimizer'),
  };
  const visit = visitDeps(deps);
  const unwire = wire(caches, queues);
  const loop = (of: Queue, reconcile: Reconcile, concurrency: number): Loop =>
    startLoop({ name: of.name, queue: of, reconcile, concurrency, logger, metrics: observer }, signal);
  const loops = [
    loop(queues.services, generationService(visit), 16),
    loop(queues.policies, performancePolicy({ ...visit, statuses: createStatusWrites() }), 2),
    loop(
      queues.scaler,
      scaler({
        ...visit,
        services: queues.services,
        collector: deps.collector,
        podSamples: (resolved, component) => podSamples(deps, resolved, component),
        sourceOf: ({ service }, { spec }) => deps.collector.sourceOf(keyOf(service), spec.name)?.type,
      }),
      4,
    ),
    loop(queues.objectives, objectives({ ...deps, ...visit, services: queues.services }), 4),
    loop(
      queues.optimizer,
      optimizer({
        ...deps,
        ...visit,
        services: queues.services,
        admin: adminClient(deps.kube, deps.connections),
        sweep: sweepOf(deps.kube),
      }),
      4,
    ),
  ];
  const ended = Promise.all(loops.map((each) => each.ended))
    .finally(unwire)
    .then(() => keepAllRollUps(caches.services.list(), visit));
  return {
    ended,
    accepted: visit.accepted,
    health: loops.map(alive),
    cacheServers: visit.cacheServers,
    databaseServers: visit.databaseServers,
    weights: visit.weights,
    looks: { of: (service) => visit.decisions.of(service)?.looks },
  };
}
