import { expect, test } from '@jest/globals';
import { weightsReport } from '../../../../operator/levers/load-balancer/weights-report.ts';

test.each([
  {
    name: 'says what keeps labels from being read, and no time',
    failure: 'pods is forbidden',
    problem: 'pods is forbidden',
  },
  { name: 'says nothing of labels that are only not there yet', failure: undefined, problem: undefined },
])('$name', ({ failure, problem }) => {
  const labels = {
    of: () => undefined,
    problem: () => 'pods in ai not watched for 34 s: pods is forbidden',
    failure: () => failure,
  };
  const { workflow } = weightsReport({ mode: 'Static', servers: { workflow: [] }, labels, weighing: undefined });
  expect(workflow?.problem).toBe(problem);
});
