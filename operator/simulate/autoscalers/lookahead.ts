import { decideLookahead, type LookaheadDecision } from '../../decide/lookahead/decide.ts';
import { learn } from '../../decide/lookahead/learn.ts';
import { createLookaheadMemory, type LookaheadSettings, type Sample } from '../../decide/lookahead/memory.ts';
import type { Autoscaler, World } from '../world.ts';

/** Between a sample and what is decided by it, where the period is not shorter. */
const decidesAfterSeconds = 2;

export interface LookaheadOptions {
  readonly settings: LookaheadSettings;
  /** What is believed of how long a Pod takes to start. */
  readonly startUpSeconds: number;
  /** Told of each decision, with the time in seconds. */
  readonly onDecision?: ((at: number, decision: LookaheadDecision) => void) | undefined;
}

/** Samples every period, and decides soon after, as the scaler of a service does. */
export function createLookahead({ settings, startUpSeconds, onDecision }: LookaheadOptions): Autoscaler {
  const { periodSeconds } = settings;
  const memory = createLookaheadMemory(settings);
  let period = 1;
  let sample: Sample | undefined;
  let [arrivedBefore, finishedBefore, busyBefore] = [0, 0, 0];
  const take = ({ arrived, finished, busySeconds, waiting, fleet: { ready, asked } }: World): Sample => {
    const taken = {
      arrived: arrived - arrivedBefore,
      finished: finished - finishedBefore,
      busySeconds: busySeconds - busyBefore,
      waiting,
      ready,
      asked,
      startUpSeconds,
    };
    [arrivedBefore, finishedBefore, busyBefore] = [arrived, finished, busySeconds];
    return taken;
  };
  return {
    name: 'lookahead',
    get nextAt() {
      return period * periodSeconds + (sample === undefined ? 0 : Math.min(decidesAfterSeconds, periodSeconds));
    },
    act(world) {
      if (sample === undefined) {
        sample = take(world);
        return world.fleet.asked;
      }
      const decision = decideLookahead(memory, { ...sample, asked: world.fleet.asked }, settings);
      learn(memory, sample, decision, settings);
      onDecision?.(world.now, decision);
      sample = undefined;
      period++;
      return decision.to;
    },
  };
}
