import { describe, expect, test } from '@jest/globals';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { judgeObjectives, type Measured } from '../../../operator/decide/objectives.ts';

const now = Date.UTC(2026, 10, 25, 12, 0, 0);
const { objectives: policy } = effectivePolicy({}).policy;
const seen = (value: number, more: object = {}) => ({ value, observedAt: now - 4_000, ...more });
const atLeast = (value: number) => seen(value, { atLeast: true });
const carried: Measured = {
  workflowDuration: seen(12),
  cachedResponseTime: seen(0.08),
  memory: seen(1024 ** 3),
  redisHitRatio: seen(0.9),
  successRatio: seen(0.99),
};
const judged = (measured: Partial<Measured>, previous?: 'Met') =>
  judgeObjectives({
    policy,
    measured: { ...carried, ...measured },
    previous: previous && [{ name: 'ConcurrentWorkflows', target: '20', state: previous }],
    isFresh: true,
    now,
  });

describe('what is in flight, of which a Pod leaves out its part', () => {
  type Row = { name: string; measured: Partial<Measured>; previous?: 'Met'; expected: object };
  test.each<Row>([
    {
      name: 'is unknown below the target of 20: the rest may be there',
      measured: { workflowsInFlight: atLeast(19) },
      expected: { state: 'Unknown', measured: '≥19' },
    },
    {
      name: 'exercises it where the part is enough',
      measured: { workflowsInFlight: atLeast(20) },
      expected: { state: 'Met', measured: '≥20' },
    },
    {
      name: 'and misses it with the others',
      measured: { workflowsInFlight: atLeast(20), workflowDuration: seen(31) },
      expected: { state: 'NotMet' },
    },
    {
      name: 'goes on to count a little below',
      measured: { workflowsInFlight: atLeast(19) },
      previous: 'Met',
      expected: { state: 'Met' },
    },
    {
      name: 'is not exercised below it where all have told',
      measured: { workflowsInFlight: seen(19) },
      expected: { state: 'NotExercised', measured: '19' },
    },
  ])('$name', ({ measured, previous, expected }) => {
    const { objectives } = judged(measured, previous);
    expect(objectives.find(({ name }) => name === 'ConcurrentWorkflows')).toMatchObject(expected);
  });

  test('is not met: one of six is open, and a Pod to look for', () => {
    expect(judged({ workflowsInFlight: atLeast(3) })).toMatchObject({
      objectivesMet: '5/6',
      condition: {
        status: 'Unknown',
        message: expect.stringMatching(
          /^saw only a lower bound of ConcurrentWorkflows \(20\); .*next: of Conc.* a Pod/,
        ),
      },
    });
  });
});

test('what is not known is not said not to be there; in JSON views it has the name of its signal', () => {
  const unknown = { ...carried, workflowsInFlight: undefined, workflowDuration: atLeast(10), memory: undefined };
  const said = (isOfViews: boolean) =>
    judgeObjectives({ policy, measured: unknown, previous: undefined, isFresh: true, isOfViews, now }).condition
      .message;
  expect(said(false)).toMatch(
    /^saw no data for ConcurrentWorkflows \(20\), Memory \(2048Mi\), and only a lower bound of WorkflowDuration \(30s\); /,
  );
  expect(said(false)).toMatch(/no figure, or is not there: .*workload-contract\.md.*generation_workflows_in/);
  expect(said(false)).toMatch(/; a time beyond the last bucket/);
  expect(said(true)).toMatch(
    /metric-sources\.md\); ConcurrentWorkflows is judged by the signal workflowsInFlight of the JSON/,
  );
  expect(said(true)).not.toContain('generation_');
});
