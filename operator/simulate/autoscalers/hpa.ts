import { isTolerated, type Tolerance } from '../../decide/pods-metric.ts';
import { freshMemory, type Behavior, type BehaviorMemory } from '../../decide/scaling-behavior.ts';
import { podStates } from '../fleet.ts';
import type { Autoscaler, World } from '../world.ts';
import { groupOf, replicasByUtilization, syncHpa, type PodGroups, type PodReading } from './hpa-controller.ts';
import {
  createPodMetrics,
  firstMetricsAt,
  measure,
  metricsEvery,
  sampleOf,
  type PodMetrics,
} from './metrics-server.ts';

/** A Pod's memory does not follow its load, as a simulation has it: percent of its request. */
export const memoryPercent = 35;

export interface HpaSettings {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Percent of the request; a Pod whose slots are all busy uses 100. */
  readonly cpuTarget: number | undefined;
  readonly memoryTarget: number | undefined;
  /** Requests per second and Pod. */
  readonly requestsTarget: number | undefined;
  readonly behavior: Behavior;
  readonly tolerance: Tolerance;
}

const syncEvery = 15;

/**
 * The HPA of autoscaling/v2 with metrics-server, as its controller computes.
 *
 * Source: kubernetes pkg/controller/podautoscaler/{horizontal,replica_calculator}.go and metrics/utilization.go.
 *
 * @param floor minReplicas, asked at each sync: somebody else may move it.
 */
export function createHpa(settings: HpaSettings, floor: () => number = () => settings.minReplicas): Autoscaler {
  const { maxReplicas, behavior } = settings;
  let [nextMetricsAt, nextSyncAt] = [firstMetricsAt, 0];
  let metrics: PodMetrics | undefined;
  let memory: BehaviorMemory | undefined;
  return {
    name: 'hpa',
    get nextAt() {
      return Math.min(nextMetricsAt, nextSyncAt);
    },
    act(world) {
      metrics ??= createPodMetrics(world);
      const current = world.fleet.asked;
      if (world.now >= nextMetricsAt) {
        measure(metrics, world);
        nextMetricsAt += metricsEvery;
        return current;
      }
      nextSyncAt += syncEvery;
      const now = world.now * 1_000;
      const asked = askedBy(settings, world, metrics);
      const minReplicas = Math.min(floor(), maxReplicas);
      memory ??= freshMemory(current, now);
      const synced = syncHpa({ asked, current, minReplicas, maxReplicas, behavior, memory, now });
      memory = synced.memory;
      return synced.replicas;
    },
  };
}

/** What each metric asks for; undefined: it is unknown. */
function askedBy(settings: HpaSettings, world: World, metrics: PodMetrics): readonly (number | undefined)[] {
  const { cpuTarget, memoryTarget, requestsTarget, tolerance } = settings;
  const current = world.fleet.asked;
  const utilization = (of: 'cpu' | 'memory', target: number): number | undefined =>
    replicasByUtilization(target, groupsOf(of, world, metrics), { current, tolerance });
  return [
    ...(cpuTarget === undefined ? [] : [utilization('cpu', cpuTarget)]),
    ...(memoryTarget === undefined ? [] : [utilization('memory', memoryTarget)]),
    ...(requestsTarget === undefined ? [] : [byRequests(requestsTarget, tolerance, world, metrics)]),
  ];
}

function groupsOf(of: 'cpu' | 'memory', world: World, metrics: PodMetrics): PodGroups {
  const { states, limit } = world.fleet;
  const groups: PodGroups = { counted: 0, usage: 0, unready: 0, missing: 0 };
  for (let pod = 0; pod < limit; pod++) {
    if (states[pod] !== podStates.starting && states[pod] !== podStates.ready) continue;
    const sample = sampleOf(metrics, world, pod);
    const group = groupOf(readingOf(world, metrics, pod), of === 'cpu' ? 'cpu' : 'other', world.now);
    groups[group]++;
    if (group === 'counted') groups.usage += of === 'cpu' ? 100 * sample : memoryPercent;
  }
  return groups;
}

/** A Pod that starts runs already and is not Ready; those of the beginning have been there for long. */
function readingOf(world: World, metrics: PodMetrics, pod: number): PodReading {
  const { states, createdAt, readyAt } = world.fleet;
  const [created = 0, isTrue] = [createdAt[pod], states[pod] === podStates.ready];
  return {
    isStarted: true,
    startedAt: created === 0 ? -Infinity : created,
    ready: { isTrue, since: isTrue ? (readyAt[pod] ?? 0) : created },
    sample: Number.isNaN(sampleOf(metrics, world, pod)) ? undefined : { at: metrics.at, windowSeconds: metricsEvery },
  };
}

/** A Pods metric with an AverageValue: all Pods that serve have one. */
function byRequests(
  target: number,
  tolerance: Tolerance,
  { fleet }: World,
  { requestsPerSecond }: PodMetrics,
): number | undefined {
  if (Number.isNaN(requestsPerSecond) || fleet.ready === 0) return undefined;
  const ratio = requestsPerSecond / fleet.ready / target;
  if (isTolerated(ratio, tolerance)) return fleet.asked;
  return Math.ceil(ratio * fleet.ready);
}
