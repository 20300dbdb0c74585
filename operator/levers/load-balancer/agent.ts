import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { LoadBalancerReport } from '../../api/load-balancer-report.ts';
import type { Kube } from '../../kube/client.ts';
import { alive, type HealthCheck } from '../../kube/health.ts';
import type { Logger } from '../../kube/logger.ts';
import { startLoop } from '../../kube/loop.ts';
import { createQueue } from '../../kube/queue.ts';
import { createAgentMetrics, type MetricsPage } from '../../telemetry/agent-metrics.ts';
import { openDnsServer } from './dns-server.ts';
import { Certificates, followCertificate } from './certificate.ts';
import { closingMsOf } from './closing.ts';
import { isServing } from './generation.ts';
import { openNginx } from './nginx-process.ts';
import { certificateRefusal, probeNginx, type NginxProgram } from './nginx-program.ts';
import type { Place } from './render.ts';
import type { LoggedRequest } from './request-log.ts';
import { openRequestLog } from './request-log-server.ts';
import { Tending } from './tending.ts';
import { openWatched } from './watched.ts';

export interface AgentOptions {
  readonly kube: Kube;
  readonly namespace: string;
  readonly configMapName: string;
  readonly binary: string;
  /** Absolute; only ours. */
  readonly folder: string;
  readonly modulesFolder: string;
  readonly tlsFolder: string;
  /** What requests get to end, in ms, when nginx is told to. */
  readonly drainMs: number;
  /** Most that a reload waits so that not all replicas reload at once. */
  readonly spreadMs: number;
  readonly logger: Logger;
}

/** Keeps one nginx at the settings of its ConfigMap and at the Pods that are ready; without an API server it goes on with what it has. */
export interface Agent extends AsyncDisposable {
  report(): Promise<LoadBalancerReport>;
  readonly metrics: MetricsPage;
  readonly live: readonly HealthCheck[];
  /** Why it is not to be sent requests; undefined where it is. */
  problem(signal: AbortSignal): Promise<string | undefined>;
  /** Resolves with how nginx ended, though nobody told it to. */
  readonly ended: Promise<string>;
}

const key = 'nginx';

export async function startAgent(options: AgentOptions, signal: AbortSignal): Promise<Agent> {
  const { folder, tlsFolder, spreadMs, namespace, configMapName, logger } = options;
  await using stack = new AsyncDisposableStack();
  const program = await probeNginx(options, signal);
  logger.info('nginx', { version: program.version, capabilities: [...program.capabilities].join() });
  const dns = stack.use(await openDnsServer(logger)); // before nginx: it would fail requests until it answers
  const hear = (request: LoggedRequest): void => {
    metrics.note(request);
    tending.hear(request);
  };
  const log = stack.use(await openRequestLog(logger, hear)); // as long as nginx, too
  const nginx = stack.use(openNginx({ ...options, closingMs: closingMsOf(program.capabilities) }));
  const queue = createQueue({ name: 'nginx-agent' });
  const watched = stack.use(openWatched({ ...options, onChange: () => queue.add(key) }));
  const stop = new AbortController();
  let isListed = false;
  const tending = new Tending({
    configMap: `${namespace}/${configMapName}`,
    place: placeOf(options, program, { dnsPort: dns.port, logPort: log.port }),
    program,
    certificates: certificatesOf(options),
    dns,
    nginx,
    watched,
    log,
    addresses: ownAddresses(),
    isListed: () => isListed,
    jitterMs: Math.random() * spreadMs,
    logger,
  });
  const metrics = createAgentMetrics({
    report: () => tending.report(),
    figures: () => tending.figures(AbortSignal.any([stop.signal, AbortSignal.timeout(1_000)])),
  });
  const reconcile = () => tending.tend(stop.signal);
  const loop = startLoop({ name: queue.name, queue, reconcile, logger }, stop.signal);
  const collections = [watched.settings, watched.endpoints];
  queue.add(key);
  const listing = async (): Promise<void> => {
    await Promise.all(collections.map((collection) => collection.synced(stop.signal)));
    isListed = true;
    queue.add(key);
  };
  const listed = listing().catch(() => undefined); // it ends
  const followed = followCertificate(tlsFolder, () => queue.add(key), stop.signal);
  stack.defer(async () => {
    stop.abort(new Error('the agent ends'));
    await Promise.all([loop.ended, listed, followed]);
  });
  const owned = stack.move();
  return {
    report: () => tending.report(),
    metrics: metrics.page,
    live: [alive(loop)],
    problem: async (until) =>
      (await isServing(folder, until)) ? undefined : (tending.refusal ?? 'nothing is loaded yet'),
    ended: nginx.ended,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const placeOf = (
  { folder }: AgentOptions,
  { modules }: NginxProgram,
  ports: Pick<Place, 'dnsPort' | 'logPort'>,
): Place => ({
  folder,
  modules,
  ...ports,
  ...(process.getuid?.() === 0 ? { user: 'nobody nogroup' } : {}),
});

const certificatesOf = ({ folder, tlsFolder, binary }: AgentOptions): Certificates =>
  new Certificates({
    mounted: tlsFolder,
    folder: join(folder, 'tls'),
    refusal: (pair, signal) => certificateRefusal({ binary, folder, pair }, signal),
  });

const ownAddresses = (): ReadonlySet<string> =>
  new Set(
    Object.values(networkInterfaces()).flatMap((all = []) =>
      all.filter(({ internal }) => !internal).map(({ address }) => address),
    ),
  );
