import { withinBounds } from '../service.ts';
import type { Autoscaler } from '../world.ts';

export interface KpaSettings {
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

const stableSeconds = 60;
const panicSeconds = 6;
const tickSeconds = 2;
/** Of the slots of a Pod. */
const targetRatio = 0.7;
const panicThreshold = 2;
const upRate = 1000;
const downRate = 2;

/**
 * Knative's autoscaler by concurrency, with its defaults: means of 60 s, and of 6 s in a panic.
 *
 * Source: knative serving pkg/autoscaler/scaling/autoscaler.go.
 */
export function createKpa(settings: KpaSettings): Autoscaler {
  const samples = new Float64Array(stableSeconds);
  let [seconds, systemBefore] = [0, 0];
  let panic: { readonly at: number; readonly pods: number } | undefined;
  return {
    name: 'kpa',
    get nextAt() {
      return seconds + 1;
    },
    act(world) {
      samples[seconds % stableSeconds] = world.systemSeconds - systemBefore; // the mean of this second
      systemBefore = world.systemSeconds;
      seconds++;
      const { asked, ready } = world.fleet;
      if (seconds === 1) panic = { at: 0, pods: asked }; // an autoscaler begins in a panic: it knows of nothing to let go
      if (seconds % tickSeconds !== 0) return asked;
      const mean = (over: number): number => meanOf(samples, seconds, over);
      const pods = Math.max(1, ready);
      const target = targetRatio * world.slots;
      const wantedBy = (concurrency: number): number =>
        Math.min(Math.max(Math.ceil(concurrency / target), Math.floor(pods / downRate)), Math.ceil(upRate * pods));
      const stable = wantedBy(mean(stableSeconds));
      const panicking = wantedBy(mean(panicSeconds));
      if (Math.ceil(mean(panicSeconds) / target) / pods >= panicThreshold)
        panic = { at: seconds, pods: panic?.pods ?? 0 };
      else if (panic !== undefined && panic.at + stableSeconds < seconds) panic = undefined;
      if (panic !== undefined) panic = { ...panic, pods: Math.max(panic.pods, stable, panicking) };
      return withinBounds(panic?.pods ?? stable, settings);
    },
  };
}

function meanOf(samples: Float64Array, seconds: number, over: number): number {
  const known = Math.min(over, seconds);
  let sum = 0;
  for (let back = 1; back <= known; back++) sum += samples[(seconds - back) % stableSeconds] ?? 0;
  return sum / known;
}
