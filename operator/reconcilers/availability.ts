import type { Finding } from '../api/conditions.ts';
import { milliseconds } from '../api/duration.ts';
import { problemMessage } from '../api/problem.ts';
import type { SourceType } from '../api/metric-source.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { keyOf } from '../kube/object.ts';
import type { Collector } from '../metrics/collector.ts';
import { stateOf, type PodView } from '../metrics/pod-view.ts';
import type { PassedOver } from '../metrics/sources/source.ts';
import { selectPods, type PodIndex } from './caches.ts';
import { namedSources } from './measuring.ts';

export interface AvailabilityDeps {
  readonly collector: Collector;
  readonly caches: { readonly pods: PodIndex };
  readonly clock: { now(): number };
}

/** Of the components whose target was not found. */
export const withoutTarget = ({ service, components }: Resolved): readonly Finding<'MetricsAvailable'>[] =>
  service.spec.components
    .filter(({ name }) => !components.some(({ spec }) => spec.name === name))
    .map(({ name }) => ({
      type: 'MetricsAvailable',
      status: 'False',
      reason: 'NoPods',
      message: problemMessage({
        saw: `no target of component ${name}`,
        wanted: 'its Pods',
        next: 'see the condition TargetFound',
      }),
    }));

const pending: Finding<'MetricsAvailable'> = {
  type: 'MetricsAvailable',
  status: 'Unknown',
  reason: 'Pending',
  message: 'The Pods have not been read twice yet.',
};

/** Looks after which an exposition that has no request rate will not get one. */
const patientLooks = 3;

/** Whether decisions about a component stand on fresh figures; if not, the first thing that a person would look at. */
export function availability(
  resolved: Resolved,
  component: ResolvedComponent,
  deps: AvailabilityDeps,
): Finding<'MetricsAvailable'> {
  const { service } = resolved;
  const { collector, caches } = deps;
  const type = 'MetricsAvailable';
  const { name } = component.spec;
  const key = keyOf(service);
  const no = (
    reason: Finding<'MetricsAvailable'>['reason'],
    saw: string,
    wanted: string,
    next: string,
  ): Finding<'MetricsAvailable'> => ({
    type,
    status: 'False',
    reason,
    message: problemMessage({ saw, wanted, next }),
  });
  const pods = selectPods(caches.pods, service.metadata.namespace, component.target.selector);
  const ready = pods.filter((pod) => stateOf(pod) === 'Ready');
  if (component.target.replicas === 0 && ready.length === 0)
    return no(
      'NoPods',
      `0 replicas in the target of component ${name}`,
      'at least one',
      'scale it up: an HPA rests at 0 until somebody does; until then nothing is decided by load',
    );
  if (ready.length === 0)
    return no(
      'NoPods',
      `no Ready Pod of component ${name}`,
      'at least one',
      'kubectl get pods shows why; until then nothing is decided by load',
    );
  const read = collector.podRates(key, name).filter(({ requestsPerSecond }) => requestsPerSecond !== undefined);
  const chosen = collector.sourceOf(key, name);
  if (chosen === undefined) return pending; // nothing is asked yet
  const { type: source, passedOver } = chosen;
  const broken = collector.brokenOf(key, name);
  if (read.length > 0) {
    const fresh = broken.length > 0 ? notAllFigures(broken) : freshness(ready, read, resolved, deps);
    const message = `${fresh}${insteadOf(source, passedOver)}`;
    return { type, status: 'True', reason: 'Fresh', message };
  }
  const [failed] = [
    ...passedOver,
    ...collector.failuresOf(key, name).map(({ failure }) => ({ type: source, failure })),
  ];
  if (failed !== undefined)
    return no(
      'SourceUnreachable',
      `${failed.failure.message} (component ${name})`,
      wantedOf[failed.type],
      failed.failure.next ?? 'check components[].metrics and network policies',
    );
  if (!isReadOften(ready, name, resolved, deps)) return pending;
  const ofLoad = broken.find(({ into }) => into === 'requests');
  if (ofLoad !== undefined)
    return no('SignalMissing', `${ofLoad.words} in ${wantedOf[source]} of component ${name}`, aFigure, correct);
  const tried = source === 'Resource' ? namedSources(component.spec).filter(({ type: other }) => other !== source) : [];
  const [wanted, next] = tried.length === 0 ? missingOf[source] : onTrial(tried);
  return no('SignalMissing', `no requestRate in ${wantedOf[source]} of component ${name}`, wanted, next);
}

