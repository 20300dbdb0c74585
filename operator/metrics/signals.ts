import { metricNames, type SignalName } from '../api/contract.ts';
import type { SamplePart, WantedFamily } from './exposition.ts';

/** What is read of one Pod. The last four are values of the moment; the others are counted since the reading before. */
export type Figure =
  | 'requests'
  | 'errors'
  | 'cacheHitsL1'
  | 'cacheHitsL2'
  | 'cacheMissesL1'
  | 'cacheMissesL2'
  | 'cpuSeconds'
  | 'inFlight'
  | 'queue'
  | 'activeConnections'
  | 'memoryBytes';

export const histogramNames = ['responseTime', 'cachedResponseTime', 'workflowDuration'] as const;
export type HistogramName = (typeof histogramNames)[number];

/** An entry of `components[].signals`: the workload's own name for a signal. */
export interface SignalMapping {
  readonly name: SignalName;
  readonly metric: string;
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** Which samples feed a figure or a histogram. */
export interface Feed {
  readonly into: Figure | HistogramName;
  readonly family: WantedFamily;
  /** For a figure: the one part that it sums up. For a histogram all three are read. */
  readonly part: SamplePart | 'histogram';
  readonly matches: (labels: ReadonlyMap<string, string>) => boolean;
}

/** The contract's name for each signal. */
const contract: Readonly<Record<SignalName, string>> = {
  cpu: metricNames.cpu,
  memory: metricNames.memory,
  activeConnections: 'http_server_active_requests',
  requestRate: `${metricNames.requestDuration}_count`,
  responseTime: metricNames.requestDuration,
  cachedResponseTime: metricNames.requestDuration,
  workflowDuration: metricNames.workflowDuration,
  workflowsInFlight: metricNames.workflowsInFlight,
  queueLength: metricNames.queueLength,
  errors: `${metricNames.requestDuration}_count`,
  cacheRequests: metricNames.cacheRequests,
};
const statusLabels = ['http_response_status_code', 'status_code', 'status', 'code'] as const;

type Labels = ReadonlyMap<string, string>;
const any = (): boolean => true;
const isServerError = (labels: Labels): boolean => statusLabels.some((label) => labels.get(label)?.startsWith('5'));
const isCacheHit = (labels: Labels): boolean => labels.get('cache') === 'hit';
/** A look-up that misses in L1 goes on to L2 where there is one. */
const cacheFeeds = [
  { into: 'cacheHitsL1', wanted: 'hit', isL2: false },
  { into: 'cacheHitsL2', wanted: 'hit', isL2: true },
  { into: 'cacheMissesL1', wanted: 'miss', isL2: false },
  { into: 'cacheMissesL2', wanted: 'miss', isL2: true },
] as const satisfies readonly { readonly into: Figure; readonly wanted: 'hit' | 'miss'; readonly isL2: boolean }[];
const level = (labels: Labels): string => labels.get('level')?.toLowerCase() ?? 'l1';

/**
 * What to read, by the contract's names or the workload's own.
 * A workload that renames responseTime has its requests counted, its errors and its cached answers found there too, unless it names others for them.
 */
export function feedsOf(mappings: readonly SignalMapping[] = []): readonly Feed[] {
  const own = new Map(mappings.map((mapping) => [mapping.name, mapping]));
  const responseTime = own.get('responseTime');
  const named = (signal: SignalName): string =>
    own.get(signal)?.metric ??
    (responseTime === undefined || !contract[signal].startsWith(contract.responseTime)
      ? contract[signal]
      : contract[signal].replace(contract.responseTime, responseTime.metric));
  const matching = (signal: SignalName, otherwise: Feed['matches'] = any): Feed['matches'] => {
    const labels = Object.entries(own.get(signal)?.matchLabels ?? {});
    if (own.has(signal)) return (seen) => labels.every(([label, value]) => seen.get(label) === value);
    return otherwise;
  };
  const counter = (signal: SignalName, into: Figure, matches: Feed['matches']): Feed => ({
    into,
    ...counted(named(signal)),
    matches,
  });
  const gauge = (signal: SignalName, into: Figure): Feed => ({
    into,
    family: { name: named(signal), kind: 'gauge' },
    part: 'value',
    matches: matching(signal),
  });
  const histogram = (signal: HistogramName, matches: Feed['matches']): Feed => ({
    into: signal,
    family: { name: named(signal), kind: 'histogram' },
    part: 'histogram',
    matches,
  });
  const cache = matching('cacheRequests');
  return [
    counter('requestRate', 'requests', matching('requestRate', matching('responseTime'))),
    counter('errors', 'errors', matching('errors', isServerError)),
    ...cacheFeeds.map(({ into, wanted, isL2 }) =>
      counter(
        'cacheRequests',
        into,
        (labels) => cache(labels) && labels.get('result') === wanted && (level(labels) === 'l2') === isL2,
      ),
    ),
    counter('cpu', 'cpuSeconds', matching('cpu')),
    gauge('workflowsInFlight', 'inFlight'),
    gauge('queueLength', 'queue'),
    gauge('activeConnections', 'activeConnections'),
    gauge('memory', 'memoryBytes'),
    histogram('responseTime', matching('responseTime')),
    histogram('cachedResponseTime', matching('cachedResponseTime', isCacheHit)),
    histogram('workflowDuration', matching('workflowDuration')),
  ];
}

/** A counter that is a histogram's own count is read as a part of it. */
function counted(metric: string): Pick<Feed, 'family' | 'part'> {
  return metric.endsWith('_count')
    ? { family: { name: metric.slice(0, -'_count'.length), kind: 'histogram' }, part: 'count' }
    : { family: { name: metric.replace(/_total$/, ''), kind: 'counter' }, part: 'value' };
}
