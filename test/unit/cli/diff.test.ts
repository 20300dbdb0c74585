import { expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import { headerText } from '../../../operator/cli/diff.ts';
import type { UnitPlan } from '../../../operator/levers/run.ts';

const plan = (more: Partial<UnitPlan>): UnitPlan =>
  ({ changes: [], condition: { status: 'True', reason: 'Applied', message: 'as declared' }, ...more }) as UnitPlan;
const nothing = plan({});
const something = plan({
  changes: [{ cause: 'Declared', differences: [{ field: 'maxmemory', from: '0', to: '1073741824' }] }],
});
const unseen = plan({ problem: new Problem('Unreachable', { saw: 'no answer', wanted: 'one', next: 'look' }) });

test.each([
  { name: 'nothing above what is about to be done', mode: 'Enforce', plans: [something], says: '' },
  {
    name: 'what Enforce would do',
    mode: 'DryRun',
    plans: [nothing, something],
    says: 'mode DryRun: nothing is changed; Enforce would do this\n',
  },
  {
    name: 'that Enforce would do nothing either',
    mode: 'Paused',
    plans: [nothing],
    says: 'mode Paused: nothing is changed, and Enforce would have nothing to change\n',
  },
  {
    name: 'no word of what Enforce would do to what could not be looked at',
    mode: 'Paused',
    plans: [nothing, unseen],
    says: 'mode Paused: nothing is changed\n',
  },
])('genops diff begins with $name', ({ mode, plans, says }) => {
  expect(headerText(mode, plans)).toBe(says);
});
