import { describe, expect, test } from '@jest/globals';
import { objectiveEvents } from '../../../operator/reconcilers/objective-events.ts';

type Objectives = NonNullable<Parameters<typeof objectiveEvents>[0]>;
type State = Objectives[number]['state'];
const duration = (state: State): Objectives[number] => ({
  name: 'WorkflowDuration',
  component: 'workflow',
  state,
  target: '30s',
  measured: '42.1s',
});
const memory = (state: State): Objectives[number] => ({ name: 'Memory', state, target: '2048Mi', measured: '2100Mi' });
const reasons = (before: Objectives | undefined, after: Objectives): readonly string[] =>
  objectiveEvents(before, after).map(({ reason }) => reason);

describe('objectiveEvents()', () => {
  test.each<{ name: string; before: Objectives | undefined; after: Objectives; told: readonly string[] }>([
    { name: 'missed', before: [duration('Met')], after: [duration('NotMet')], told: ['ObjectiveMissed'] },
    { name: 'met again', before: [duration('NotMet')], after: [duration('Met')], told: ['ObjectiveMet'] },
    { name: 'missed at the first look', before: undefined, after: [duration('NotMet')], told: ['ObjectiveMissed'] },
    { name: 'met at the first look', before: undefined, after: [duration('Met')], told: [] },
    { name: 'unknown at the start', before: undefined, after: [duration('Unknown')], told: [] },
    { name: 'met after it was unknown', before: [duration('Unknown')], after: [duration('Met')], told: [] },
    { name: 'unknown after it was missed', before: [duration('NotMet')], after: [duration('Unknown')], told: [] },
    { name: 'missed as before', before: [duration('NotMet')], after: [duration('NotMet')], told: [] },
    {
      name: 'one missed, one met again',
      before: [duration('NotMet'), memory('Met')],
      after: [duration('Met'), memory('NotMet')],
      told: ['ObjectiveMissed', 'ObjectiveMet'],
    },
  ])('$name: $told', ({ before, after, told }) => {
    expect(reasons(before, after)).toEqual(told);
  });

  test('those that are missed together are one Event with their figures', () => {
    expect(objectiveEvents([], [duration('NotMet'), memory('NotMet')])).toEqual([
      {
        type: 'Warning',
        reason: 'ObjectiveMissed',
        action: 'Judge',
        note: expect.stringContaining('WorkflowDuration of workflow 42.1s (target 30s), Memory 2100Mi (target 2048Mi)'),
      },
    ]);
  });
  test('what misses one that is no figure is told behind its target, and not once it is met', () => {
    const looked = [{ name: 'Memory', cause: '; a container was killed for its memory (OOMKilled)' }] as const;
    const noteOf = (before: Objectives, after: Objectives) => objectiveEvents(before, after, looked)[0]?.note;
    expect(noteOf([], [{ ...memory('NotMet'), measured: '48Mi' }])).toContain(
      'Memory 48Mi (target 2048Mi; a container was killed for its memory (OOMKilled))',
    );
    expect(noteOf([memory('NotMet')], [memory('Met')])).toBe('met again: Memory 2100Mi (target 2048Mi)');
  });
});
