import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { milliseconds } from '../api/duration.ts';
import { agentPort } from '../api/load-balancer-report.ts';
import { connectKube } from '../kube/client.ts';
import { startAgent } from '../levers/load-balancer/agent.ts';
import { serveAgent } from '../serve/http.ts';
import { addressOf } from '../serve/listen.ts';
import { createLogger, logFormats, logLevels } from '../telemetry/logger.ts';
import { clusterConfig } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf, UsageError } from './command.ts';
import { versionNumber } from './version.ts';

export const nginxAgent = command({
  summary: 'run nginx and keep it at the settings of a GenerationService and at its Pods',
  examples: ['genops nginx-agent --config-map generation-nginx   # as the process of the container of nginx'],
  options: {
    ...clusterOptions,
    'config-map': { type: 'string' },
    nginx: { type: 'string', default: 'nginx' },
    folder: { type: 'string', default: '/run/genops' },
    'modules-folder': { type: 'string', default: '/usr/lib/nginx/modules' },
    'tls-folder': { type: 'string', default: '/tls' },
    'bind-address': { type: 'string', default: `:${agentPort.number}` },
    'shutdown-delay': { type: 'string', default: '5s' },
    'drain-timeout': { type: 'string', default: '30s' },
    'reload-spread': { type: 'string', default: '2s' },
    'log-level': { type: 'string', default: 'info' },
    'log-format': { type: 'string', default: 'json' },
  },
  help: {
    ...clusterHelp,
    'config-map': 'where the operator writes the settings: loadBalancer.nginx.configMapName of the service',
    nginx: 'the program',
    folder: 'for the configuration, its socket, temporary files and the cache; survives where it is a volume',
    'modules-folder': 'where loadable modules are, brotli for one',
    'tls-folder': 'tls.crt and tls.key, where HTTPS is declared',
    'bind-address': '/healthz, /readyz, /metrics and /status, which the operator reads',
    'shutdown-delay': 'how long it still takes requests after SIGTERM, until nobody sends any more',
    'drain-timeout': 'how long requests that are under way get to end',
    'reload-spread': 'most that a reload waits so that not all replicas reload at once',
    'log-level': logLevels.join(', '),
    'log-format': logFormats.join(', '),
  },
  async run({ values, signal }) {
    const configMapName = values['config-map'];
    if (configMapName === undefined)
      throw new UsageError('saw no --config-map; wanted its name: genops nginx-agent --config-map generation-nginx');
    if (!configMapNames.test(configMapName))
      throw new UsageError(
        `saw --config-map ${JSON.stringify(configMapName)}; wanted the name of a ConfigMap, for example generation-nginx`,
      );
    const bindAddress = values['bind-address'];
    asOption('bind-address', () => bindAddress === '' || addressOf(bindAddress));
    const shutdownDelayMs = durationOf('shutdown-delay', values['shutdown-delay']);
    const logger = createLogger({
      level: oneOf('log-level', values['log-level'], logLevels),
      format: oneOf('log-format', values['log-format'], logFormats),
    });
    const folder = path.resolve(values.folder);
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const config = await clusterConfig(values);
    await using kube = connectKube(config, { userAgent: `genops-nginx-agent/${versionNumber}` });
    await using agent = await startAgent(
      {
        kube,
        namespace: values.namespace ?? config.namespace,
        configMapName,
        binary: values.nginx,
        folder,
        modulesFolder: values['modules-folder'],
        tlsFolder: values['tls-folder'],
        drainMs: durationOf('drain-timeout', values['drain-timeout']),
        spreadMs: durationOf('reload-spread', values['reload-spread']),
        logger,
      },
      signal,
    );
    await using _ = await serveAgent(bindAddress, {
      live: agent.live,
      report: () => agent.report(),
      metrics: agent.metrics,
      problem: async () => (signal.aborted ? 'it is told to end' : agent.problem(AbortSignal.timeout(1_000))),
    });
    const end = await Promise.race([agent.ended, aborted(signal)]);
    if (end !== undefined) {
      logger.error('nginx has ended though nobody told it to', { by: end });
      return exit.no; // whoever runs the container starts both anew
    }
    await pause(shutdownDelayMs); // endpoints still lead here
    return exit.yes;
  },
});

const configMapNames = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** @throws {UsageError} */
const durationOf = (flag: string, text: string): number => asOption(flag, () => milliseconds(text));

/** @throws {UsageError} */
function asOption<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`--${flag}: ${Error.isError(error) ? error.message : String(error)}`, { cause: error });
  }
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return undefined;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  signal.addEventListener('abort', () => resolve(undefined), { once: true });
  return promise;
}
