import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { connectKube, type Kube } from '../kube/client.ts';
import { openEvents } from '../kube/events.ts';
import { synced, type HealthCheck } from '../kube/health.ts';
import { fenced, lead, LeaseRefused, type LeaderOptions, type Leadership } from '../kube/leader.ts';
import { createAddressGuard } from '../metrics/address-guard.ts';
import { createCollector } from '../metrics/collector.ts';
import { createScraper } from '../metrics/sources/pods.ts';
import { openCaches, type Caches } from '../reconcilers/caches.ts';
import { startReconcilers, type OperatorDeps } from '../reconcilers/operator.ts';
import type { ServiceRef } from '../reconcilers/pods-metrics.ts';
import { serveCustomMetrics } from '../serve/custom-metrics-server.ts';
import { serveHealth, serveMetrics } from '../serve/http.ts';
import { createLogger, logFormats, logLevels, type Logger } from '../telemetry/logger.ts';
import { collectProcessMetrics, createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { runtimeMetrics } from '../telemetry/runtime-metrics.ts';
import { createServiceGauges } from '../telemetry/service-gauges.ts';
import { clusterConfig } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf, UsageError } from './command.ts';
import { leaseName, leaseNamespaceOf, leaseProblem } from './lease.ts';
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
    'leader-elect': { type: 'boolean', default: true },
    'lease-namespace': { type: 'string' },
    'metrics-bind-address': { type: 'string', default: ':8080' },
    'health-probe-bind-address': { type: 'string', default: ':8081' },
    'api-bind-address': { type: 'string', default: ':8443' },
    'metrics-api-service': { type: 'string' },
    'tls-cert-dir': { type: 'string', default: '/tls' },
    'log-level': { type: 'string', default: 'info' },
    'log-format': { type: 'string', default: 'json' },
  },
  help: {
    kubeconfig: clusterHelp.kubeconfig,
    context: clusterHelp.context,
    namespaces: 'look after these only, separated by commas; else after all',
    'leader-elect': 'wait for the Lease `genops` before acting (--no-leader-elect: act at once)',
    'lease-namespace': 'namespace of the Lease; else $POD_NAMESPACE, else genops-system',
    'metrics-bind-address': '/metrics; an empty one switches it off',
    'health-probe-bind-address': '/healthz and /readyz',
    'api-bind-address': 'custom.metrics.k8s.io, with --metrics-api-service',
    'metrics-api-service': 'NAMESPACE/NAME of the Service before the metrics API; switches it on',
    'tls-cert-dir': 'tls.crt and tls.key of the metrics API',
    'log-level': logLevels.join(', '),
    'log-format': logFormats.join(', '),
  },
  async run({ values, env, signal }) {
    const logger = createLogger({
      level: oneOf('log-level', values['log-level'], logLevels),
      format: oneOf('log-format', values['log-format'], logFormats),
    });
    const config = clusterConfig(values);
    await using kube = connectKube(config, { userAgent: `genops/${versionNumber}` });
    const identity = `${hostname()}_${randomBytes(4).toString('hex')}`;
    const metricsApi = serviceRef(values['metrics-api-service']);
    const namespaces = namespacesOf(values.namespaces);
    const metrics = createMetrics();
    await using caches = openCaches({
      kube,
      namespaces,
      watchApiServices: metricsApi !== undefined,
      logger,
      metrics: runtimeMetrics(metrics),
    });
    await using world = openWorld({ kube, caches, metricsApi, logger, metrics, identity });
    const running: HealthCheck[] = [];
    await using servers = new AsyncDisposableStack();
    servers.use(await asAsked(() => serveMetrics(values['metrics-bind-address'], world.deps.metrics.registry)));
    servers.use(
      await asAsked(() =>
        serveHealth(values['health-probe-bind-address'], { ready: caches.all.map(synced), live: () => running }),
      ),
    );
    if (metricsApi !== undefined) {
      const [address, certDir] = [values['api-bind-address'], values['tls-cert-dir']];
      servers.use(
        await asAsked(() =>
          serveCustomMetrics({ address, certDir, kube, collector: world.deps.collector, logger, signal }),
        ),
      );
    }
    if (!values['leader-elect']) await act({ ...world.deps, running }, signal);
    else {
      const namespace = leaseNamespaceOf(values['lease-namespace'], env);
      await competing(
        { kube, namespace, name: leaseName, identity, logger },
        (leadership) =>
          act(
            { ...world.deps, kube: fenced(kube, leadership), mayAct: () => leadership.isHeld(), running },
            leadership.signal,
          ),
        signal,
      );
    }
    return exit.yes;
  },
});

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
async function act(
  { running, ...deps }: OperatorDeps & { readonly running: HealthCheck[] },
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(deps.caches.all.map((collection) => collection.synced(signal)));
  deps.metrics.leader.set(1);
  try {
    const { ended, health } = startReconcilers(deps, signal);
    running.push(...health);
    await ended;
  } finally {
    running.length = 0;
    deps.metrics.leader.set(0);
    deps.collector.untrackAll(); // what is measured here is nobody's any more
  }
}

interface WorldInput {
  readonly kube: Kube;
  readonly caches: Caches;
  readonly metricsApi: ServiceRef | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly identity: string;
}

/** What lives as long as the process, whether it leads or not. */
function openWorld({
  kube,
  caches,
  metricsApi,
  logger,
  metrics,
  identity,
}: WorldInput): AsyncDisposable & { readonly deps: OperatorDeps } {
  const stack = new AsyncDisposableStack();
  collectProcessMetrics(metrics);
  const scraper = createScraper();
  stack.defer(() => scraper.destroy());
  const collector = stack.use(createCollector({ metrics, logger }));
  createServiceGauges(metrics.registry, () => caches.services.list());
  const events = stack.use(openEvents({ kube, controller: 'genops.dev/operator', instance: identity, logger }));
  const deps = {
    kube,
    caches,
    collector,
    scraper,
    guard: createAddressGuard(),
    events,
    metrics,
    logger,
    clock: Date,
    metricsApi,
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
