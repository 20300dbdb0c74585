import type { SignalName } from '../../api/contract.ts';
import type { Dispatcher } from 'undici';
import type { AddressGuard } from '../address-guard.ts';
import type { Histogram } from '../histogram.ts';
import type { Reading } from '../reading.ts';
import { isPointer, type Figure, type SignalMapping } from '../signals.ts';
import { fetchPage } from './fetch.ts';
import { addressOf } from './pods.ts';
import { failed, type ReadFailure, type ReadResult, type Source } from './source.ts';

/** `components[].metrics[].http` of the API. */
interface HttpEndpoint {
  /** Name or number of a container port. */
  readonly port: string | number;
  readonly monitoringPath: string;
  readonly cachePath: string;
}

export interface HttpSourceOptions {
  readonly endpoint: HttpEndpoint;
  readonly signals?: readonly SignalMapping[] | undefined;
  /** Shared with the sources of type Pods. */
  readonly scraper: Dispatcher;
  readonly guard: AddressGuard;
}

const types = { pattern: /^application\/json\b/i, name: 'JSON' };

/** Where the guide's views have each signal; several: the first that is there. JSON pointers (RFC 6901). */
const guide: Readonly<Partial<Record<SignalName, readonly string[]>>> = {
  cpu: ['/metrics/cpu_percent'],
  memory: ['/metrics/memory_usage_mb'],
  activeConnections: ['/metrics/active_connections'],
  requestRate: ['/metrics/request_rate'],
  errors: ['/metrics/error_rate'],
  responseTime: ['/metrics/response_time_p95'],
  workflowDuration: ['/metrics/workflow_execution_time'],
  workflowsInFlight: ['/metrics/workflows_in_flight'],
  queueLength: ['/metrics/queue_length'],
  cacheRequests: ['/statistics/hit_ratio', '/metrics/cache_hit_ratio'],
};

/** Of the view of the cache: look-ups since the start of the process, better than a share where they are there. */
const lookUps = { hits: '/statistics/hits', misses: '/statistics/misses' } as const;
const successRate = '/metrics/success_rate';

/** What is kept of a Pod between two looks. */
interface Before {
  readonly monotonic: number;
  readonly hits: number | undefined;
  readonly misses: number | undefined;
}

/** The guide's JSON views B4 and B5 of each Pod. They give figures of the last minute, not counters: rates are taken for the time since the look before. */
export function httpSource({ endpoint, signals = [], scraper, guard }: HttpSourceOptions): Source {
  const pods = new Map<string, Before>();
  const { port, monitoringPath, cachePath } = endpoint;
  return {
    type: 'HTTP',
    id: JSON.stringify(['HTTP', port, monitoringPath, cachePath, signals]),
    forget: (uid) => void pods.delete(uid),
    async read(pod, signal): Promise<ReadResult> {
      const address = addressOf(pod, { port, scheme: 'HTTP' }, guard);
      if ('reason' in address) return { result: 'failed', failure: address };
      const get = (path: string) =>
        fetchPage({ dispatcher: scraper, ...address, path, headers: { accept: 'application/json' }, types }, signal);
      const monitoring = await get(monitoringPath);
      if ('reason' in monitoring) return { result: 'failed', failure: monitoring };
      const cache = await get(cachePath);
      if ('reason' in cache && cache.reason !== 'BadStatus') return { result: 'failed', failure: cache }; // not every workload has a cache to tell of
      const views = [view(monitoring.text, monitoringPath), 'reason' in cache ? {} : view(cache.text, cachePath)];
      const look = lookFrom(views, signals);
      if ('failure' in look) return look;
      const before = pods.get(pod.uid);
      const { monotonic } = monitoring;
      pods.set(pod.uid, { monotonic, hits: look.hits, misses: look.misses });
      return { result: 'read', reading: readingFrom(look, before, monitoring) };
    },
  };
}

type View = { readonly document?: unknown; readonly failure?: ReadFailure };

function view(text: string, path: string): View {
  try {
    return { document: JSON.parse(text) };
  } catch {
    return failed('NotUnderstood', `${path} answered something that is no JSON`);
  }
}

/** Numbers in base units: cores, bytes, seconds, 1/s, ratios. Undefined: null, or not there. */
interface Look {
  readonly signals: Readonly<Partial<Record<SignalName, number>>>;
  readonly successRatio: number | undefined;
  readonly hits: number | undefined;
  readonly misses: number | undefined;
}

