import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { judgeObjectives, type ObjectivesAnswer, type ObjectivesInput } from '../../../operator/decide/objectives.ts';

const { objectives: policy } = effectivePolicy({}).policy;
const lookMs = 60_000;

/** States of WorkflowDuration (target 30 s), look after look, each knowing what the one before has said. */
function statesOf(durations: readonly number[]): readonly string[] {
  let before: Pick<ObjectivesAnswer, 'objectives' | 'insideSince'> | undefined;
  return durations.map((value, look) => {
    const now = look * lookMs;
    const previous = before?.objectives as ObjectivesInput['previous'];
    const measured = { workflowDuration: { value, observedAt: now } };
    before = judgeObjectives({ policy, measured, previous, insideSince: before?.insideSince, now });
    return before.objectives[0]?.state ?? '';
  });
}

const changes = (states: readonly string[]): number =>
  states.filter((state, look) => look > 0 && state !== states[look - 1]).length;

test('a figure that wobbles round its target within the dead band changes its state at most once', () => {
  const wobble = fc.array(fc.double({ min: 28.501, max: 31.5, noNaN: true }), { maxLength: 30 }); // half an hour
  fc.assert(fc.property(wobble, (durations) => changes(statesOf(durations)) <= 1));
});

test('a figure beyond its target is told at once, whatever was before', () => {
  const any = fc.array(fc.double({ min: 1, max: 60, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(any, (durations) =>
      statesOf(durations).every((state, look) => (durations[look] ?? 0) <= 30 || state === 'NotMet'),
    ),
  );
});

test('a figure that stays inside its target is met after half an hour, however near it is', () => {
  const calm = fc.array(fc.double({ min: 28.501, max: 30, noNaN: true }), { minLength: 31, maxLength: 40 });
  fc.assert(
    fc.property(calm, (durations) => {
      const states = statesOf([31, ...durations]);
      expect(states.slice(0, 31).every((state) => state === 'NotMet')).toBe(true);
      expect(states.slice(31).every((state) => state === 'Met')).toBe(true);
    }),
  );
});
