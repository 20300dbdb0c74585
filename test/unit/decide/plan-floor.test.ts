import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { planFloor, type PlanFloorInput } from '../../../operator/decide/plan-floor.ts';
import { resolve, type Resolved } from '../../../operator/decide/resolve.ts';
import { storedService } from '../../world/builders.ts';

const now = 1_800_000_000_000;
interface Hpa {
  readonly uid: string;
  readonly controller: { readonly uid: string } | undefined;
  readonly spec: { readonly minReplicas: number; readonly maxReplicas: number };
}
const made: Hpa = { uid: 'hpa', controller: { uid: 'service' }, spec: { minReplicas: 2, maxReplicas: 20 } };
const foreign: Hpa = { ...made, controller: undefined };
const withFloor = (hpa: Hpa, minReplicas: number, maxReplicas = 20): Hpa => ({
  ...hpa,
  spec: { minReplicas, maxReplicas },
});

function resolved(horizontal: PolicySpec['horizontal'] = {}, spec: Partial<GenerationServiceSpec> = {}): Resolved {
  const service = storedService({
    metadata: { uid: 'service' },
    spec: {
      components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow' } }],
      overrides: { horizontal },
      ...spec,
    },
  });
  const targets = new Map([['workflow', { kind: 'found', replicas: 2, selector: [] }]] as const);
  const resolution = resolve({ service, policy: undefined, targets, podsMetrics: 'Shadow' });
  if (resolution.kind !== 'resolved') throw new Error(JSON.stringify(resolution.conditions));
  return resolution.resolved;
}

/** Requests per second of each Pod, where the policy wants 100. */
const load = (...values: readonly (number | undefined)[]): PlanFloorInput<Hpa>['shadow'] => [
  {
    name: 'requests_per_second',
    target: 100,
    pods: values.map((value) => ({ state: 'running', ...(value === undefined ? {} : { value }) })),
  },
];
const seen = (replicas: number, secondsAgo: number): PlanFloorInput<Hpa>['memory'] => ({
  recommendations: [{ at: now - secondsAgo * 1000, replicas }],
  events: [],
  replicas,
});

interface Row {
  readonly name: string;
  readonly horizontal?: PolicySpec['horizontal'];
  readonly spec?: Partial<GenerationServiceSpec>;
  readonly hpas?: readonly Hpa[];
  readonly originals?: PlanFloorInput<Hpa>['originals'];
  readonly shadow?: PlanFloorInput<Hpa>['shadow'];
  readonly memory?: PlanFloorInput<Hpa>['memory'];
}
function plan({ horizontal, spec, hpas = [made], originals, shadow = [], memory }: Omit<Row, 'name'>) {
  const service = resolved(horizontal, spec);
  const [component] = service.components;
  if (component === undefined) throw new Error('one component was declared');
  return planFloor({ resolved: service, component, hpas, originals, shadow, memory, now });
}

