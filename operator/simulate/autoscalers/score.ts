import { score, type ScoreMemory, type ScoreRules, type Seen } from '../../decide/score.ts';
import type { Autoscaler, World } from '../world.ts';
import { memoryPercent } from './hpa.ts';

export interface ScoreSettings {
  readonly rules: ScoreRules;
  readonly intervalSeconds: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

/** Figures are means over a minute. */
const windowSeconds = 60;

/** Sums at one evaluation. */
type Sums = readonly [finished: number, busySeconds: number, responseSeconds: number, podSeconds: number];

/** The scaler by points. CPU is in percent of what a Pod with all slots busy uses; nothing of a simulation fails. */
export function createScore({ rules, intervalSeconds, minReplicas, maxReplicas }: ScoreSettings): Autoscaler {
  const kept = Math.max(1, Math.round(windowSeconds / intervalSeconds));
  const sums: Sums[] = [[0, 0, 0, 0]];
  let evaluations = 1;
  let memory: ScoreMemory = {};
  let podSeconds = 0;
  return {
    name: 'score',
    get nextAt() {
      return evaluations * intervalSeconds;
    },
    act(world) {
      podSeconds += world.fleet.ready * intervalSeconds;
      evaluations++;
      sums.push([world.finished, world.busySeconds, world.responseSeconds, podSeconds]);
      if (sums.length > kept + 1) sums.shift();
      const seen = seenOf(sums, (sums.length - 1) * intervalSeconds, world);
      const now = world.now * 1_000;
      const decision = score({ rules, minReplicas, maxReplicas, seen, current: world.fleet.asked, memory, now });
      memory = decision.memory;
      return decision.to;
    },
  };
}

function seenOf(sums: readonly Sums[], elapsed: number, { slots, waiting, fleet }: World): Seen {
  const [first, last] = [sums[0], sums.at(-1)];
  if (first === undefined || last === undefined) return {};
  const [finished, busy, response, pods] = last.map((sum, index) => sum - (first[index] ?? 0)) as unknown as Sums;
  return {
    responseTimeAverage: finished > 0 ? response / finished : 'idle',
    cpuPercent: pods > 0 ? (100 * busy) / (pods * slots) : undefined,
    memoryPercent,
    queueLength: waiting,
    requestRate: finished / elapsed,
    requestRatePerPod: fleet.ready > 0 ? finished / elapsed / fleet.ready : undefined,
    errorRatio: finished > 0 ? 0 : 'idle',
  };
}
