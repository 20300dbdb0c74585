import { expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { decideFloor, type FloorDecision } from '../../../operator/decide/floor.ts';
import { floorLook } from '../../../operator/decide/floor-look.ts';
import type { ScalerReport } from '../../../operator/reconcilers/decisions.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import { fullComponents } from '../../../operator/reconcilers/scaler-limits.ts';
import { serviceWith } from './measured-service.ts';

const now = 1_800_000_000_000;
const undecided = decideFloor({
  minReplicas: 2,
  maxReplicas: 20,
  floor: 2,
  current: 2,
  shadow: [],
  behavior: { scaleUp: {}, scaleDown: {} },
  tolerance: { up: 0.1, down: 0.1 },
  memory: undefined,
  now,
});

interface Row {
  readonly name: string;
  readonly replicas: number;
  readonly decision?: Partial<FloorDecision>;
  readonly horizontal?: PolicySpec['horizontal'];
  readonly shown?: { readonly max: number; readonly boundBy?: string };
  readonly expected: readonly object[];
}

const bound = 'horizontal.maxReplicas';

test.each<Row>([
  { name: 'none below its most', replicas: 19, expected: [] },
  {
    name: 'one at its most, whoever brought it there',
    replicas: 20,
    expected: [{ component: 'workflow', replicas: 20, wanted: undefined, by: { bound } }],
  },
  {
    name: 'one whose scaler is held by the bound, with what it would have',
    replicas: 18,
    decision: { heldBy: 'MaxReplicas', wanted: 26 },
    expected: [{ component: 'workflow', replicas: 18, wanted: 26, by: { bound } }],
  },
  {
    name: 'one at the most that a budget leaves it',
    replicas: 12,
    shown: { max: 12, boundBy: 'postgres/main max_connections' },
    expected: [
      { component: 'workflow', replicas: 12, wanted: undefined, by: { bound: 'postgres/main max_connections' } },
    ],
  },
  {
    name: 'one whose last Pods brought nothing',
    replicas: 8,
    decision: { heldBy: 'Saturated', wanted: 14 },
    expected: [{ component: 'workflow', replicas: 8, wanted: 14, by: 'Saturated' }],
  },
  { name: 'none whose replicas are not ours', replicas: 40, horizontal: { mode: 'Off' }, expected: [] },
])('of full components there is $name', ({ replicas, decision, horizontal = {}, shown, expected }) => {
  const status = shown && { components: [{ name: 'workflow', replicas: shown }] };
  const world = serviceWith({ replicas, spec: { overrides: { horizontal } }, ...(status && { status }) });
  const decisions = createLastWords<ScalerReport>();
  const newest = floorLook({ decision: { ...undecided, ...decision }, refusal: undefined, intervalMs: 15_000, now });
  if (decision !== undefined)
    decisions.put(world.service, {
      problem: undefined,
      looks: new Map([['workflow', { newest, lastMove: undefined }]]),
    });
  expect(fullComponents(world.resolution().resolved, decisions)).toEqual(expected);
});
