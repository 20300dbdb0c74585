import { seconds } from '../api/duration.ts';
import type { LookaheadMemory } from '../decide/lookahead/memory.ts';
import type { Beliefs } from '../decide/lookahead/terms.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { slotsOf, slotsPool } from '../decide/slots.ts';
import { hasRuntimeSettings } from '../levers/runtime/lever.ts';
import type { PodView } from '../metrics/pod-view.ts';

interface Slots {
  readonly slotsPerReplica: number;
  readonly learnsSlots: boolean;
}

/** Of settings that the operator writes to the component's Pods; else what is usual, until it is seen. */
export const declaredSlots = (resolved: Resolved, component: ResolvedComponent): Slots => ({
  slotsPerReplica: slotsOf(component.policy),
  learnsSlots: !hasRuntimeSettings(resolved, component) || component.policy.runtime.mode !== 'Enforce',
});

/** How long a Pod takes from its creation until it is Ready, and who says so. */
export interface StartUp {
  readonly seconds: number;
  readonly by: string;
  readonly isDeclared: boolean;
}

/** Where no Pod has shown how long it takes. */
const unknownStartUp: StartUp = { seconds: 60, by: 'taken for usual, as no Pod has shown it yet', isDeclared: false };
/** A Pod that became Ready later than this after its creation was not starting all the time. */
const longestStartUp = 900;
const podsAsked = 20;

/** What the policy declares; else the 90th percentile of the times that the newest Pods took. */
export function startUpOf({ scaler }: ResolvedComponent['policy'], pods: readonly PodView[]): StartUp {
  const { startUp } = scaler.lookahead;
  if (startUp !== undefined) return { seconds: seconds(startUp), by: 'scaler.lookahead.startUp', isDeclared: true };
  const took = pods
    .toSorted((a, b) => b.createdAt - a.createdAt)
    .flatMap(({ ready, readySince, createdAt }) =>
      ready && readySince !== undefined ? (readySince - createdAt) / 1_000 : [],
    )
    .filter((each) => each >= 0 && each < longestStartUp) // clocks of two machines
    .slice(0, podsAsked)
    .toSorted((a, b) => a - b);
  const slow = took[Math.floor(0.9 * took.length)];
  if (slow === undefined) return unknownStartUp;
  return { seconds: slow, by: `90 % of the newest Pods took no longer (${took.length} seen)`, isDeclared: false };
}

/** Where what is not measured with each row comes from. */
export function beliefsOf(
  { learnsSlots }: Slots,
  { slotsSeen }: Pick<LookaheadMemory, 'slotsSeen'>,
  startUp: StartUp,
): Beliefs {
  const seen = `seen to be busy in ${slotsSeen.busy.length} windows in which requests waited, or more were busy than was believed`;
  const usual =
    'taken for usual, as its Pods have no runtime settings from us and too few requests have waited to show it';
  const declared = `runtime.pools.${slotsPool}`;
  return { startUp: startUp.by, slots: learnsSlots ? (slotsSeen.slots === undefined ? usual : seen) : declared };
}
