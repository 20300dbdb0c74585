import { mean, together, quantile, type Histogram } from './histogram.ts';
import { createHistogramRing, type HistogramRing } from './histogram-window.ts';
import { stateOf, type ContainerView, type PodState, type PodView } from './pod-view.ts';
import { usageStandsMs, type Reading } from './reading.ts';
import { histogramNames, type HistogramName } from './signals.ts';
import type { ReadFailure } from './sources/source.ts';
import { createRing, type Ring } from './windows.ts';

export interface WindowOptions {
  /** Whose requests and limits percentages are taken of; undefined: the Pod's default container, which stands first. */
  readonly containerName: string | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Rows kept of the component; more where the window needs them. */
  readonly history: number;
  /** The longest window that quantiles are asked for. */
  readonly windowMs: number;
}

/** Of what was observed since the row before, in seconds. Those of a longer window are of its histogram. */
export const latencyColumns = [
  'responseTimeAverage',
  'responseTimeP50',
  'responseTimeP95',
  'responseTimeP99',
  'cachedResponseTimeP95',
  'workflowDurationP95',
] as const;
export type LatencyColumn = (typeof latencyColumns)[number];

/** Sums of what Pods tell of their load. */
export const loadFigures = ['requestRate', 'inFlight', 'queue', 'activeConnections'] as const;
export type LoadFigure = (typeof loadFigures)[number];

/**
 * A row of a component; rates in 1/s, CPU in cores, memory in bytes. `requestRate` is that of all Pods that answered, and unknown while one of them has none yet;
 * `answerRate` is that of the `podsCounted` that have one: what shares and means for each Pod are taken of. `…Partial` of those that answered were looked at before, and do not tell of a load what others tell: its sum is less than there is.
 */
export const componentColumns = [
  'podsReady',
  'podsAnswered',
  'podsCounted',
  'requestRate',
  'answerRate',
  'errorRate',
  'cacheHitRate',
  'cacheMissRate',
  'cpuCores',
  'cpuPercent',
  'memoryBytes',
  'memoryPercent',
  'inFlight',
  'queue',
  'activeConnections',
  'requestRatePartial',
  'inFlightPartial',
  'queuePartial',
  'activeConnectionsPartial',
  ...latencyColumns,
] as const;
export type ComponentColumn = (typeof componentColumns)[number];

const podColumns = ['elapsedSeconds', 'requests', 'errors', 'cpuSeconds', 'memoryBytes', 'inFlight', 'queue'] as const;
type PodColumn = (typeof podColumns)[number];

/** What is kept of one Pod. */
export interface PodRecord {
  readonly rows: Ring<PodColumn>;
  latest: Reading | undefined;
  failure: ReadFailure | undefined;
  /** Its CPU and memory, from elsewhere, while looks fail. */
  usage: Reading | undefined;
}

/** Everything measured of one component. */
export interface ComponentWindow {
  readonly options: WindowOptions;
  readonly pods: Map<string, PodRecord>;
  readonly rows: Ring<ComponentColumn>;
  /** ms since the epoch: rows up to then are of a source that was read before, and what is judged by this one does not stand on them. */
  readonly begunAfter: number;
  readonly histograms: Readonly<Record<HistogramName, HistogramRing>>;
  /** Observations since the last row. */
  pending: Partial<Record<HistogramName, Histogram>>;
}

export interface PodRate {
  readonly namespace: string;
  readonly pod: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: PodState;
  /** Undefined while it is unknown: never looked at twice, stale, or not Ready. */
  readonly requestsPerSecond: number | undefined;
  /** ms since the epoch of the newest look; undefined before the first. */
  readonly observedAt: number | undefined;
  /** Over which the rate was counted; undefined with the rate. */
  readonly windowSeconds: number | undefined;
}

/** Three looks, and at most half a minute: long enough that a scrape more or less makes no jump, short enough for a scaler that was set to look often. */
const rateWindowMs = ({ intervalMs }: Pick<WindowOptions, 'intervalMs'>): number => Math.min(30_000, 3 * intervalMs);

/** @param before Of the same component by another source: its rows stay, for who looks back. */
export function createComponentWindow(options: WindowOptions, before?: ComponentWindow): ComponentWindow {
  const { history, windowMs, intervalMs } = options;
  const rows = Math.ceil(windowMs / intervalMs) + 1;
  return {
    options,
    pods: new Map(),
    rows: before?.rows ?? createRing(componentColumns, Math.max(history, rows)),
    begunAfter: before?.rows.newestAt ?? -Infinity,
    histograms: {
      responseTime: createHistogramRing(rows),
      cachedResponseTime: createHistogramRing(rows),
      workflowDuration: createHistogramRing(rows),
    },
    pending: {},
  };
}

/** Longest age at which a figure still says something of now: two looks missed. */
export const staleAfterMs = ({ intervalMs, timeoutMs }: Pick<WindowOptions, 'intervalMs' | 'timeoutMs'>): number =>
  2.5 * intervalMs + timeoutMs;

