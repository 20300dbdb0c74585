import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectMeta } from '../../operator/kube/object.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { countByKind } from './audit-log.ts';
import { inFlight, openLoop } from './load.ts';
import { autoscaler, autoscalerStatus, service, status, type Place } from './manifests.ts';
import type { Lap } from './meter.ts';
import { percentile } from './statistics.ts';
import { peakBytes, resetPeak } from './usage.ts';
import type { World } from './world.ts';

export type LineName =
  | 'floor'
  | 'converge'
  | 'trickle'
  | 'settle'
  | 'idle'
  | 'churn'
  | 'update'
  | 'restart'
  | 'serve'
  | 'hpa'
  | 'servers-idle'
  | 'servers-tuning'
  | 'servers-lowering'
  | 'servers-indexing'
  | 'servers-owned'
  | 'text'
  | 'scrape'
  | 'windows'
  | 'roll-ups';

/** What one line gave in one run. */
export interface Measured {
  readonly line: LineName;
  /** Seconds (`…S`), milliseconds (`…Ms`), bytes, cores, or counts. */
  readonly figures: Readonly<Record<string, number>>;
  /** Verb and resource → how many. */
  readonly requests: Readonly<Record<string, number>>;
}

/** What an operator writes for one service with `horizontal` alone: its HPA and its status. */
export const writesPerService = 2;
const initialMax = 20;
const updatedMax = 30;
const megabyte = 1e6;

const keyOf = ({ namespace, name }: Place): string => `${namespace}/${name}`;

export const measured = (line: LineName, lap: Lap, figures: Readonly<Record<string, number>>): Measured => ({
  line,
  figures: {
    ...figures,
    operatorCpuS: lap.operatorCpu,
    apiServerCpuS: lap.apiServerCpu,
    requests: lap.requests.length,
    writes: lap.writes,
    leaseRequests: lap.leaseRequests,
    foreignCores: lap.foreignCores,
  },
  requests: countByKind(lap.requests),
});

/** No operator: what this API server takes, from one process, 16 at a time. */
export async function floor({ kube, places, meter }: World, signal: AbortSignal): Promise<Measured> {
  const options = { manager: 'floor', force: true };
  const made = new Map<string, ObjectMeta>();
  const began = performance.now();
  await inFlight(places, async (place) => {
    made.set(keyOf(place), await kube.create(generationServices, service(place), {}, signal));
  });
  const createdAt = performance.now();
  const autoscalers = await inFlight(places, (place) =>
    kube.apply(horizontalPodAutoscalers, autoscaler(place, made.get(keyOf(place))?.uid ?? ''), options, signal),
  );
  const statuses = await inFlight(places, (place) =>
    kube.apply(generationServices, status(place), { ...options, subresource: 'status' }, signal),
  );
  const ended = performance.now();
  const took = [...autoscalers, ...statuses];
  return measured('floor', await meter.lap(signal), {
    seconds: (ended - began) / 1000,
    appliesPerSecond: (took.length * 1000) / (ended - createdAt),
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
  });
}

/** First create → last HPA and last Ready, both as the harness's watch sees them. */
export async function converge(world: World, signal: AbortSignal): Promise<Measured> {
  const { kube, places, observer, meter, operator } = world;
  const pid = operator?.pid() ?? Number.NaN;
  const round = observer.round({ generation: 1, maxReplicas: initialMax });
  await resetPeak(pid);
  await meter.lap(signal);
  const began = performance.now();
  const complete = round.complete(places.length, AbortSignal.any([signal, AbortSignal.timeout(300_000)]));
  const [ended] = await Promise.all([
    complete,
    inFlight(places, (place) => kube.create(generationServices, service(place), {}, signal)),
  ]);
  const lap = await meter.lap(signal);
  return measured('converge', lap, {
    seconds: (ended - began) / 1000,
    peakMegabytes: (await peakBytes(pid)) / megabyte,
  });
}

