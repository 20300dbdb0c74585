import type { Finding } from '../api/conditions.ts';
import { milliseconds } from '../api/duration.ts';
import { problemMessage } from '../api/problem.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { keyOf } from '../kube/object.ts';
import type { Collector } from '../metrics/collector.ts';
import { stateOf, type PodView } from '../metrics/pod-view.ts';
import { selectPods, type PodIndex } from './caches.ts';
import { notYet, unreadSources } from './not-implemented.ts';

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
    message: problemMessage({ saw: `${saw} of component ${name}`, wanted, next }),
  });
  const unread = unreadSources(component.spec);
  if (unread.length > 0)
    return {
      type,
      status: 'Unknown',
      reason: 'NotImplemented',
      message: notYet(
        `components[${name}].metrics of type ${unread.join(', ')}`,
        'put an entry of type Pods before it, or serve the exposition on a port named metrics and remove it',
      ),
    };
  const pods = selectPods(caches.pods, service.metadata.namespace, component.target.selector);
  const ready = pods.filter((pod) => stateOf(pod) === 'Ready');
  if (ready.length === 0)
    return no(
      'NoPods',
      'no Ready Pod',
      'at least one',
      'kubectl get pods shows why; until then nothing is decided by load',
    );
  const read = collector.podRates(key, name).filter(({ requestsPerSecond }) => requestsPerSecond !== undefined);
  if (read.length > 0)
    return { type, status: 'True', reason: 'Fresh', message: freshness(ready, read, resolved, deps) };
  const [failed] = collector.failuresOf(key, name);
  if (failed !== undefined)
    return no(
      'SourceUnreachable',
      failed.failure.message,
      'the Prometheus exposition of each Pod',
      'check components[].metrics and network policies',
    );
  if (!isReadOften(ready, name, resolved, deps))
    return { type, status: 'Unknown', reason: 'Pending', message: 'The Pods have not been read twice yet.' };
  return no(
    'SignalMissing',
    'no requestRate in the exposition',
    'http_server_request_duration_seconds, or another name in components[].signals',
    'serve it, or map it: signals: [{name: requestRate, metric: …}]',
  );
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