describe('planFloor()', () => {
  test.each<Row & { readonly expected: { readonly floor: number; readonly force: boolean } }>([
    {
      name: 'raises the floor of our own HPA to the policy’s minReplicas, and takes it from nobody',
      horizontal: { minReplicas: 5 },
      expected: { floor: 5, force: false },
    },
    {
      name: 'lowers it to the policy’s minReplicas at once where no metric is folded in',
      hpas: [withFloor(made, 9)],
      expected: { floor: 2, force: false },
    },
    {
      name: 'raises it for what the HPA does not read itself (2 × 200 / 100 = 4)',
      shadow: load(200, 200),
      memory: seen(9, 1),
      expected: { floor: 4, force: false },
    },
    {
      name: 'goes no higher than the HPA’s own maximum, which the lever may be about to raise',
      horizontal: { minReplicas: 30, maxReplicas: 40 },
      expected: { floor: 20, force: false },
    },
    {
      name: 'brings a floor above a lowered maximum down to it, also while nothing is known',
      horizontal: { maxReplicas: 6 },
      hpas: [withFloor(made, 9)],
      shadow: load(undefined),
      expected: { floor: 6, force: false },
    },
    {
      name: 'takes the floor of an HPA that was given with adopt from whoever has it',
      horizontal: { minReplicas: 5 },
      hpas: [foreign],
      originals: { uid: 'hpa' },
      expected: { floor: 5, force: true },
    },
    {
      name: 'takes that of one given by FloorOnly, up to its owner’s maximum',
      horizontal: { mode: 'FloorOnly', minReplicas: 5, maxReplicas: 7 },
      hpas: [withFloor(foreign, 2, 4)],
      originals: { floorOf: 'hpa', floor: '2' },
      expected: { floor: 4, force: true },
    },
    {
      name: 'lowers a FloorOnly floor no further than its owner’s own',
      horizontal: { mode: 'FloorOnly' },
      hpas: [withFloor(foreign, 9)],
      originals: { floorOf: 'hpa', floor: '4' },
      expected: { floor: 4, force: true },
    },
    {
      name: 'knows no maximum with FloorOnly but its owner’s (2 × 300 / 100 = 6)',
      horizontal: { mode: 'FloorOnly', maxReplicas: 3 },
      hpas: [foreign],
      originals: { floorOf: 'hpa', floor: '2' },
      shadow: load(300, 300),
      memory: seen(9, 1),
      expected: { floor: 6, force: true },
    },
    {
      name: 'owes an owner’s floor nothing once the whole HPA was given with adopt',
      horizontal: { minReplicas: 5 },
      hpas: [withFloor(foreign, 9)],
      originals: { uid: 'hpa', floorOf: 'hpa', floor: '9' },
      expected: { floor: 5, force: true },
    },
    {
      name: 'moves the floor of an HPA that we made before FloorOnly was asked for',
      horizontal: { mode: 'FloorOnly', minReplicas: 5 },
      expected: { floor: 5, force: false },
    },
  ])('$name', ({ expected, ...row }) => {
    const [hpa] = row.hpas ?? [made];
    expect(plan(row)?.change).toEqual({ hpa, ...expected });
  });

  const busy = { hpas: [withFloor(made, 9)], shadow: load(10, 10) };
  test.each<Row & { readonly reason: string }>([
    { name: 'the floor is where it belongs', reason: 'MinReplicas' },
    {
      name: 'no Pod has a figure: unknown is not low',
      ...busy,
      shadow: load(undefined, undefined),
      memory: seen(9, 301),
      reason: 'MetricsStale',
    },
    { name: 'there are no Pods to read', ...busy, shadow: load(), memory: seen(9, 301), reason: 'MetricsStale' },
    { name: 'it has just started and seen no whole window', ...busy, reason: 'Stabilizing' },
    {
      name: 'more was asked for within the window (299 of 300 s)',
      ...busy,
      memory: seen(9, 299),
      reason: 'Stabilizing',
    },
    {
      name: 'the load is within the policy’s tolerance (ratio 1.25 of 1.3)',
      horizontal: { behavior: { scaleUp: { tolerance: '0.3' } } },
      shadow: load(125, 125),
      reason: 'MinReplicas',
    },
    {
      name: 'the service only reports',
      spec: { mode: 'DryRun' },
      horizontal: { minReplicas: 5 },
      reason: 'MinReplicas',
    },
    { name: 'the service is paused', spec: { mode: 'Paused' }, horizontal: { minReplicas: 5 }, reason: 'MinReplicas' },
    { name: 'the lever only reports', horizontal: { mode: 'DryRun', minReplicas: 5 }, reason: 'MinReplicas' },
  ])('moves nothing when $name', ({ reason, ...row }) => {
    expect(plan(row)).toMatchObject({ decision: { reason }, change: undefined });
  });

  const lower: Omit<Row, 'name'> = { horizontal: { minReplicas: 5 } };
  test.each<Row & { readonly heldBy: string | undefined }>([
    { name: 'the service only reports', ...lower, spec: { mode: 'DryRun' }, heldBy: 'DryRun' },
    { name: 'the lever only reports', horizontal: { ...lower.horizontal, mode: 'DryRun' }, heldBy: 'DryRun' },
    { name: 'the service is paused', ...lower, spec: { mode: 'Paused' }, heldBy: 'Paused' },
    { name: 'nothing stands in the way', ...lower, heldBy: undefined },
    { name: 'the service only reports, and there is nothing to move', spec: { mode: 'DryRun' }, heldBy: undefined },
  ])('says what holds a floor when $name', ({ heldBy, ...row }) => {
    expect(plan(row)?.decision).toMatchObject({ heldBy, heldUntil: undefined });
  });

  test.each<Row>([
    { name: 'there is no HPA yet', hpas: [] },
    { name: 'two HPAs aim at the target', hpas: [made, { ...foreign, uid: 'other' }] },
    { name: 'the HPA is somebody else’s', hpas: [foreign] },
    { name: 'the HPA is another service’s', hpas: [{ ...made, controller: { uid: 'other' } }] },
    { name: 'the lever is off', horizontal: { mode: 'Off' } },
    { name: 'nothing is written down of it yet', horizontal: { mode: 'FloorOnly' }, hpas: [foreign] },
    {
      name: 'what is written down is of an HPA that was deleted',
      horizontal: { mode: 'FloorOnly' },
      hpas: [foreign],
      originals: { floorOf: 'gone', floor: '2' },
    },
    {
      name: 'it was given by adopt, and now only its floor is asked for',
      horizontal: { mode: 'FloorOnly' },
      hpas: [foreign],
      originals: { uid: 'hpa' },
    },
  ])('has no floor to move when $name', (row) => {
    expect(plan({ ...row, horizontal: { minReplicas: 5, ...row.horizontal } })).toBeUndefined();
  });

  test('the first figure of a new process is remembered, so that the window begins to fill', () => {
    expect(plan(busy)?.decision.memory?.recommendations).toEqual([
      { at: now, replicas: 9 },
      { at: now, replicas: 1 },
    ]);
  });
});
