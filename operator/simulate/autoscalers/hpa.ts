import { freshMemory, limit, type Behavior, type BehaviorMemory } from '../../decide/scaling-behavior.ts';
import { podStates } from '../fleet.ts';
import { withinBounds } from '../service.ts';
import type { Autoscaler, World } from '../world.ts';
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
}

const syncEvery = 15;
const tolerance = 0.1;

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
      memory ??= freshMemory(current, now);
      const minReplicas = Math.min(floor(), maxReplicas);
      if (current < minReplicas) return minReplicas; // at once, past every rule
      const desired = desiredBy(settings, world, metrics);
      if (desired === undefined) return current;
      const limited = limit({ desired, current, behavior, memory, now });
      memory = limited.memory;
      return withinBounds(limited.replicas, { minReplicas, maxReplicas });
    },
  };
}

/** The greatest that a metric asks for. @returns undefined where none is known; while one is unknown nothing is lowered. */
function desiredBy(settings: HpaSettings, world: World, metrics: PodMetrics): number | undefined {
  const { cpuTarget, memoryTarget, requestsTarget } = settings;
  const asked = [
    ...(cpuTarget === undefined ? [] : [byCpu(cpuTarget, world, metrics)]),
    ...(memoryTarget === undefined ? [] : [byMemory(memoryTarget, world, metrics)]),
    ...(requestsTarget === undefined ? [] : [byRequests(requestsTarget, world, metrics)]),
  ];
  const known = asked.filter((replicas) => replicas !== undefined);
  if (known.length === 0) return undefined;
  const greatest = Math.max(...known);
  return known.length < asked.length && greatest < world.fleet.asked ? undefined : greatest;
}

/** Pods as the controller sorts them for one metric, and the sum of what the measured ones use (percent of a request each). */
interface Groups {
  counted: number;
  usage: number;
  unready: number;
  missing: number;
}

const byCpu = (target: number, world: World, metrics: PodMetrics): number | undefined => {
  const groups: Groups = { counted: 0, usage: 0, unready: 0, missing: 0 };
  for (let pod = 0; pod < world.fleet.limit; pod++) {
    if (!isStaying(world, pod)) continue;
    const sample = sampleOf(metrics, world, pod);
    if (Number.isNaN(sample)) groups.missing++;
    else if (isUnready(world, metrics, pod)) groups.unready++;
    else {
      groups.counted++;
      groups.usage += 100 * sample;
    }
  }
  return replicasFor(target, groups, world.fleet.asked);
};

const byMemory = (target: number, world: World, metrics: PodMetrics): number | undefined => {
  const groups: Groups = { counted: 0, usage: 0, unready: 0, missing: 0 };
  for (let pod = 0; pod < world.fleet.limit; pod++) {
    if (!isStaying(world, pod)) continue;
    if (Number.isNaN(sampleOf(metrics, world, pod))) groups.missing++;
    else {
      groups.counted++;
      groups.usage += memoryPercent;
    }
  }
  return replicasFor(target, groups, world.fleet.asked);
};

const isStaying = ({ fleet: { states } }: World, pod: number): boolean =>
  states[pod] === podStates.starting || states[pod] === podStates.ready;

/** How long after its start a Pod's CPU counts only while it is Ready, and a whole sample is of that time. */
const initialisation = 300;

function isUnready({ fleet, now }: World, { at }: PodMetrics, pod: number): boolean {
  if (fleet.states[pod] === podStates.starting) return true;
  const isYoung = (fleet.createdAt[pod] ?? 0) + initialisation > now && (fleet.createdAt[pod] ?? 0) > 0;
  return isYoung && at < (fleet.readyAt[pod] ?? 0) + metricsEvery;
}

/** `calcReplicas` of GetResourceReplicas: utilization is a whole number of percent. */
function replicasFor(
  target: number,
  { counted, usage, unready, missing }: Groups,
  current: number,
): number | undefined {
  if (counted === 0) return undefined;
  const ratio = Math.trunc(usage / counted + 1e-9) / target;
  const countsUnready = unready > 0 && ratio > 1;
  if (!countsUnready && missing === 0) return isTolerated(ratio) ? current : Math.ceil(ratio * counted);
  const assumed = ratio < 1 ? missing * Math.max(100, target) : 0;
  const all = counted + missing + (countsUnready ? unready : 0);
  const secondRatio = Math.trunc((usage + assumed) / all + 1e-9) / target;
  const isTurned = (ratio < 1 && secondRatio > 1) || (ratio > 1 && secondRatio < 1);
  if (isTolerated(secondRatio) || isTurned) return current;
  const wanted = Math.ceil(secondRatio * all);
  const isAgainst = secondRatio < 1 ? wanted > current : wanted < current;
  return isAgainst ? current : wanted;
}

const isTolerated = (ratio: number): boolean => Math.abs(1 - ratio) <= tolerance;

/** A Pods metric with an AverageValue: all Pods that serve have one. */
function byRequests(target: number, { fleet }: World, { requestsPerSecond }: PodMetrics): number | undefined {
  if (Number.isNaN(requestsPerSecond) || fleet.ready === 0) return undefined;
  const ratio = requestsPerSecond / fleet.ready / target;
  if (isTolerated(ratio)) return fleet.asked;
  return Math.ceil(ratio * fleet.ready);
}
