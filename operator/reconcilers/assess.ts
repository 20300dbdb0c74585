import type { NewCondition } from '../api/conditions.ts';
import { problemMessage } from '../api/problem.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { keyOf, type Key } from '../kube/object.ts';
import type { Collector } from '../metrics/collector.ts';

export interface AssessDeps {
  readonly collector: Collector;
  readonly clock: { now(): number };
}

type Unobserved<T extends 'MetricsAvailable' | 'ObjectivesMet'> = Omit<NewCondition<T>, 'observedGeneration'>;

/** What the measured figures say of a service, for its status: states and coarse values only, so that it seldom changes. */
export interface Assessment {
  readonly conditions: readonly (Unobserved<'MetricsAvailable'> | Unobserved<'ObjectivesMet'>)[];
  readonly figures: Pick<GenerationServiceStatus, 'objectives' | 'objectivesMet' | 'rating'>;
  /** By component. */
  readonly components: ReadonlyMap<string, { readonly metricsSource?: string }>;
}

export function assess(resolved: Resolved, { collector }: AssessDeps): Assessment {
  const key = keyOf(resolved.service);
  const seen = resolved.components.map((component) => availability(key, component, collector));
  const worst = seen.find(({ status }) => status !== 'True') ?? seen[0];
  const sources = resolved.components.filter((_, index) => seen[index]?.status === 'True');
  return {
    conditions: worst === undefined ? [] : [worst],
    figures: {},
    components: new Map(sources.map(({ spec }) => [spec.name, { metricsSource: 'Pods' }])),
  };
}

/** Whether decisions about a component stand on fresh figures; if not, the first thing that a person would look at. */
function availability(
  key: Key,
  { spec: { name } }: ResolvedComponent,
  collector: Collector,
): Unobserved<'MetricsAvailable'> {
  const type = 'MetricsAvailable';
  const no = (
    reason: Unobserved<'MetricsAvailable'>['reason'],
    saw: string,
    wanted: string,
    next: string,
  ): Unobserved<'MetricsAvailable'> => ({
    type,
    status: 'False',
    reason,
    message: problemMessage({ saw: `${saw} of component ${name}`, wanted, next }),
  });
  const rates = collector.podRates(key, name);
  if (!rates.some(({ state }) => state === 'Ready'))
    return no(
      'NoPods',
      'no Ready Pod',
      'at least one',
      'kubectl get pods shows why; until then nothing is decided by load',
    );
  if (rates.some(({ requestsPerSecond }) => requestsPerSecond !== undefined))
    return { type, status: 'True', reason: 'Fresh', message: 'Every needed signal is fresh.' };
  const [failed] = collector.failuresOf(key, name);
  if (failed !== undefined)
    return no(
      'SourceUnreachable',
      failed.failure.message,
      'the Prometheus exposition of each Pod',
      'check components[].metrics and network policies',
    );
  if (rates.every(({ observedAt }) => observedAt === undefined))
    return { type, status: 'Unknown', reason: 'Pending', message: 'The Pods have not been read twice yet.' };
  return no(
    'SignalMissing',
    'no requestRate in the exposition',
    'http_server_request_duration_seconds, or another name in components[].signals',
    'serve it, or map it: signals: [{name: requestRate, metric: …}]',
  );
}
