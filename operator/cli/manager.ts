import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { connectKube, type Kube } from '../kube/client.ts';
import { openEvents } from '../kube/events.ts';
import { synced, whole, type HealthCheck } from '../kube/health.ts';
import { fenced, lead, LeaseRefused, type LeaderOptions, type Leadership } from '../kube/leader.ts';
import type { Holder } from '../kube/lease.ts';
import { createCollector } from '../metrics/collector.ts';
import { objectiveSamples } from '../metrics/objective-samples.ts';
import { openConnections, type Connections } from '../metrics/sources/connections.ts';
import { createStandings } from '../metrics/standings.ts';
import { openCaches, type Caches } from '../reconcilers/caches.ts';
import { readSecret } from '../reconcilers/lever-deps.ts';
import { startReconcilers, type OperatorDeps } from '../reconcilers/operator.ts';
import type { ServiceRef } from '../reconcilers/pods-metrics.ts';
import { serveHealth, serveMetrics } from '../serve/http.ts';
import { createCacheMetrics } from '../telemetry/cache-metrics.ts';
import { createDatabaseMetrics } from '../telemetry/database-metrics.ts';
import { createLeftOutGauge } from '../telemetry/left-out-gauge.ts';
import { createLogger, logFormats, logLevels, type Logger } from '../telemetry/logger.ts';
import { collectProcessMetrics, createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createObjectiveGauges } from '../telemetry/objective-gauges.ts';
import { runtimeMetrics } from '../telemetry/runtime-metrics.ts';
import { createServiceGauges } from '../telemetry/service-gauges.ts';
import { openApi, type Role } from './api.ts';
import { clusterConfig } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf, UsageError } from './command.ts';
import { addressAnnotation, leaseName, leaseNamespaceOf, leaseProblem, namespacesAnnotation } from './lease.ts';
import { cacheSeries } from './cache-series.ts';
import { databaseSeries } from './database-series.ts';
import { apiServerEndpoints, metricGuards, prometheusUrl } from './metric-addresses.ts';
import { versionNumber } from './version.ts';

const { kubeconfig, context } = clusterOptions;

export const manager = command({
  summary: 'run the operator',
  examples: [
    'genops manager --kubeconfig ~/.kube/config --namespaces ai',
    'GENOPS_LOG_LEVEL=debug genops manager   # every option is also read from the environment',
  ],
  options: {
    kubeconfig,
    context,
    namespaces: { type: 'string' },
    'prometheus-url': { type: 'string' },
    'allow-metric-address': { type: 'string', multiple: true },
    'leader-elect': { type: 'boolean', default: true },
    'lease-namespace': { type: 'string' },
    'metrics-bind-address': { type: 'string', default: ':8080' },
    'health-probe-bind-address': { type: 'string', default: ':8081' },
    'api-bind-address': { type: 'string', default: ':8443' },
    'metrics-api-service': { type: 'string' },
    views: { type: 'boolean', default: false },
    'views-audience': { type: 'string' },
    'advertise-address': { type: 'string' },
    'nginx-image': { type: 'string' },
    'tls-cert-dir': { type: 'string', default: '/tls' },
    'log-level': { type: 'string', default: 'info' },
    'log-format': { type: 'string', default: 'json' },
  },
  help: {
    kubeconfig: clusterHelp.kubeconfig,
    context: clusterHelp.context,
    namespaces: 'look after these only, separated by commas; else after all',
    'prometheus-url': 'the Prometheus of components that name none',
    'allow-metric-address': 'network (CIDR) of metric sources that would be refused, as loopback is; may be repeated',
    'leader-elect': 'wait for the Lease `genops` before acting (--no-leader-elect: act at once)',
    'lease-namespace': 'namespace of the Lease; else $POD_NAMESPACE, else genops-system',
    'metrics-bind-address': '/metrics; an empty one switches it off',
    'health-probe-bind-address': '/healthz and /readyz',
    'api-bind-address': 'HTTPS: custom.metrics.k8s.io with --metrics-api-service, views with --views',
    'metrics-api-service': 'NAMESPACE/NAME of the Service before the metrics API; switches it on',
    views: 'serve views of each service, and /metrics, to who may read them (docs/views.md)',
    'views-audience': 'whom tokens for views have to be for; else the API server',
    'advertise-address': 'host at which other replicas reach this one while it leads',
    'nginx-image': 'nginx with the agent, for services with loadBalancer.nginx.managed (docs/levers/nginx.md)',
    'tls-cert-dir': 'tls.crt and tls.key of --api-bind-address; ca.crt where there is one',
    'log-level': logLevels.join(', '),
    'log-format': logFormats.join(', '),
  },
  async run({ values, env, signal }) {
    const logger = createLogger({
      level: oneOf('log-level', values['log-level'], logLevels),
      format: oneOf('log-format', values['log-format'], logFormats),
    });
    const config = await clusterConfig(values);
    await using kube = connectKube(config, { userAgent: `genops/${versionNumber}` });
    const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
    const metricsApi = serviceRef(values['metrics-api-service']);
    const namespaces = namespacesOf(values.namespaces);
    const metrics = createMetrics();
    await using caches = openCaches({
      kube,
      namespaces,
      watchApiServices: metricsApi !== undefined,
      servicesLast: true,
      logger,
      metrics: runtimeMetrics(metrics),
    });
    const role: Role = { running: undefined, holder: undefined };
    let isOpen = false;
    await using servers = new AsyncDisposableStack(); // these before anything waits for the API server: who only waits is well
    servers.use(await asAsked(() => serveMetrics(values['metrics-bind-address'], metrics.registry)));
    const fed = caches.all.map((collection) => synced(collection, caches.leftOut));
    const ready = [...fed, ...(namespaces === undefined ? [] : [whole(caches.leftOut)]), open(() => isOpen)];
    const live = (): Iterable<HealthCheck> => role.running?.health ?? [];
    servers.use(await asAsked(() => serveHealth(values['health-probe-bind-address'], { ready, live })));
    const endpoints = await apiServerEndpoints(kube, logger, signal);
    const allow = values['allow-metric-address'] ?? [];
    const guards = await metricGuards({ allow, server: kube.server, endpoints, env });
    await using connections = openConnections({
      kube,
      guards,
      readSecret: (namespace, name, until) => readSecret(kube, namespace, name, until),
      url: prometheusUrl(values['prometheus-url']),
    });
    const nginxImage = values['nginx-image'];
    await using world = openWorld({ kube, caches, connections, metricsApi, nginxImage, logger, metrics, identity });
    createCacheMetrics(metrics.registry, () => cacheSeries(caches.services.list(), role.running));
    createDatabaseMetrics(metrics.registry, () => databaseSeries(caches.services.list(), role.running));
    await using api = await asAsked(() =>
      openApi({
        config,
        world: world.deps,
        role,
        address: values['api-bind-address'],
        certDir: values['tls-cert-dir'],
        views: values.views,
        audience: values['views-audience'],
        signal,
      }),
    );
    isOpen = true;
    if (!values['leader-elect']) await act({ ...world.deps, role }, signal);
    else {
      const namespace = leaseNamespaceOf(values['lease-namespace'], env);
      const annotations = {
        ...addressAnnotation(values['advertise-address'], api?.port),
        ...namespacesAnnotation(namespaces),
      };
      const onHolder = (holder: Holder): void => void (role.holder = holder);
      await competing(
        { kube, namespace, name: leaseName, identity, annotations, onHolder, logger },
        (leadership) =>
          act(
            { ...world.deps, kube: fenced(kube, leadership), mayAct: () => leadership.isHeld(), role },
            leadership.signal,
          ),
        signal,
      );
    }
    return exit.yes;
  },
});

