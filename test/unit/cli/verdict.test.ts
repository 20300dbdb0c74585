import { describe, expect, test } from '@jest/globals';
import { exitOf, verdictOf, type AskedObjective, type Look } from '../../../operator/cli/verdict.ts';
import { validationText } from '../../../operator/cli/validate.ts';

const [duration, memory, workflows] = ['WorkflowDuration', 'Memory', 'ConcurrentWorkflows'] as const;
const one = (
  name: AskedObjective['name'],
  state: AskedObjective['state'],
  mode: AskedObjective['mode'] = 'Required',
): AskedObjective => ({ name, state, mode, target: '1' });

interface Row {
  readonly name: string;
  readonly objectives: readonly AskedObjective[];
  readonly allowUnexercised?: boolean;
  readonly unsettled?: string;
  readonly code: number;
  readonly says: string;
}

test.each<Row>([
  { name: 'all met is 0', objectives: [one(duration, 'Met'), one(memory, 'Met')], code: 0, says: '2 of 2 met' },
  {
    name: 'one that is not met is 1',
    objectives: [one(duration, 'Met'), one(memory, 'NotMet')],
    code: 1,
    says: '1 of 2 met; not met: Memory',
  },
  {
    name: 'one that is not met is 1, whatever is unknown beside it',
    objectives: [one(duration, 'Unknown'), one(memory, 'NotMet')],
    code: 1,
    says: '0 of 2 met; not met: Memory; no data: WorkflowDuration',
  },
  {
    name: 'unknown is not met: 2',
    objectives: [one(duration, 'Unknown'), one(memory, 'Met')],
    code: 2,
    says: '1 of 2 met; no data: WorkflowDuration',
  },
  {
    name: 'one whose load was not there is 2',
    objectives: [one(duration, 'Met'), one(workflows, 'NotExercised')],
    code: 2,
    says: '1 of 2 met; not exercised: ConcurrentWorkflows',
  },
  {
    name: 'one whose load was not there is passed over where that is allowed',
    objectives: [one(duration, 'Met'), one(workflows, 'NotExercised')],
    allowUnexercised: true,
    code: 0,
    says: '1 of 1 met; not exercised, passed over: ConcurrentWorkflows',
  },
  {
    name: 'nothing but what is passed over is no yes',
    objectives: [one(workflows, 'NotExercised')],
    allowUnexercised: true,
    code: 2,
    says: 'no required objective to judge; not exercised, passed over: ConcurrentWorkflows',
  },
  {
    name: 'what is Informational does not count',
    objectives: [one(duration, 'Met'), one(memory, 'NotMet', 'Informational')],
    code: 0,
    says: '1 of 1 met',
  },
  { name: 'no objective at all is 2', objectives: [], code: 2, says: 'no required objective to judge' },
  {
    name: 'a status that is not about now is 2, whatever stands in it',
    objectives: [one(duration, 'Met')],
    unsettled: 'the operator has not looked at it yet',
    code: 2,
    says: 'the operator has not looked at it yet',
  },
])('$name', ({ objectives, allowUnexercised = false, unsettled, code, says }) => {
  const verdict = verdictOf({ about: 'ai/generation', objectives, unsettled }, { allowUnexercised });
  expect(verdict.summary).toBe(says);
  expect(exitOf(verdict)).toBe(code);
});

describe('the page of genops validate', () => {
  test('has a line for each objective with its mark, figure and target, and one that sums them up', () => {
    const look: Look = {
      about: 'ai/generation',
      objectives: [
        { name: duration, mode: 'Required', state: 'Met', measured: '12.1s', target: '30s', component: 'workflow' },
        { name: workflows, mode: 'Required', state: 'NotExercised', measured: '3', target: '20' },
        { name: memory, mode: 'Informational', state: 'NotMet', measured: '2300Mi', target: '2048Mi' },
        { name: 'CacheHitRatio', mode: 'Required', state: 'Unknown', target: '0.70' },
      ],
    };
    expect(validationText(look, verdictOf(look, { allowUnexercised: false }))).toBe(
      [
        '✅ WorkflowDuration     12.1s    target 30s     workflow',
        '➖ ConcurrentWorkflows  3        target 20      not exercised',
        '❌ Memory               2300Mi   target 2048Mi  Informational',
        '❔ CacheHitRatio        no data  target 0.70',
        'ai/generation: cannot tell (1 of 3 met; no data: CacheHitRatio; not exercised: ConcurrentWorkflows)',
        '',
      ].join('\n'),
    );
  });
});