export function acceptReading(window: ComponentWindow, uid: string, reading: Reading): void {
  const record = recordOf(window, uid);
  record.latest = reading;
  record.failure = undefined;
  record.usage = undefined;
  const { elapsedMs, figures } = reading;
  record.rows.append(reading.observedAt, {
    ...figures,
    elapsedSeconds: elapsedMs === undefined ? NaN : elapsedMs / 1_000,
  });
  for (const name of histogramNames) {
    const histogram = reading.histograms[name];
    if (histogram !== undefined) window.pending[name] = together(window.pending[name], histogram);
  }
}

export function acceptFailure(window: ComponentWindow, uid: string, failure: ReadFailure, usage?: Reading): void {
  Object.assign(recordOf(window, uid), { failure, usage });
}

/** Between two looks of a Pod that fails. */
export function acceptUsage(window: ComponentWindow, uid: string, usage: Reading | undefined): void {
  recordOf(window, uid).usage = usage;
}

function recordOf({ pods, options }: ComponentWindow, uid: string): PodRecord {
  const known = pods.get(uid);
  if (known !== undefined) return known;
  const rows = Math.min(
    options.history,
    Math.ceil(Math.max(options.windowMs, rateWindowMs(options)) / options.intervalMs) + 1,
  );
  const record: PodRecord = {
    rows: createRing(podColumns, rows),
    latest: undefined,
    failure: undefined,
    usage: undefined,
  };
  pods.set(uid, record);
  return record;
}

/** Closes the interval that ends at `at`: one row of what its Ready Pods said in it. */
export function closeRow(window: ComponentWindow, views: readonly PodView[], at: number): void {
  const { options, pods, pending } = window;
  const ready = views.filter((view) => stateOf(view) === 'Ready');
  const fresh = ready.flatMap((view) => {
    const { latest, failure } = pods.get(view.uid) ?? {};
    // Half an interval more than it should be old: a look may come a little after the row that it was meant for.
    const isFresh = latest !== undefined && failure === undefined && at - latest.observedAt <= 1.5 * options.intervalMs;
    return isFresh ? [{ view, reading: latest }] : [];
  });
  const looks = fresh.map(({ view, reading }) => lookOf(reading, measuredContainer(view, options)));
  const { requestRate, ...row } = rowOf([...looks, ...usageOf(window, ready, at)]);
  const isCounted = fresh.every(({ reading }) => reading.elapsedMs !== undefined); // what some of the Pods do would look like a lower load
  window.rows.append(at, {
    ...row,
    answerRate: requestRate,
    requestRate: isCounted ? requestRate : NaN,
    ...latenciesOf(pending),
    podsReady: ready.length,
    podsAnswered: fresh.length,
    podsCounted: looks.filter((look) => !Number.isNaN(look.requestRate)).length,
    ...partialOf(looks.filter((_, index) => fresh[index]?.reading.elapsedMs !== undefined)),
  });
  for (const name of histogramNames) window.histograms[name].append(at, pending[name]);
  window.pending = {};
}

/** Of those that cannot be read, CPU and memory: of nothing else is anything known. */
const usageOf = ({ pods, options }: ComponentWindow, ready: readonly PodView[], at: number): readonly Look[] =>
  ready.flatMap((view) => {
    const usage = pods.get(view.uid)?.usage;
    const isFresh = usage !== undefined && at - usage.observedAt <= usageStandsMs(usage, options.intervalMs);
    return isFresh ? [lookOf(usage, measuredContainer(view, options))] : [];
  });

/** How many leave out what others tell, by what it is. */
function partialOf(looks: readonly Look[]): Readonly<Partial<Record<ComponentColumn, number>>> {
  return Object.fromEntries(
    loadFigures.map((figure) => {
      const silent = looks.filter((look) => Number.isNaN(look[figure])).length;
      return [`${figure}Partial`, silent === looks.length ? 0 : silent];
    }),
  );
}

function latenciesOf({
  responseTime,
  cachedResponseTime,
  workflowDuration,
}: ComponentWindow['pending']): Readonly<Record<LatencyColumn, number>> {
  const at = (histogram: Histogram | undefined, q: number): number =>
    (histogram && quantile(histogram, q)?.value) ?? NaN;
  return {
    responseTimeAverage: (responseTime && mean(responseTime)) ?? NaN,
    responseTimeP50: at(responseTime, 0.5),
    responseTimeP95: at(responseTime, 0.95),
    responseTimeP99: at(responseTime, 0.99),
    cachedResponseTimeP95: at(cachedResponseTime, 0.95),
    workflowDurationP95: at(workflowDuration, 0.95),
  };
}

export const containerOf = ({ containers }: PodView, name: string | undefined): ContainerView | undefined =>
  containers.find((container) => container.name === name) ?? containers[0];

