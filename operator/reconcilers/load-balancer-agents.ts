import { Ajv, type ValidateFunction } from 'ajv';
import { isIPv6 } from 'node:net';
import { agentPort, LoadBalancerReport } from '../api/load-balancer-report.ts';
import { openDeadline } from '../kube/deadline.ts';
import { selectorFrom } from '../kube/label-selector.ts';
import type { LoadBalancerDeps } from '../levers/load-balancer/lever.ts';
import type { AgentSaid } from '../levers/load-balancer/reports.ts';
import { stateOf, type PodView } from '../metrics/pod-view.ts';
import type { Connections } from '../metrics/sources/connections.ts';
import { fetchPage } from '../metrics/sources/fetch.ts';
import { selectPods, type Caches } from './caches.ts';

/** One that hangs holds up the look at the service for so long. */
const answerWithinMs = 3_000;
const types = { pattern: /^application\/json\b/i, name: 'JSON' };

type Reach = Pick<Connections, 'scraper' | 'guard'>;

/** Asks the agent of each Pod at the Pod's own address, as its metrics are read. */
export function loadBalancerAgents(
  reach: Reach | undefined,
  { pods }: Pick<Caches, 'pods'>,
): LoadBalancerDeps['agents'] {
  if (reach === undefined) return undefined;
  return async (namespace, matchLabels, signal) => {
    const running = selectPods(pods, namespace, selectorFrom({ matchLabels }))
      .filter((pod) => !['Finished', 'Terminating'].includes(stateOf(pod)))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    using deadline = openDeadline(signal, answerWithinMs);
    return Promise.all(running.map((pod) => ask(pod, reach, deadline.signal)));
  };
}

async function ask(
  { name: pod, ip, ports, waiting }: PodView,
  { scraper, guard }: Reach,
  signal: AbortSignal,
): Promise<AgentSaid> {
  const silent = (failure: string): AgentSaid => ({
    pod,
    kind: 'silent',
    failure: waiting === undefined ? failure : `its container waits: ${waiting}; ${failure}`,
  });
  if (ip === undefined) return silent('it has no address yet');
  if (!guard(ip)) return silent(`${ip} is not an address to ask: start the operator with --allow-metric-address`);
  const port = ports.find(({ name }) => name === agentPort.name)?.containerPort ?? agentPort.number;
  const origin = `http://${isIPv6(ip) ? `[${ip}]` : ip}:${port}`;
  const headers = { accept: 'application/json' };
  const page = await fetchPage({ dispatcher: scraper, origin, path: '/status', headers, types }, signal);
  if ('reason' in page) return silent(page.message);
  const report = reportIn(page.text);
  return report === undefined
    ? silent(`${origin}/status is not the report of an agent`)
    : { pod, kind: 'said', report };
}

let compiled: ValidateFunction<LoadBalancerReport> | undefined;

/** Undefined: somebody else answers there. */
function reportIn(text: string): LoadBalancerReport | undefined {
  const validate = (compiled ??= new Ajv({ strict: false, code: { optimize: false } }).compile<LoadBalancerReport>(
    LoadBalancerReport,
  ));
  try {
    const report: unknown = JSON.parse(text);
    return validate(report) ? report : undefined;
  } catch {
    return undefined; // it is said
  }
}