/** Readiness: who is sent here by the Service finds somebody. */
function open(isOpen: () => boolean): HealthCheck {
  return {
    name: 'open',
    problem: () => (isOpen() ? undefined : 'waits for the API server to say where it is, before it serves'),
  };
}

/** As `lead`. @throws {UsageError} where the Lease cannot be had. */
async function competing(
  options: LeaderOptions,
  work: (leadership: Leadership) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await lead(options, work, signal);
  } catch (error) {
    throw error instanceof LeaseRefused ? leaseProblem(error, options.namespace) : error;
  }
}

/** What only the leader does: the reconcilers, until `signal` is aborted. */
async function act({ role, ...deps }: OperatorDeps & { readonly role: Role }, signal: AbortSignal): Promise<void> {
  await deps.caches.leftOut.settled(signal);
  deps.metrics.leader.set(1);
  try {
    role.running = startReconcilers(deps, signal);
    await role.running.ended;
  } finally {
    role.running = undefined;
    deps.metrics.leader.set(0);
    deps.standings.clear();
    deps.collector.untrackAll(); // what is measured here is nobody's any more
  }
}

interface WorldInput {
  readonly kube: Kube;
  readonly caches: Caches;
  readonly connections: Connections;
  readonly metricsApi: ServiceRef | undefined;
  readonly nginxImage: string | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly identity: string;
}

/** What lives as long as the process, whether it leads or not. */
function openWorld({
  kube,
  caches,
  connections,
  metricsApi,
  nginxImage,
  logger,
  metrics,
  identity,
}: WorldInput): AsyncDisposable & { readonly deps: OperatorDeps } {
  const stack = new AsyncDisposableStack();
  collectProcessMetrics(metrics);
  const collector = stack.use(createCollector({ metrics, logger }));
  const standings = createStandings();
  createServiceGauges(
    metrics.registry,
    () => caches.services.list(),
    (service) => standings.of(service)?.score,
  );
  createObjectiveGauges(metrics.registry, () => objectiveSamples(standings, Date.now()));
  createLeftOutGauge(metrics.registry, () => caches.leftOut.current().keys());
  const events = stack.use(openEvents({ kube, controller: 'genops.dev/operator', instance: identity, logger }));
  const deps = {
    kube,
    caches,
    collector,
    connections,
    standings,
    events,
    metrics,
    logger,
    clock: Date,
    metricsApi,
    nginxImage,
    mayAct: () => true,
  };
  return Object.assign(stack, { deps });
}

/** Undefined: all of them, also where a variable is there and empty. */
function namespacesOf(list = ''): readonly string[] | undefined {
  const names = list.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  return names.length === 0 ? undefined : names;
}

/** An address that is none is a matter of the call. */
async function asAsked<T>(serve: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await serve();
  } catch (error) {
    if (Error.isError(error) && error.name === 'RangeError') throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

function serviceRef(text: string | undefined): ServiceRef | undefined {
  if (text === undefined) return undefined;
  const [namespace, name, ...rest] = text.split('/');
  if (namespace === undefined || name === undefined || rest.length > 0)
    throw new UsageError(`saw --metrics-api-service ${text}; wanted NAMESPACE/NAME`);
  return { namespace, name };
}
