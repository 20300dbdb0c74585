import { describe, expect, test } from '@jest/globals';
import { decideFloor, type AskedFloor, type FloorDecision, type FloorInput } from '../../../operator/decide/floor.ts';

const now = 1_800_000_000_000;
const base: FloorInput = {
  minReplicas: 2,
  maxReplicas: 20,
  floor: 2,
  current: 2,
  shadow: [],
  behavior: {
    scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] },
    scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }] },
  },
  tolerance: { down: 0.1, up: 0.1 },
  memory: undefined,
  now,
};
const load = (...values: readonly (number | undefined)[]): FloorInput['shadow'] => [
  {
    name: 'requests_per_second',
    target: 100,
    pods: values.map((value) => ({ state: 'running', ...(value === undefined ? {} : { value }) })),
  },
];
const seen = (replicas: number, secondsAgo: number): FloorInput['memory'] => ({
  recommendations: [{ at: now - secondsAgo * 1000, replicas }],
  events: [],
  replicas,
});

const asked = (floor: number): AskedFloor => ({
  floor,
  reason: 'CoolingDown',
  message: 'up 55 of more than 50.',
  figures: [],
  terms: [],
  heldBy: 'Cooldown',
  heldUntil: now + 1,
});

interface Row {
  readonly name: string;
  readonly input: Partial<FloorInput>;
  readonly expected: Partial<FloorDecision>;
}
describe('decideFloor()', () => {
  test.each<Row>([
    {
      name: 'is minReplicas where the HPA reads every metric itself',
      input: {},
      expected: { action: 'Hold', to: 2, reason: 'MinReplicas' },
    },
    {
      name: 'follows a raised minReplicas',
      input: { minReplicas: 5 },
      expected: { action: 'ScaleUp', from: 2, to: 5 },
    },
    {
      name: 'follows a lowered minReplicas',
      input: { floor: 5, current: 5 },
      expected: { action: 'ScaleDown', from: 5, to: 2 },
    },
    {
      name: 'is what the scaler asks for, with its reason and what holds it',
      input: { asked: asked(4) },
      expected: {
        action: 'ScaleUp',
        to: 4,
        reason: 'CoolingDown',
        message: 'up 55 of more than 50.',
        heldBy: 'Cooldown',
        heldUntil: now + 1,
      },
    },
    {
      name: 'is within the bounds, whatever the scaler asks for',
      input: { asked: asked(40) },
      expected: { to: 20 },
    },
    {
      name: 'is what a metric asks for where that is more than the scaler does',
      input: { asked: asked(4), shadow: load(250, 250) },
      expected: { to: 5, reason: 'LoadHigh' },
    },
    {
      name: 'is what the scaler asks for where that is more than a metric does',
      input: { asked: asked(6), shadow: load(250, 250) },
      expected: { to: 6, reason: 'CoolingDown' },
    },
    {
      name: 'is told by the scaler where a metric asks for less and only its window keeps the same floor',
      input: { floor: 6, current: 6, asked: asked(6), shadow: load(10, 10, 10, 10, 10, 10), memory: seen(6, 100) },
      expected: { action: 'Hold', to: 6, reason: 'CoolingDown', heldBy: 'Cooldown', heldUntil: now + 1 },
    },
    {
      name: 'and where the scaler would have more than maxReplicas allow',
      input: {
        floor: 20,
        current: 20,
        asked: { ...asked(20), reason: 'LoadHigh', heldBy: 'MaxReplicas', heldUntil: undefined },
        shadow: load(...Array.from({ length: 20 }, () => 10)),
        memory: seen(20, 100),
      },
      expected: { action: 'Hold', to: 20, reason: 'LoadHigh', heldBy: 'MaxReplicas', heldUntil: undefined },
    },
    {
      name: 'and where only the scaler is held (5 × 100 / 100 = 5)',
      input: { floor: 5, current: 5, asked: asked(5), shadow: load(100, 100, 100, 100, 100) },
      expected: { action: 'Hold', to: 5, reason: 'CoolingDown', heldBy: 'Cooldown' },
    },
    {
      name: 'but by a metric that would have more, or is not known',
      input: { floor: 6, current: 6, asked: asked(6), shadow: load(undefined) },
      expected: { action: 'Hold', to: 6, reason: 'MetricsStale', heldBy: 'MetricsStale' },
    },
    {
      name: 'rises with the load (2 × 250 / 100 = 5)',
      input: { shadow: load(250, 250) },
      expected: { action: 'ScaleUp', to: 5, reason: 'LoadHigh' },
    },
    {
      name: 'steps as behavior allows (2 + 4 = 6)',
      input: { shadow: load(900, 900) },
      expected: { to: 6, reason: 'LoadHigh' },
    },
    {
      name: 'stops at maxReplicas and says so',
      input: { shadow: load(900, 900), maxReplicas: 4 },
      expected: {
        to: 4,
        reason: 'MaxReplicas',
        message: 'requests_per_second is 900 a Pod over 2 Pods; at 100 a Pod that asks for 18, held by MaxReplicas 4.',
      },
    },
    {
      name: 'holds where no Pod has a value',
      input: { floor: 6, current: 6, shadow: load(undefined) },
      expected: { action: 'Hold', to: 6, reason: 'MetricsStale' },
    },
    {
      name: 'but goes up to minReplicas, and says so',
      input: { minReplicas: 3, shadow: load(undefined) },
      expected: {
        action: 'ScaleUp',
        to: 3,
        reason: 'MetricsStale',
        message: 'No Pod has a fresh requests_per_second: only minReplicas 3 asks for another floor.',
      },
    },
    {
      name: 'or down to maxReplicas',
      input: { floor: 6, maxReplicas: 5, shadow: load(undefined) },
      expected: { action: 'ScaleDown', to: 5, reason: 'MetricsStale' },
    },
    {
      name: 'holds within the window after a restart',
      input: { floor: 6, current: 6, shadow: load(10, 10, 10, 10, 10, 10) },
      expected: { action: 'Hold', to: 6, reason: 'Stabilizing' },
    },
    {
      name: 'falls after the window, half at a time',
      input: { floor: 6, current: 6, shadow: load(10, 10, 10, 10, 10, 10), memory: seen(6, 301) },
      expected: { action: 'ScaleDown', to: 3, reason: 'LoadLow' },
    },
    {
      name: 'is not pulled up by replicas that another metric holds (restart at 10 by cpu)',
      input: { floor: 2, current: 10, shadow: load(10, 10, 10, 10, 10, 10, 10, 10, 10, 10) },
      expected: { action: 'Hold', to: 2 },
    },
    {
      name: 'does not take back a floor that the HPA has not reached yet (6, still 2 Pods)',
      input: { floor: 6, current: 2, shadow: load(280, 280), memory: seen(6, 10) },
      expected: { action: 'Hold', to: 6 },
    },
    {
      name: 'is not raised to replicas that Pods without a value keep where they are (2 × 58.8 / 100 needs 2 of 5)',
      input: { current: 5, shadow: load(58.8, 58.8, undefined, undefined, undefined) },
      expected: {
        action: 'Hold',
        to: 2,
        reason: 'MetricsStale',
        heldBy: 'MetricsStale',
        heldUntil: undefined,
        message:
          'requests_per_second is 58.8 a Pod over 2 Pods; 3 of 5 Pods are unknown: the floor stays (unknown is neither low nor high).',
      },
    },
    {
      name: 'is not raised by Pods without a value that count as full on the way down ((2 × 10 + 3 × 100) / 100 → 4)',
      input: { current: 5, shadow: load(10, 10, undefined, undefined, undefined) },
      expected: { action: 'Hold', to: 2, reason: 'MetricsStale' },
    },
    {
      name: 'is not lowered by them either, however long they are unknown',
      input: {
        floor: 5,
        current: 5,
        shadow: load(58.8, 58.8, undefined, undefined, undefined),
        memory: seen(5, 301),
      },
      expected: { action: 'Hold', to: 5, reason: 'MetricsStale' },
    },
    {
      name: 'is raised to what the Pods with a value need by themselves (2 × 150 / 100 = 3)',
      input: { current: 5, shadow: load(150, 150, undefined, undefined, undefined) },
      expected: {
        action: 'ScaleUp',
        to: 3,
        reason: 'LoadHigh',
        message: 'requests_per_second is 150 a Pod over 2 Pods (3 unknown); at 100 a Pod that asks for 3.',
      },
    },
    {
      name: 'is raised within the tolerance to what the load needs, not to the replicas (20 × 91 / 100 → 19)',
      input: { current: 20, shadow: load(...Array<number>(20).fill(91)), memory: seen(20, 15) },
      expected: { action: 'ScaleUp', to: 19, heldBy: undefined },
    },
    {
      name: 'stays within the tolerance where it is what runs',
      input: { floor: 20, current: 20, shadow: load(...Array<number>(20).fill(91)), memory: seen(20, 301) },
      expected: { action: 'Hold', to: 20, reason: 'WithinBand' },
    },
  ])('$name', ({ input, expected }) => {
    expect(decideFloor({ ...base, ...input })).toMatchObject(expected);
  });

  test('begins its window anew after a time without figures: the first low one is no calm of 300 s', () => {
    const at = (seconds: number, memory: FloorInput['memory'], ...values: readonly (number | undefined)[]) =>
      decideFloor({ ...base, floor: 6, current: 6, shadow: load(...values), memory, now: now + seconds * 1000 });
    let { memory } = at(0, seen(6, 15), 100, 100, 100, 100, 100, 100);
    for (let seconds = 15; seconds < 600; seconds += 15) ({ memory } = at(seconds, memory, undefined));
    expect(at(600, memory, 10, 10, 10, 10, 10, 10)).toMatchObject({ action: 'Hold', reason: 'Stabilizing' });
    expect(at(885, memory, 10, 10, 10, 10, 10, 10)).toMatchObject({ action: 'ScaleDown', to: 3 }); // the last without was at 585
  });

  test('is held up by no time without figures when it has to rise', () => {
    const { memory } = decideFloor({ ...base, shadow: load(undefined), memory: seen(2, 301), now: now - 1_000 });
    const behavior = { ...base.behavior, scaleUp: { ...base.behavior.scaleUp, stabilizationWindowSeconds: 60 } };
    expect(decideFloor({ ...base, behavior, shadow: load(250, 250), memory })).toMatchObject({
      action: 'ScaleUp',
      to: 5,
    });
  });

  test('says the figures behind the answer', () => {
    const { message } = decideFloor({ ...base, shadow: load(250, 250, undefined) });
    expect(message).toBe('requests_per_second is 250 a Pod over 2 Pods (1 unknown); at 100 a Pod that asks for 5.');
  });

  test('carries what each metric said, from where and how old, and what it asks for', () => {
    const pods = [
      { state: 'running', value: 200, observedAt: now - 4_000 },
      { state: 'running', value: 300, observedAt: now - 9_000 },
      { state: 'running' },
    ] as const;
    const [metric] = load();
    if (metric === undefined) throw new Error('one metric');
    const { figures } = decideFloor({ ...base, shadow: [{ ...metric, pods, source: 'Pods' }] });
    expect(figures).toEqual([
      {
        metric: 'requests_per_second',
        source: 'Pods',
        perPod: 250,
        target: 100,
        asksFor: 5,
        podsMeasured: 2,
        podsMissing: 1,
        observedAt: now - 9_000,
      },
    ]);
    expect(decideFloor({ ...base, shadow: load(undefined) }).figures).toMatchObject([
      { perPod: undefined, asksFor: undefined, podsMeasured: 0, podsMissing: 1, observedAt: undefined },
    ]);
    const unknown = load(10, undefined); // asks for no number of Pods
    expect(decideFloor({ ...base, shadow: unknown }).figures).toMatchObject([{ perPod: 10, asksFor: undefined }]);
    expect(decideFloor(base).figures).toEqual([]);
  });

  test.each<Row>([
    {
      name: 'nothing where it is what is asked for',
      input: { shadow: load(250, 250) },
      expected: { heldBy: undefined, heldUntil: undefined },
    },
    {
      name: 'the rate of going up, for the rest of its period',
      input: { shadow: load(900, 900) },
      expected: { to: 6, heldBy: 'ScaleUpRate', heldUntil: now + 60_000 },
    },
    {
      name: 'the window of going down, until what was asked for before has left it',
      input: { floor: 6, current: 6, shadow: load(10, 10, 10, 10, 10, 10), memory: seen(6, 100) },
      expected: { action: 'Hold', heldBy: 'ScaleDownStabilization', heldUntil: now + 200_000 },
    },
    {
      name: 'maxReplicas, which no time ends',
      input: { shadow: load(900, 900), maxReplicas: 4 },
      expected: { to: 4, heldBy: 'MaxReplicas', heldUntil: undefined },
    },
    {
      name: 'minReplicas (2 × 10 / 100 asks for 1)',
      input: { shadow: load(10, 10), memory: seen(1, 1) },
      expected: { to: 2, heldBy: 'MinReplicas', heldUntil: undefined },
    },
    { name: 'metrics that are missing', input: { shadow: load(undefined) }, expected: { heldBy: 'MetricsStale' } },
    {
      name: 'a roll-out, by the figures of which the floor would be lower',
      input: { isRollingOut: true, floor: 6, current: 6, shadow: load(10, 10, 10, 10, 10, 10), memory: seen(6, 301) },
      expected: {
        action: 'Hold',
        to: 6,
        reason: 'RollingOut',
        heldBy: 'RollingOut',
        heldUntil: undefined,
        message:
          'requests_per_second is 10 a Pod over 6 Pods; at 100 a Pod that asks for 1, held by ScaleDownRate. The target is being rolled out: the floor is not lowered.',
      },
    },
    {
      name: 'a roll-out holds nothing that has to rise',
      input: { isRollingOut: true, shadow: load(250, 250) },
      expected: { action: 'ScaleUp', to: 5, heldBy: undefined },
    },
    {
      name: 'a roll-out does not hold a floor above maxReplicas',
      input: { isRollingOut: true, floor: 9, current: 9, maxReplicas: 6, shadow: load(10, 10), memory: seen(9, 301) },
      expected: { action: 'ScaleDown', to: 6, heldBy: 'RollingOut' },
    },
    {
      name: 'a roll-out does not hold what the policy alone lowers',
      input: { isRollingOut: true, floor: 5, current: 5 },
      expected: { action: 'ScaleDown', to: 2, heldBy: undefined },
    },
  ])('says what holds it: $name', ({ input, expected }) => {
    expect(decideFloor({ ...base, ...input })).toMatchObject(expected);
  });
});
