import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decideFloor, type FloorInput } from '../../../operator/decide/floor.ts';
import type { PodSample } from '../../../operator/decide/pods-metric.ts';
import type { Behavior, ScalingRules } from '../../../operator/decide/scaling-behavior.ts';

const now = 1_800_000_000_000;
const replicas = fc.integer({ min: 1, max: 60 });
const rate = fc.double({ min: 0, max: 1e4, noNaN: true });

const pod: fc.Arbitrary<PodSample> = fc.record(
  { state: fc.constantFrom('running', 'pending', 'leaving'), value: rate },
  { requiredKeys: ['state'] },
);
const metricOf = (pods: fc.Arbitrary<readonly PodSample[]>): fc.Arbitrary<FloorInput['shadow'][number]> =>
  fc.record({
    name: fc.constantFrom('requests_per_second', 'queue'),
    target: fc.double({ min: 0.001, max: 1e3, noNaN: true }),
    pods,
  });
const known = metricOf(fc.array(pod, { maxLength: 12 }));
const unknown = metricOf(fc.array(fc.constantFrom({ state: 'running' } as const, { state: 'pending' } as const)));

const rules = fc.record(
  {
    stabilizationWindowSeconds: fc.integer({ min: 0, max: 600 }),
    selectPolicy: fc.constantFrom('Max', 'Min', 'Disabled'),
    policies: fc.array(
      fc.record({
        type: fc.constantFrom('Pods', 'Percent'),
        value: fc.integer({ min: 1, max: 200 }),
        periodSeconds: fc.integer({ min: 1, max: 600 }),
      }),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: [] },
) satisfies fc.Arbitrary<ScalingRules>;
const behavior: fc.Arbitrary<Behavior> = fc.record({ scaleUp: rules, scaleDown: rules });

const ago = fc.integer({ min: 0, max: 700_000 }).map((ms) => now - ms);
const memory = fc.record({
  recommendations: fc.array(fc.record({ at: ago, replicas }), { maxLength: 8 }),
  events: fc.array(fc.record({ at: ago, change: fc.integer({ min: -20, max: 20 }) }), { maxLength: 5 }),
  replicas,
});

const input: fc.Arbitrary<FloorInput> = fc
  .record({
    bounds: fc.tuple(replicas, replicas),
    floor: fc.option(replicas, { nil: undefined }),
    current: fc.integer({ min: 0, max: 60 }),
    shadow: fc.array(known, { maxLength: 2 }),
    behavior,
    tolerance: fc.record({ down: fc.double({ min: 0, max: 0.5 }), up: fc.double({ min: 0, max: 0.5 }) }),
    memory: fc.option(memory, { nil: undefined }),
  })
  .map(({ bounds: [a, b], ...rest }) => ({ ...rest, minReplicas: Math.min(a, b), maxReplicas: Math.max(a, b), now }));

/** Where the floor stands, as far as the bounds let it. */
const held = ({ floor, minReplicas, maxReplicas }: FloorInput): number =>
  Math.min(Math.max(floor ?? minReplicas, minReplicas), maxReplicas);

describe('decideFloor()', () => {
  test('sets a whole number of replicas within the bounds, whatever is measured and remembered', () => {
    fc.assert(
      fc.property(input, (at) => {
        const { to } = decideFloor(at);
        expect(Number.isInteger(to)).toBe(true);
        expect(to).toBeGreaterThanOrEqual(at.minReplicas);
        expect(to).toBeLessThanOrEqual(at.maxReplicas);
      }),
    );
  });

  test('moves the floor for no load while a metric has no figure, whatever the others say', () => {
    fc.assert(
      fc.property(input, unknown, fc.nat(2), (at, missing, place) => {
        const decision = decideFloor({ ...at, shadow: at.shadow.toSpliced(place, 0, missing) });
        expect(decision).toMatchObject({ to: held(at), reason: 'MetricsStale' });
      }),
    );
  });

  test('lowers nothing on the first figures after a start, where the policy has a window', () => {
    fc.assert(
      fc.property(
        input,
        fc.integer({ min: 1, max: 600 }),
        fc.array(known, { minLength: 1, maxLength: 2 }),
        (at, stabilizationWindowSeconds, shadow) => {
          const scaleDown = { ...at.behavior.scaleDown, stabilizationWindowSeconds };
          const { to } = decideFloor({ ...at, shadow, memory: undefined, behavior: { ...at.behavior, scaleDown } });
          expect(to).toBeGreaterThanOrEqual(held(at));
        },
      ),
    );
  });

  test('lowers nothing before a whole window of figures has followed on the last time without any', () => {
    const window = fc.integer({ min: 1, max: 600 });
    fc.assert(
      fc.property(
        input,
        window,
        unknown,
        fc.array(known),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (at, seconds, missing, shadow, part) => {
          const scaleDown = { ...at.behavior.scaleDown, stabilizationWindowSeconds: seconds };
          const first = { ...at, behavior: { ...at.behavior, scaleDown } };
          const { memory: blind } = decideFloor({ ...first, shadow: [missing] });
          const { to } = decideFloor({ ...first, shadow, memory: blind, now: now + Math.floor(part * seconds * 1000) });
          if (shadow.length > 0) expect(to).toBeGreaterThanOrEqual(held(at));
        },
      ),
    );
  });

  test('raises the floor no further than what was measured needs, whatever is unknown and runs', () => {
    fc.assert(
      fc.property(input, (at) => {
        const needs = at.shadow.map(({ target, pods }) =>
          Math.ceil(pods.reduce((sum, { state, value = 0 }) => sum + (state === 'running' ? value : 0), 0) / target),
        );
        expect(decideFloor(at).to).toBeLessThanOrEqual(Math.max(held(at), ...needs));
      }),
    );
  });

  test('says what it does: the action is the direction from the floor to the answer', () => {
    fc.assert(
      fc.property(input, (at) => {
        const { action, from, to } = decideFloor(at);
        expect(from).toBe(at.floor ?? at.minReplicas);
        expect(action).toBe(to > from ? 'ScaleUp' : to < from ? 'ScaleDown' : 'Hold');
      }),
    );
  });
});
