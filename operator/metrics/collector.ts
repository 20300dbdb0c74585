import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { figuresOver, type ComponentFigures } from './component-figures.ts';
import {
  acceptFailure,
  acceptReading,
  acceptUsage,
  closeRow,
  createComponentWindow,
  podRatesOf,
  type ComponentColumn,
  type ComponentWindow,
  type PodRate,
  type PodRecord,
  type WindowOptions,
} from './component-window.ts';
import { podFiguresOf, type PodFigures } from './pod-figures.ts';
import { stateOf, type PodView } from './pod-view.ts';
import type { Broken } from './reading.ts';
import { createSchedule, nextTurn, type Read, type Schedule, type Tick } from './schedule.ts';
import type { SourceType } from '../api/metric-source.ts';
import type { PassedOver, ReadFailure, ReadResult, Source } from './sources/source.ts';
import type { RingSlice } from './windows.ts';

/** A component to be measured, with everything that its policy says of that. */
export interface TrackedComponent extends WindowOptions {
  readonly name: string;
  readonly source: Source;
  /** The Pods that there are now, of whatever state; asked anew each interval. */
  readonly pods: () => readonly PodView[];
}

/** Measures all components of all services. One timer for everything; each Pod has its own place within the interval, which it shares with others. */
export interface Collector extends Disposable {
  /** Measures these components of a service and no others. What was measured is kept where source and collector settings are as before; for `historyOf` also where only the source is another. */
  track(service: string, components: readonly TrackedComponent[]): void;
  untrack(service: string): void;
  untrackAll(): void;
  /** Of the Pods that there are now. Empty for what is not tracked. */
  podRates(service: string, component: string): readonly PodRate[];
  /** Of those Pods of all services of a namespace that match: what the metrics API serves. */
  podRatesIn(namespace: string, matches: (pod: Pick<PodView, 'name' | 'labels'>) => boolean): readonly PodRate[];
  /** Undefined for what is not tracked. */
  windowOf(service: string, component: string, windowMs: number): ComponentFigures | undefined;
  /** Rows later than `since` (ms since the epoch) by the source that is named now, oldest first. Undefined for what is not tracked. */
  rowsOf: RowsOf;
  /** The same, by all sources that were named: for who looks back and judges nothing. */
  historyOf: RowsOf;
  /** How often CPU and memory of its Pods come anew; 0: with each look. */
  usageEveryMs(service: string, component: string): number;
  /** What each Pod that there is now said last. Empty for what is not tracked. */
  podFigures(service: string, component: string): readonly PodFigures[];
  /** The source that is read now, and better ones that cannot be. Undefined for what is not tracked. */
  sourceOf(service: string, component: string): SourceState | undefined;
  /** In words, sorted: what Pods that answer serve, and is no figure, where nothing else told it. */
  brokenOf(service: string, component: string): readonly { readonly into: keyof Broken; readonly words: string }[];
  /** Pods that could not be read when they were last tried, and why. */
  failuresOf(service: string, component: string): readonly { readonly pod: string; readonly failure: ReadFailure }[];
}

type RowsOf = <Asked extends ComponentColumn>(
  service: string,
  component: string,
  since: number,
  columns: readonly Asked[],
) => RingSlice<Asked> | undefined;

export interface SourceState {
  readonly type: SourceType;
  readonly passedOver: readonly PassedOver[];
}

export interface CollectorOptions {
  readonly metrics: Pick<Metrics, 'sourceErrors'>;
  readonly logger: Pick<Logger, 'error'>;
  /** Reads at the same time, and how many of these may be of Pods that lately did not answer in time. */
  readonly concurrency?: number;
  readonly suspects?: number;
}

/** A component while it is tracked. */
interface Tracked extends Tick {
  readonly service: string;
  component: TrackedComponent;
  readonly window: ComponentWindow;
  readonly pods: Map<string, TrackedPod>;
}

interface TrackedPod extends Read {
  view: PodView;
}