function lookFrom(
  views: readonly View[],
  mappings: readonly SignalMapping[],
): Look | { readonly failure: ReadFailure; readonly result: 'failed' } {
  const broken = views.find(({ failure }) => failure !== undefined)?.failure;
  if (broken !== undefined) return { result: 'failed', failure: broken };
  const own = new Map(mappings.filter(isPointer).map(({ name, metric }) => [name, [metric]]));
  const wrong: string[] = [];
  const number = (pointers: readonly string[]): number | undefined => {
    for (const pointer of pointers)
      for (const { document } of views) {
        const value = valueAt(document, pointer);
        if (value === undefined || value === null) continue;
        if (typeof value === 'number' && value >= 0) return inBaseUnit(value, pointer);
        wrong.push(`${pointer} is ${typeof value === 'number' ? value : 'no number'}`);
      }
    return undefined;
  };
  const signals = Object.fromEntries(
    (Object.keys(guide) as SignalName[]).flatMap((signal) => {
      const value = number(own.get(signal) ?? guide[signal] ?? []);
      return value === undefined ? [] : [[signal, value]];
    }),
  );
  const cachedResponseTime = number(own.get('cachedResponseTime') ?? []);
  const countsLookUps = !own.has('cacheRequests');
  const look = {
    signals: { ...signals, ...(cachedResponseTime === undefined ? {} : { cachedResponseTime }) },
    successRatio: own.has('errors') ? undefined : number([successRate]),
    hits: countsLookUps ? number([lookUps.hits]) : undefined,
    misses: countsLookUps ? number([lookUps.misses]) : undefined,
  };
  for (const [name, share] of Object.entries({ ...look.signals, success_rate: look.successRatio }))
    if (['errors', 'cacheRequests', 'success_rate'].includes(name) && share !== undefined && share > 1)
      wrong.push(`the share for ${name} is ${share}, not from 0 to 1`);
  if (wrong.length > 0)
    return failed(
      'NotUnderstood',
      `in the JSON views ${wrong[0]}`,
      'figures are numbers from 0, or null where they are unknown',
    );
  return look;
}

/** RFC 6901. Members of the document alone: nothing of what every object inherits. */
function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

/** The end of a name says its unit, as in the guide's own. */
function inBaseUnit(value: number, pointer: string): number {
  if (pointer.endsWith('_mb')) return value * 2 ** 20;
  if (pointer.endsWith('_percent')) return value / 100;
  return pointer.endsWith('_ms') ? value / 1_000 : value;
}

function readingFrom(
  look: Look,
  before: Before | undefined,
  at: { readonly wall: number; readonly monotonic: number },
): Reading {
  const { signals } = look;
  const elapsedMs = before === undefined ? undefined : at.monotonic - before.monotonic;
  const known = (figures: Readonly<Partial<Record<Figure, number | undefined>>>): Reading['figures'] =>
    Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined));
  const moment = {
    memoryBytes: signals.memory,
    inFlight: signals.workflowsInFlight,
    queue: signals.queueLength,
    activeConnections: signals.activeConnections,
  };
  if (elapsedMs === undefined || before === undefined)
    return { observedAt: at.wall, elapsedMs, figures: known(moment), histograms: {} };
  const seconds = elapsedMs / 1_000;
  const requests = signals.requestRate === undefined ? undefined : signals.requestRate * seconds;
  const times = (share: number | undefined): number | undefined =>
    share === undefined || requests === undefined ? undefined : share * requests;
  const failures = look.successRatio === undefined ? signals.errors : 1 - look.successRatio;
  const counted = {
    requests,
    errors: times(failures),
    cpuSeconds: signals.cpu === undefined ? undefined : signals.cpu * seconds,
    ...lookUpsOf(look, before, times),
  };
  const histograms = Object.fromEntries(
    (['responseTime', 'cachedResponseTime', 'workflowDuration'] as const).flatMap((name) =>
      signals[name] === undefined ? [] : [[name, allNear(signals[name], requests ?? 1)]],
    ),
  );
  return { observedAt: at.wall, elapsedMs, figures: known({ ...moment, ...counted }), histograms };
}

function lookUpsOf(
  { hits, misses, signals }: Look,
  before: Before,
  times: (share: number | undefined) => number | undefined,
): Partial<Record<Figure, number | undefined>> {
  const increase = (now: number, last: number): number => (now >= last ? now - last : now);
  if (hits !== undefined && misses !== undefined && before.hits !== undefined && before.misses !== undefined)
    return { cacheHitsL1: increase(hits, before.hits), cacheMissesL1: increase(misses, before.misses) };
  const { cacheRequests: share } = signals;
  return share === undefined ? {} : { cacheHitsL1: times(share), cacheMissesL1: times(1 - share) };
}

/** Steps of 12 %, from 10 ms to 10 s in about 60: what a window keeps of a histogram's bounds. */
const step = 1.12;

/** A view tells one percentile: as if all observations were there. Within a bucket of a fixed row the percentile comes out at most 6 % beside. */
function allNear(value: number, count: number): Histogram {
  const index = Math.ceil(Math.log(Math.max(value, 1e-3)) / Math.log(step) - 0.42);
  return { bounds: [step ** (index - 1), step ** index], counts: Float64Array.of(0, count), sum: value * count, count };
}
