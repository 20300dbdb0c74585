import { metricNames, type SignalName } from '../api/contract.ts';
import type { SamplePart, WantedFamily } from './exposition.ts';

/** What is read of one Pod. The last five are values of the moment; the others are counted since the reading before. */
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
  | 'memoryBytes'
  | 'runtimeConfigHash';

export const histogramNames = ['responseTime', 'cachedResponseTime', 'workflowDuration'] as const;
export type HistogramName = (typeof histogramNames)[number];

export const isHistogram = (into: Figure | HistogramName): into is HistogramName =>
  histogramNames.some((name) => name === into);

/** An entry of `components[].signals`: the workload's own name for a signal. */
export interface SignalMapping {
  readonly name: SignalName;
  readonly metric: string;
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** A mapping to a member of a JSON view (RFC 6901); all others name a metric. A component that has both kinds of source has both kinds of mappings. */
export const isPointer = ({ metric }: SignalMapping): boolean => metric.startsWith('/');

/** What one label has to be, in the words of PromQL: an absent label is an empty one, and patterns match the whole of it. */
export interface LabelMatcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** Which samples feed a figure or a histogram. */
export interface Feed {
  /** Undefined: nobody maps it to another name. */
  readonly signal: SignalName | undefined;
  /** Of several feeds of one figure the first whose family is there counts. */
  readonly into: Figure | HistogramName;
  readonly family: WantedFamily;
  /** For a figure: the one part that it sums up. For a histogram all three are read. */
  readonly part: SamplePart | 'histogram';
  /** One of these has to hold, with all its matchers. */
  readonly where: readonly (readonly LabelMatcher[])[];
  /** `where`, of labels that are at hand. */
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

type Where = Feed['where'];
const any: Where = [[]];
const statusLabels = ['http_response_status_code', 'status_code', 'status', 'code'] as const;
const isServerError: Where = statusLabels.map((label) => [{ label, operator: '=~', value: '5.*' }]);
const isGenAiError: Where = [[{ label: 'error_type', operator: '!=', value: '' }]];
const isCacheHit: Where = [[{ label: 'cache', operator: '=', value: 'hit' }]];

interface OtherName {
  readonly signal: SignalName;
  readonly metric: string;
  readonly where?: Where;
}

/** Histograms in seconds, of which a name says so. */
const timed: readonly OtherName[] = [
  { signal: 'requestRate', metric: contract.requestRate },
  { signal: 'errors', metric: contract.errors, where: isServerError },
  { signal: 'responseTime', metric: contract.responseTime },
  { signal: 'cachedResponseTime', metric: contract.cachedResponseTime, where: isCacheHit },
  { signal: 'workflowDuration', metric: contract.workflowDuration },
];
/** OpenTelemetry's names for the same. */
const genAiRequest = 'gen_ai_server_request_duration_seconds';
const genAi: readonly OtherName[] = [
  { signal: 'workflowDuration', metric: 'gen_ai_workflow_duration_seconds' },
  { signal: 'workflowDuration', metric: genAiRequest },
  { signal: 'responseTime', metric: genAiRequest },
  { signal: 'requestRate', metric: `${genAiRequest}_count` },
  { signal: 'errors', metric: `${genAiRequest}_count`, where: isGenAiError },
];
/** OpenTelemetry's exporters for Prometheus write the unit behind a name; the one for Node does not. */
const withoutUnit = (one: OtherName): OtherName => ({
  ...one,
  metric: one.metric.replace(/_seconds(?=$|_count$)/, ''),
});
/** For a workload that has none of the contract's: best first. */
const otherNames: readonly OtherName[] = [...timed.map(withoutUnit), ...genAi, ...genAi.map(withoutUnit)];

/** A look-up that misses in L1 goes on to L2 where there is one. */
const cacheFeeds = [
  { into: 'cacheHitsL1', wanted: 'hit', operator: '!~' },
  { into: 'cacheHitsL2', wanted: 'hit', operator: '=~' },
  { into: 'cacheMissesL1', wanted: 'miss', operator: '!~' },
  { into: 'cacheMissesL2', wanted: 'miss', operator: '=~' },
] as const satisfies readonly (Pick<LabelMatcher, 'operator'> & { readonly into: Figure; readonly wanted: string })[];

/**
 * What to read, by the contract's names or the workload's own.
 * Mappings to JSON views are none of a source that reads metrics. A workload that renames responseTime has its requests counted, its errors and its cached answers found there too, unless it names others for them.
 */
export function feedsOf(mappings: readonly SignalMapping[] = []): readonly Feed[] {
  const own = new Map(mappings.filter((mapping) => !isPointer(mapping)).map((mapping) => [mapping.name, mapping]));
  const responseTime = own.get('responseTime');
  const follows = (signal: SignalName): boolean =>
    responseTime !== undefined && contract[signal].startsWith(contract.responseTime);
  const named = (signal: SignalName): string =>
    own.get(signal)?.metric ??
    (responseTime === undefined || !follows(signal)
      ? contract[signal]
      : contract[signal].replace(contract.responseTime, responseTime.metric));
  const where = (signal: SignalName, otherwise: Where = any): Where => {
    const labels = Object.entries(own.get(signal)?.matchLabels ?? {});
    return own.has(signal) ? [labels.map(([label, value]) => ({ label, operator: '=', value }))] : otherwise;
  };
  const [cache = []] = where('cacheRequests');
  return [
    feed('requestRate', named('requestRate'), where('requestRate', where('responseTime'))),
    feed('errors', named('errors'), where('errors', isServerError)),
    ...cacheFeeds.map(({ into, wanted, operator }) => ({
      ...feed('cacheRequests', named('cacheRequests'), [
        [...cache, { label: 'result', operator: '=', value: wanted }, { label: 'level', operator, value: '[lL]2' }],
      ]),
      into,
    })),
    feed('cpu', named('cpu'), where('cpu')),
    feed('workflowsInFlight', named('workflowsInFlight'), where('workflowsInFlight')),
    feed('queueLength', named('queueLength'), where('queueLength')),
    feed('activeConnections', named('activeConnections'), where('activeConnections')),
    feed('memory', named('memory'), where('memory')),
    feed('responseTime', named('responseTime'), where('responseTime')),
    feed('cachedResponseTime', named('cachedResponseTime'), where('cachedResponseTime', isCacheHit)),
    feed('workflowDuration', named('workflowDuration'), where('workflowDuration')),
    ...otherNames
      .filter(({ signal }) => !own.has(signal) && !follows(signal))
      .map(({ signal, metric, where: of = any }) => feed(signal, metric, of)),
    runtimeConfigHash,
  ];
}

/** What the Pod says that it runs with: no signal, and read last. */
const runtimeConfigHash: Feed = {
  signal: undefined,
  into: 'runtimeConfigHash',
  family: { name: metricNames.runtimeConfigHash, kind: 'gauge' },
  part: 'value',
  where: any,
  matches: () => true,
};

/** What the samples of a signal are. Of cacheRequests: into one of four. */
const targets = {
  requestRate: { into: 'requests', kind: 'counter' },
  errors: { into: 'errors', kind: 'counter' },
  cacheRequests: { into: 'cacheHitsL1', kind: 'counter' },
  cpu: { into: 'cpuSeconds', kind: 'counter' },
  workflowsInFlight: { into: 'inFlight', kind: 'gauge' },
  queueLength: { into: 'queue', kind: 'gauge' },
  activeConnections: { into: 'activeConnections', kind: 'gauge' },
  memory: { into: 'memoryBytes', kind: 'gauge' },
  responseTime: { into: 'responseTime', kind: 'histogram' },
  cachedResponseTime: { into: 'cachedResponseTime', kind: 'histogram' },
  workflowDuration: { into: 'workflowDuration', kind: 'histogram' },
} as const satisfies Record<SignalName, Pick<Feed, 'into'> & Pick<WantedFamily, 'kind'>>;

function feed(signal: SignalName, metric: string, where: Where): Feed {
  const { into, kind } = targets[signal];
  const part = kind === 'histogram' ? 'histogram' : 'value';
  const family: Pick<Feed, 'family' | 'part'> =
    kind === 'counter' ? counted(metric) : { family: { name: metric, kind }, part };
  return { signal, into, ...family, where, matches: matcherOf(where) };
}

function matcherOf(where: Where): Feed['matches'] {
  const holds = ({ label, operator, value }: LabelMatcher): Feed['matches'] => {
    const isPattern = operator === '=~' || operator === '!~';
    const pattern = new RegExp(isPattern ? `^(?:${value})$` : '');
    const isWanted = operator === '=' || operator === '=~';
    return (labels) => {
      const seen = labels.get(label) ?? '';
      return (isPattern ? pattern.test(seen) : seen === value) === isWanted;
    };
  };
  const alternatives = where.map((matchers) => matchers.map(holds));
  return (labels) => alternatives.some((all) => all.every((one) => one(labels)));
}

/** A counter that is a histogram's own count is read as a part of it. */
function counted(metric: string): Pick<Feed, 'family' | 'part'> {
  return metric.endsWith('_count')
    ? { family: { name: metric.slice(0, -'_count'.length), kind: 'histogram' }, part: 'count' }
    : { family: { name: metric.replace(/_total$/, ''), kind: 'counter' }, part: 'value' };
}