export function createCollector(options: CollectorOptions): Collector {
  const { concurrency = 50, suspects = 10 } = options;
  const schedule = createSchedule({ concurrency, suspects });
  const services = new Map<string, ReadonlyMap<string, Tracked>>();
  const find = (service: string, component: string): Tracked | undefined => services.get(service)?.get(component);
  const ratesOf = ({ window }: Tracked, pods: readonly PodView[]): readonly PodRate[] =>
    podRatesOf(window, pods, Date.now());
  const untrack = (service: string): void => {
    for (const tracked of services.get(service)?.values() ?? []) cancel(tracked);
    services.delete(service);
  };
  return {
    untrack,
    track(service, components) {
      const before = services.get(service);
      const after = components.map((component) => {
        const known = before?.get(component.name);
        const isKept = known !== undefined && hasSameRows(known.component, component);
        if (!isKept || known.component.source.id !== component.source.id)
          return begin(service, component, isKept ? known.window : undefined, { ...options, schedule });
        known.component = { ...component, source: known.component.source };
        return known;
      });
      services.set(service, new Map(after.map((tracked) => [tracked.component.name, tracked])));
      for (const tracked of before?.values() ?? []) if (!after.includes(tracked)) cancel(tracked);
    },
    untrackAll() {
      for (const service of services.keys()) untrack(service);
    },
    podRates(service, component) {
      const tracked = find(service, component);
      return tracked === undefined ? [] : ratesOf(tracked, tracked.component.pods());
    },
    podRatesIn: (namespace, matches) =>
      [...services].flatMap(([service, components]) =>
        service.startsWith(`${namespace}/`)
          ? [...components.values()].flatMap((tracked) => ratesOf(tracked, tracked.component.pods().filter(matches)))
          : [],
      ),
    windowOf(service, component, windowMs) {
      const tracked = find(service, component);
      return tracked === undefined
        ? undefined
        : figuresOver(tracked.window, tracked.component.pods(), windowMs, Date.now());
    },
    rowsOf(service, component, since, columns) {
      const window = find(service, component)?.window;
      return window?.rows.since(Math.max(since, window.begunAfter), columns);
    },
    historyOf: (service, component, since, columns) => find(service, component)?.window.rows.since(since, columns),
    usageEveryMs: (service, component) =>
      Math.max(
        0,
        ...[...(find(service, component)?.window.pods.values() ?? [])].map(({ latest }) => latest?.usageEveryMs ?? 0),
      ),
    podFigures(service, component) {
      const tracked = find(service, component);
      return tracked === undefined ? [] : podFiguresOf(tracked.window, tracked.component.pods(), Date.now());
    },
    sourceOf(service, component) {
      const source = find(service, component)?.component.source;
      return source === undefined ? undefined : { type: source.type, passedOver: source.passedOver?.() ?? [] };
    },
    brokenOf: (service, component) => brokenAndMissing(find(service, component)?.window.pods.values() ?? []),
    failuresOf: (service, component) =>
      [...(find(service, component)?.pods.values() ?? [])].flatMap(({ view }) => {
        const failure = find(service, component)?.window.pods.get(view.uid)?.failure;
        return failure === undefined ? [] : [{ pod: view.name, failure }];
      }),
    [Symbol.dispose]() {
      for (const service of services.keys()) untrack(service);
      schedule[Symbol.dispose]();
    },
  };
}

/** What Pods that answer serve and is no figure, where they have none of it from elsewhere: each in its words once, sorted. */
function brokenAndMissing(pods: Iterable<PodRecord>): ReturnType<Collector['brokenOf']> {
  const all = [...pods].flatMap(({ latest, failure }) => {
    if (latest?.broken === undefined || failure !== undefined) return [];
    const known: Readonly<Record<string, unknown>> = { ...latest.figures, ...latest.histograms };
    const broken = Object.entries(latest.broken) as [keyof Broken, string][];
    return broken.flatMap(([into, words]) => (known[into] === undefined ? [{ into, words }] : []));
  });
  return [...new Map(all.map((one) => [`${one.into} ${one.words}`, one])).entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one);
}

type Deps = CollectorOptions & { readonly schedule: Schedule };

function begin(service: string, component: TrackedComponent, before: ComponentWindow | undefined, deps: Deps): Tracked {
  const tracked: Tracked = {
    service,
    component,
    window: createComponentWindow(component, before),
    pods: new Map(),
    kind: 'tick',
    isCancelled: false,
    run() {
      const views = tracked.component.pods();
      closeRow(tracked.window, views, Date.now());
      meet(tracked, views, deps);
    },
  };
  meet(tracked, component.pods(), deps);
  return tracked;
}

