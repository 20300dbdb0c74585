import type { Dispatcher } from 'undici';
import type { AddressGuard } from '../address-guard.ts';
import type { Histogram } from '../histogram.ts';
import type { Reading } from '../reading.ts';
import { guideViews, type GuideFigures } from '../guide-views.ts';
import type { Figure, SignalMapping } from '../signals.ts';
import { fetchPage } from './fetch.ts';
import { addressOf, podAccess } from './pods.ts';
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
        fetchPage(
          { dispatcher: scraper, ...address, path, headers: { accept: 'application/json' }, types, access: podAccess },
          signal,
        );
      const monitoring = await get(monitoringPath);
      if ('reason' in monitoring) return { result: 'failed', failure: monitoring };
      const cache = await get(cachePath);
      if ('reason' in cache && cache.reason !== 'BadStatus') return { result: 'failed', failure: cache }; // not every workload has a cache to tell of
      const views = [view(monitoring.text, monitoringPath), 'reason' in cache ? {} : view(cache.text, cachePath)];
      const look = lookFrom(views, signals);
      if ('failure' in look) return look;
      const before = pods.get(pod.uid);
      const { monotonic } = monitoring;
      pods.set(pod.uid, { monotonic, ...look.lookUps });
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

function lookFrom(
  views: readonly View[],
  mappings: readonly SignalMapping[],
): GuideFigures | { readonly failure: ReadFailure; readonly result: 'failed' } {
  const broken = views.find(({ failure }) => failure !== undefined)?.failure;
  if (broken !== undefined) return { result: 'failed', failure: broken };
  const look = guideViews(
    views.map(({ document }) => document),
    mappings,
  );
  if (!('wrong' in look)) return look;
  const next = 'figures are numbers from 0, or null where they are unknown';
  return failed('NotUnderstood', `in the JSON views ${look.wrong}`, next);
}

function readingFrom(
  look: GuideFigures,
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
      signals[name] === undefined
        ? []
        : [[name, { ...allNear(signals[name], requests ?? 1), ...(name === 'responseTime' && { only: 0.95 }) }]],
    ),
  );
  return { observedAt: at.wall, elapsedMs, figures: known({ ...moment, ...counted }), histograms };
}

function lookUpsOf(
  { lookUps: { hits, misses }, signals }: GuideFigures,
  before: Before,
  times: (share: number | undefined) => number | undefined,
): Partial<Record<Figure, number | undefined>> {
  const increase = (now: number, last: number): number => (now >= last ? now - last : now);
  if (hits !== undefined && misses !== undefined && before.hits !== undefined && before.misses !== undefined)
    return { ...ofOneLevel, cacheHitsL1: increase(hits, before.hits), cacheMissesL1: increase(misses, before.misses) };
  const { cacheRequests: share } = signals;
  return share === undefined ? {} : { ...ofOneLevel, cacheHitsL1: times(share), cacheMissesL1: times(1 - share) };
}

/** A view tells of the cache as a whole: nothing of it is of a second level. */
const ofOneLevel = { cacheHitsL2: 0, cacheMissesL2: 0 };

/** Steps of 12 %, from 10 ms to 10 s in about 60: what a window keeps of a histogram's bounds. */
const step = 1.12;

/** A view tells one percentile, of the response time the 95th: as if all observations were there. Within a bucket of a fixed row the percentile comes out at most 6 % beside. */
function allNear(value: number, count: number): Histogram {
  const index = Math.ceil(Math.log(Math.max(value, 1e-3)) / Math.log(step) - 0.42);
  return { bounds: [step ** (index - 1), step ** index], counts: Float64Array.of(0, count), sum: value * count, count };
}