/** 100 creates a second at fixed times → each Ready, counted from when the create was due. */
export async function trickle(world: World, signal: AbortSignal): Promise<Measured> {
  const { kube, places, observer, meter } = world;
  const round = observer.round({ generation: 1, maxReplicas: initialMax });
  await meter.lap(signal);
  const complete = round.complete(places.length, AbortSignal.any([signal, AbortSignal.timeout(120_000)]));
  const [due] = await Promise.all([
    openLoop(places, { perSecond: 100, signal }, (place) =>
      kube.create(generationServices, service(place), {}, signal),
    ),
    complete,
  ]);
  const took = places.map((place, index) => (round.readyAt.get(keyOf(place)) ?? Number.NaN) - (due[index] ?? 0));
  return measured('trickle', await meter.lap(signal), { p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99) });
}

/** Nothing is changed. `settle`: what comes after the last Ready; `idle`: what goes on after that. */
export async function rest(
  line: 'settle' | 'idle',
  world: World,
  seconds: number,
  signal: AbortSignal,
): Promise<Measured> {
  await delay(seconds * 1000, undefined, { signal });
  const lap = await world.meter.lap(signal);
  return measured(line, lap, {
    cpuPercent: (100 * lap.operatorCpu) / lap.seconds,
    requestsPerSecond: (lap.requests.length + lap.leaseRequests) / lap.seconds,
  });
}

/** Each HPA's status is written every 15 s, as a working HPA controller does. */
export async function churn(world: World, seconds: number, signal: AbortSignal): Promise<Measured> {
  const { kube, observer, meter } = world;
  const keys = observer.autoscalers();
  const turns = Array.from({ length: Math.max(1, Math.round(seconds / 15)) }, (_, turn) => turn);
  const writes = turns.flatMap((turn) => keys.map((key) => ({ key, turn })));
  await openLoop(writes, { perSecond: keys.length / 15, signal }, ({ key, turn }) =>
    kube.patch(
      horizontalPodAutoscalers,
      key,
      [{ op: 'add', path: '/status', value: autoscalerStatus(turn) }],
      { subresource: 'status' },
      signal,
    ),
  );
  const lap = await meter.lap(signal);
  return measured('churn', lap, { cpuPercent: (100 * lap.operatorCpu) / lap.seconds });
}

/** maxReplicas of every service is changed → every HPA has it. */
export async function update(world: World, signal: AbortSignal): Promise<Measured> {
  const { kube, places, observer, meter } = world;
  const round = observer.round({ generation: 2, maxReplicas: updatedMax });
  const overrides = { horizontal: { maxReplicas: updatedMax } };
  const sentAt = new Map<string, number>();
  const began = performance.now();
  const complete = round.complete(places.length, AbortSignal.any([signal, AbortSignal.timeout(300_000)]));
  await Promise.all([
    complete,
    inFlight(places, (place) => {
      sentAt.set(keyOf(place), performance.now());
      const operation = { op: 'add', path: '/spec/components/0/overrides', value: overrides } as const;
      return kube.patch(generationServices, keyOf(place), [operation], {}, signal);
    }),
  ]);
  const took = [...sentAt].map(([key, at]) => (round.autoscaledAt.get(key) ?? Number.NaN) - at);
  return measured('update', await meter.lap(signal), {
    seconds: (Math.max(...round.autoscaledAt.values()) - began) / 1000,
    p50Ms: percentile(took, 0.5),
    p99Ms: percentile(took, 0.99),
  });
}

/** kill -9, and a new start beside 1000 services that nobody has changed → ready; then half a minute. */
export async function restart(world: World, signal: AbortSignal): Promise<Measured> {
  const { operator, meter } = world;
  await operator?.kill();
  await meter.lap(signal);
  const began = performance.now();
  await operator?.start(signal);
  const seconds = (performance.now() - began) / 1000;
  await delay(30_000, undefined, { signal });
  return measured('restart', await meter.lap(signal), { seconds });
}