/** Takes up the Pods that are new, lets go of those that are gone, and comes again in an interval. */
function meet(tracked: Tracked, views: readonly PodView[], deps: Deps): void {
  const { component, pods, window, service } = tracked;
  const now = performance.now();
  const ready = new Map(views.filter((view) => stateOf(view) === 'Ready').map((view) => [view.uid, view]));
  for (const [uid, pod] of pods) {
    pod.view = ready.get(uid) ?? pod.view;
    pod.isCancelled = !ready.has(uid);
    if (pod.isCancelled) pods.delete(uid);
  }
  for (const [uid, view] of ready) {
    if (pods.has(uid)) continue;
    const pod = podOf(tracked, view, deps);
    pods.set(uid, pod);
    deps.schedule.add(nextTurn(uid, component.intervalMs, { now, places }), pod);
  }
  const present = new Set(views.map(({ uid }) => uid));
  for (const uid of window.pods.keys()) if (!present.has(uid)) forget(tracked, uid);
  deps.schedule.add(nextTurn(`${service}/${component.name}`, component.intervalMs, { now, places }), tracked);
}

function podOf(tracked: Tracked, view: PodView, { schedule, metrics, logger }: Deps): TrackedPod {
  let failures = 0;
  let isSuspect = false;
  /** Between two looks of one that fails only its CPU and memory are asked for, where they are had from elsewhere. It is settled with the time of a turn: one that waits long for its place stays what its lane was chosen for. */
  let isLook = true;
  let lookAt = -Infinity;
  const accept = (result: ReadResult): void => {
    failures = result.result === 'read' ? 0 : failures + 1;
    isSuspect = result.result === 'failed' && result.failure.reason === 'TimedOut';
    if (result.result === 'read') return acceptReading(tracked.window, view.uid, result.reading);
    metrics.sourceErrors.inc({ source: tracked.component.source.type });
    acceptFailure(tracked.window, view.uid, result.failure, result.usage);
  };
  const pod: TrackedPod = {
    view,
    kind: 'read',
    isCancelled: false,
    get isSuspect() {
      return isSuspect && isLook;
    },
    get timeoutMs() {
      return tracked.component.timeoutMs;
    },
    async run(signal) {
      const { source, intervalMs, pods } = tracked.component;
      const { uid } = view;
      const usage = isLook ? undefined : source.usage;
      const ask = () => (usage === undefined ? source.read(pod.view, signal) : usage(pod.view, signal));
      const result = await settled(source, pod.view, ask, logger);
      if (pod.isCancelled && !pods().some((one) => one.uid === uid)) source.forget(uid); // the answer came after it was forgotten
      if (pod.isCancelled) return;
      const turn = { now: performance.now(), places };
      if (usage !== undefined) acceptUsage(tracked.window, uid, result.result === 'read' ? result.reading : undefined);
      else {
        accept(result);
        lookAt = nextTurn(uid, intervalMs, { ...turn, after: intervalsAfter(failures) });
      }
      const dueAt = source.usage === undefined ? lookAt : nextTurn(uid, intervalMs, turn);
      isLook = dueAt > lookAt - intervalMs / 2;
      schedule.add(dueAt, pod);
    },
  };
  return pod;
}

/**
 * Of an interval: what has the same is read in one go. To wake up costs several times what one scrape does, so that 1000 Pods every 10 s are read
 * 25 at a time; more at once would hold up what else the loop has to do.
 */
const places = 40;

/** A Pod that fails is tried again at each interval at first, then ever more seldom, down to every eighth. */
const intervalsAfter = (failures: number): number => 2 ** Math.min(Math.max(failures - 2, 0), 3);

/** What a source throws is a bug: it is logged, and the Pod is tried again like any other. */
async function settled(
  source: Source,
  view: PodView,
  ask: () => Promise<ReadResult>,
  logger: Deps['logger'],
): Promise<ReadResult> {
  try {
    return await ask();
  } catch (error) {
    logger.error('a metric source threw', { source: source.type, pod: `${view.namespace}/${view.name}`, error });
    return { result: 'failed', failure: { reason: 'Unreachable', message: String(error) } };
  }
}

function forget({ window, component }: Tracked, uid: string): void {
  window.pods.delete(uid);
  component.source.forget(uid);
}

function cancel(tracked: Tracked): void {
  tracked.isCancelled = true;
  for (const pod of tracked.pods.values()) pod.isCancelled = true;
  for (const uid of tracked.window.pods.keys()) forget(tracked, uid);
}

const hasSameRows = (a: TrackedComponent, b: TrackedComponent): boolean =>
  a.intervalMs === b.intervalMs &&
  a.history === b.history &&
  a.windowMs === b.windowMs &&
  a.containerName === b.containerName;