/** What its figures are shares of. Undefined: while a Pod has not what its spec says, nobody knows the share, and unknown is not low. */
export const measuredContainer = (
  view: PodView,
  { containerName }: Pick<WindowOptions, 'containerName'>,
): ContainerView | undefined => (view.resize === undefined ? containerOf(view, containerName) : undefined);

/** One Pod's share of a row; NaN where it is unknown. */
interface Look {
  readonly requestRate: number;
  readonly errorRate: number;
  readonly cacheHitRate: number;
  readonly cacheMissRate: number;
  readonly cpuCores: number;
  readonly cpuOf: number;
  readonly memoryBytes: number;
  readonly memoryOf: number;
  readonly inFlight: number;
  readonly queue: number;
  readonly activeConnections: number;
}

export function lookOf({ figures, elapsedMs }: Reading, container: ContainerView | undefined): Look {
  const rate = (increase: number | undefined): number =>
    increase === undefined || elapsedMs === undefined ? NaN : increase / (elapsedMs / 1_000);
  const { cacheHitsL1 = NaN, cacheHitsL2 = NaN, cacheMissesL1 = NaN, cacheMissesL2 = NaN } = figures;
  return {
    requestRate: rate(figures.requests),
    errorRate: rate(figures.errors),
    cacheHitRate: rate(cacheHitsL1 + cacheHitsL2),
    // Where L2 was asked, what L1 missed is no miss yet.
    cacheMissRate: rate(cacheHitsL2 + cacheMissesL2 > 0 ? cacheMissesL2 : cacheMissesL1),
    cpuCores: rate(figures.cpuSeconds),
    cpuOf: container?.cpuLimit ?? container?.cpuRequest ?? NaN,
    memoryBytes: figures.memoryBytes ?? NaN,
    memoryOf: container?.memoryLimit ?? container?.memoryRequest ?? NaN,
    inFlight: figures.inFlight ?? NaN,
    queue: figures.queue ?? NaN,
    activeConnections: figures.activeConnections ?? NaN,
  };
}

function rowOf(looks: readonly Look[]): Partial<Record<ComponentColumn, number>> & Pick<Look, 'requestRate'> {
  const known = (key: keyof Look): number[] => looks.map((look) => look[key]).filter((value) => !Number.isNaN(value));
  const sum = (key: keyof Look): number => {
    const values = known(key);
    return values.length === 0 ? NaN : values.reduce((total, value) => total + value, 0);
  };
  const percent = (used: 'cpuCores' | 'memoryBytes', of: 'cpuOf' | 'memoryOf'): number => {
    const both = looks.filter((look) => !Number.isNaN(look[used]) && look[of] > 0);
    const total = (key: keyof Look): number => both.reduce((all, look) => all + look[key], 0);
    return both.length === 0 ? NaN : (100 * total(used)) / total(of);
  };
  const memory = known('memoryBytes');
  return {
    requestRate: sum('requestRate'),
    errorRate: sum('errorRate'),
    cacheHitRate: sum('cacheHitRate'),
    cacheMissRate: sum('cacheMissRate'),
    cpuCores: sum('cpuCores'),
    cpuPercent: percent('cpuCores', 'cpuOf'),
    memoryBytes: memory.length === 0 ? NaN : Math.max(...memory), // the objective is per Pod: the worst counts
    memoryPercent: percent('memoryBytes', 'memoryOf'),
    inFlight: sum('inFlight'),
    queue: sum('queue'),
    activeConnections: sum('activeConnections'),
  };
}

/** The rate of each Pod that there is now, by what was counted in the last three looks, at most half a minute. */
export function podRatesOf(
  { pods, options }: ComponentWindow,
  views: readonly PodView[],
  now: number,
): readonly PodRate[] {
  return views.map((view) => {
    const state = stateOf(view);
    const rows = pods.get(view.uid)?.rows;
    const observedAt = rows?.newestAt;
    const isFresh = observedAt !== undefined && now - observedAt <= staleAfterMs(options);
    const rate =
      state === 'Ready' && isFresh && rows !== undefined ? rateOf(rows, observedAt - rateWindowMs(options)) : undefined;
    return {
      namespace: view.namespace,
      pod: view.name,
      labels: view.labels,
      state,
      observedAt,
      requestsPerSecond: rate?.perSecond,
      windowSeconds: rate?.seconds,
    };
  });
}

function rateOf(
  rows: Ring<PodColumn>,
  since: number,
): { readonly perSecond: number; readonly seconds: number } | undefined {
  const { figures } = rows.since(since, ['elapsedSeconds', 'requests']);
  let [seconds, requests] = [0, 0];
  for (const [index, elapsed] of figures.elapsedSeconds.entries()) {
    const counted = figures.requests[index] ?? NaN;
    if (Number.isNaN(elapsed) || Number.isNaN(counted)) continue;
    seconds += elapsed;
    requests += counted;
  }
  return seconds === 0 ? undefined : { perSecond: requests / seconds, seconds };
}
