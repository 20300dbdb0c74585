import { expect, test } from '@jest/globals';
import { decideFloor, type FloorDecision } from '../../../operator/decide/floor.ts';
import { floorLook, refusalOf } from '../../../operator/decide/floor-look.ts';

const now = 1_800_000_000_000;
const decision = (changes: Partial<FloorDecision>): FloorDecision => ({
  ...decideFloor({
    minReplicas: 2,
    maxReplicas: 20,
    floor: 2,
    current: 2,
    shadow: [],
    behavior: { scaleUp: {}, scaleDown: {} },
    tolerance: { up: 0.1, down: 0.1 },
    memory: undefined,
    now,
  }),
  ...changes,
});

test.each<{ name: string; held: Partial<FloorDecision>; intervalMs?: number; expected: number | undefined }>([
  { name: 'at the next look where nothing holds it', held: {}, intervalMs: 15_000, expected: now + 15_000 },
  { name: 'at once where it is looked at when something changes', held: {}, expected: now },
  {
    name: 'at the end of what holds it',
    held: { heldBy: 'ScaleUpRate', heldUntil: now + 60_000 },
    intervalMs: 15_000,
    expected: now + 60_000,
  },
  {
    name: 'not by time where its rate is none',
    held: { heldBy: 'ScaleDownRate' },
    intervalMs: 15_000,
    expected: undefined,
  },
  {
    name: 'at the next look from a bound: the load may change',
    held: { heldBy: 'MaxReplicas' },
    intervalMs: 15_000,
    expected: now + 15_000,
  },
  {
    name: 'after the cooldown that its own move began',
    held: { action: 'ScaleUp', heldUntil: now + 60_000 },
    intervalMs: 15_000,
    expected: now + 60_000,
  },
  {
    name: 'and not before the next look where that is shorter',
    held: { action: 'ScaleUp', heldBy: 'MaxReplicas', heldUntil: now + 5_000 },
    intervalMs: 15_000,
    expected: now + 15_000,
  },
  {
    name: 'not by time while the service is paused',
    held: { heldBy: 'Paused' },
    intervalMs: 15_000,
    expected: undefined,
  },
])('a floor may move $name', ({ held, intervalMs, expected }) => {
  expect(floorLook({ decision: decision(held), refusal: undefined, intervalMs, now })).toMatchObject({
    at: now,
    nextAt: expected,
  });
});

test.each(['Conflict', 'PermissionDenied', 'Failed'] as const)(
  'one that is refused with %s is held by that, whatever else',
  (reason) => {
    const refused = floorLook({
      decision: decision({ heldBy: 'ScaleUpRate', heldUntil: now + 1 }),
      refusal: refusalOf({ reason }),
      intervalMs: 1,
      now,
    });
    expect(refused).toMatchObject({ heldBy: reason, heldUntil: undefined, nextAt: undefined });
  },
);
