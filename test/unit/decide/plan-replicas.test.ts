import { expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import type { AskedFloor } from '../../../operator/decide/floor.ts';
import { planReplicas, type PlanReplicasInput } from '../../../operator/decide/plan-replicas.ts';

const { policy } = effectivePolicy({ overrides: { horizontal: { mode: 'Off' } } });
const asks = (floor: number): AskedFloor => ({
  floor,
  reason: 'LoadHigh',
  message: 'up 55 of more than 50.',
  figures: [],
  terms: [],
  heldBy: undefined,
  heldUntil: undefined,
});

interface Row {
  readonly name: string;
  readonly floor: number;
  readonly replicas?: number;
  readonly rest?: Partial<PlanReplicasInput>;
  readonly expected: object | undefined;
}

test.each<Row>([
  {
    name: 'what the scaler asks for',
    floor: 6,
    expected: { change: { from: 4, to: 6 }, decision: { action: 'ScaleUp', heldBy: undefined }, standing: undefined },
  },
  { name: 'fewer too', floor: 3, expected: { change: { from: 4, to: 3 }, decision: { action: 'ScaleDown' } } },
  { name: 'no more than the most', floor: 40, expected: { change: { from: 4, to: 20 } } },
  { name: 'no fewer than the least', floor: 1, expected: { change: { from: 4, to: 2 } } },
  { name: 'nothing where they are that many', floor: 4, expected: { change: undefined, decision: { action: 'Hold' } } },
  { name: 'nothing of what somebody has scaled to zero', floor: 4, replicas: 0, expected: undefined },
  {
    name: 'nothing in DryRun of the service, but what it would be',
    floor: 6,
    rest: { resolved: { mode: 'DryRun' } },
    expected: { change: undefined, isEnforced: false, decision: { to: 6, heldBy: 'DryRun' } },
  },
  {
    name: 'nothing in DryRun of the scaler',
    floor: 6,
    rest: { isOnlyTold: true },
    expected: { change: undefined, isEnforced: true, decision: { to: 6, heldBy: 'DryRun' } },
  },
  {
    name: 'nothing while paused',
    floor: 6,
    rest: { resolved: { mode: 'Paused' } },
    expected: { change: undefined, isEnforced: false, decision: { heldBy: 'Paused' } },
  },
  {
    name: 'nothing beside an autoscaler of somebody else, which it names',
    floor: 6,
    rest: { rivals: ['theirs'] },
    expected: {
      change: undefined,
      isEnforced: false,
      decision: { heldBy: 'Conflict' },
      standing: { saw: expect.stringContaining('theirs'), next: expect.stringContaining('FloorOnly') },
    },
  },
  {
    name: 'nothing beside our own that the mode leaves, which is no conflict',
    floor: 6,
    rest: { own: 'ai/generation-workflow-hpa' },
    expected: {
      change: undefined,
      isEnforced: false,
      decision: { to: 6, heldBy: 'Off' },
      standing: {
        reason: 'Off',
        next: expect.stringContaining('kubectl delete hpa -n ai generation-workflow-hpa, or'),
      },
    },
  },
  {
    name: 'nothing beside one of somebody else and our own, and names the other',
    floor: 6,
    rest: { rivals: ['theirs'], own: 'ai/ours' },
    expected: { standing: { reason: 'Conflict', saw: expect.not.stringContaining('ours') } },
  },
])('planReplicas() sets $name', ({ floor, replicas = 4, rest = {}, expected }) => {
  const plan = planReplicas({
    resolved: { mode: 'Enforce' },
    component: { policy, target: { replicas } },
    rivals: [],
    asked: asks(floor),
    isOnlyTold: false,
    now: 1_800_000_000_000,
    ...rest,
  });
  if (expected === undefined) expect(plan).toBeUndefined();
  else expect(plan).toMatchObject(expected);
});
