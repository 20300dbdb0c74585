import { expect, test } from '@jest/globals';
import type { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { withoutGuess } from '../../../operator/cli/installed-way.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import type { ResolvedComponent } from '../../../operator/decide/resolve.ts';
import type { AnyLever } from '../../../operator/levers/run.ts';

const memory = {
  type: 'Resource' as const,
  resource: { name: 'memory' as const, target: { type: 'Utilization' as const, averageUtilization: 70 } },
};
const requests = (name = 'requests_per_second') => ({
  type: 'Pods' as const,
  pods: { metric: { name }, target: { type: 'AverageValue' as const, averageValue: '100' } },
});

interface Row {
  readonly name: string;
  readonly horizontal?: PolicySpec['horizontal'];
  readonly vertical?: PolicySpec['vertical'];
  readonly unseen?: string | undefined;
  readonly guessed: readonly string[];
}
const unseen = 'no answer';
const split = { mode: 'Enforce' as const, conflictResolution: 'Split' as const };

test.each<Row>([
  { name: 'the HPA turns on it where a Pods metric may be served', unseen, guessed: ['horizontal'] },
  { name: 'nothing is a guess where it is known', guessed: [] },
  { name: 'nothing turns on it in the shadow', unseen, horizontal: { podsMetrics: 'Shadow' }, guessed: [] },
  {
    name: 'nor without a Pods metric of ours',
    unseen,
    horizontal: { metrics: [memory, requests('queue')] },
    guessed: [],
  },
  { name: 'nor where only the floor is moved', unseen, horizontal: { mode: 'FloorOnly' }, guessed: [] },
  {
    name: 'what a VPA is to size does too, where the HPA would be left without a metric',
    unseen,
    horizontal: { metrics: [memory, requests()] },
    vertical: split,
    guessed: ['horizontal', 'vertical', 'resources'],
  },
])('of a plan for which nobody can tell whose the metrics API is: $name', async ({ horizontal, vertical, ...row }) => {
  const policy = effectivePolicy({
    overrides: { ...(horizontal && { horizontal }), ...(vertical && { vertical }) },
  }).policy;
  const component = { spec: { name: 'workflow' }, policy, podsMetrics: 'Shadow', vpa: 'Sizes' };
  const levers = ['horizontal', 'vertical', 'resources', 'redis'].map((name) => ({
    name,
    observe: () => Promise.resolve('seen'),
  })) as unknown as readonly AnyLever[];
  const looks = withoutGuess(levers, [component as unknown as ResolvedComponent], row.unseen).map(async (lever) =>
    lever.observe({ name: 'workflow', mode: 'Enforce' }, AbortSignal.timeout(1_000)).then(
      () => [],
      () => [lever.name],
    ),
  );
  expect((await Promise.all(looks)).flat()).toEqual(row.guessed);
});