const wantedOf = {
  Pods: 'the Prometheus exposition of each Pod',
  HTTP: 'the JSON views of each Pod',
  Prometheus: 'what Prometheus has of each Pod',
  Resource: 'the figures of metrics.k8s.io',
} as const;

/** What was wanted where there is no requestRate, and what to do. */
const missingOf = {
  Pods: [
    'http_server_request_duration_seconds, or another name in components[].signals',
    'serve it, or map it: signals: [{name: requestRate, metric: …}]',
  ],
  HTTP: [
    '/metrics/request_rate, or another JSON pointer in components[].signals',
    'serve it, or map it: signals: [{name: requestRate, metric: /…}]',
  ],
  Prometheus: [
    'http_server_request_duration_seconds with the labels namespace and pod, scraped at least each 30 s',
    'map it in components[].signals, or give prometheus.queries.requestRate',
  ],
  Resource: [
    'a source that knows of load: it has cpu and memory only',
    'put one of type Pods, Prometheus or HTTP before it in components[].metrics',
  ],
} as const;

const aFigure = 'a number from 0';
const correct =
  'correct what counts it in the workload, or the query that asks for it: its load is unknown until then, and nothing is scaled down';

/** None of them has failed when it was tried last: it is not read yet. */
const onTrial = (sources: readonly { readonly type: SourceType }[]): readonly [string, string] => [
  'a source that knows of load: it has cpu and memory only',
  `wait: ${sources.map(({ type }) => type).join(', ')} is being tried, and is read once it has worked for three looks`,
];

function notAllFigures(broken: ReturnType<Collector['brokenOf']>): string {
  const all = [...new Set(broken.map(({ words }) => words))];
  const more = all.length > shownBroken ? `, and ${all.length - shownBroken} more` : '';
  return `Not all that is read of the Pods is a figure (${all.slice(0, shownBroken).join('; ')}${more}): what stands on it is unknown, the rest is fresh. Next: serve numbers from 0 there, each line a sample, or ask a Prometheus for such.`;
}

/** A message is short. */
const shownBroken = 3;

/** The better source that is not read: nothing is amiss with the figures, but somebody wanted others. */
function insteadOf(source: SourceType, [better]: readonly PassedOver[]): string {
  if (better === undefined) return '';
  const next = better.failure.next ?? 'check components[].metrics and network policies';
  return ` Read from ${source}, since ${better.type} fails (${better.failure.reason}). Next: ${next}.`;
}

/** Whose figures are fresh, in two words, so that a Pod more or less is no news. One that has just become Ready is not missed yet. */
function freshness(
  ready: readonly PodView[],
  read: readonly { readonly pod: string }[],
  { policy }: Resolved,
  { clock }: AvailabilityDeps,
): string {
  const known = new Set(read.map(({ pod }) => pod));
  const patienceMs = patientLooks * milliseconds(policy.collector.interval);
  const isMissed = ({ name, readySince = 0 }: PodView): boolean =>
    !known.has(name) && clock.now() - readySince >= patienceMs;
  return ready.some(isMissed)
    ? 'Signals are fresh of some Pods and not of others: decisions stand on the former. Next: compare what each Pod serves, and network policies.'
    : 'Every needed signal is fresh.';
}

/** Whether what the Pods have not told yet will not come: neither we nor they are new here. */
function isReadOften(
  ready: readonly PodView[],
  component: string,
  { service, policy }: Resolved,
  { collector, clock }: AvailabilityDeps,
): boolean {
  const intervalMs = milliseconds(policy.collector.interval);
  const patienceMs = patientLooks * intervalMs;
  // The policy's window may hold fewer looks than that.
  const windowMs = Math.max(milliseconds(policy.objectives.window), patienceMs + intervalMs);
  const { coveredMs = 0 } = collector.windowOf(keyOf(service), component, windowMs) ?? {};
  return coveredMs >= patienceMs && ready.some(({ readySince = 0 }) => clock.now() - readySince >= patienceMs);
}
