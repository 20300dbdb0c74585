import { expect, test } from '@jest/globals';
import { objectiveValue } from '../../../operator/api/objective-value.ts';

test.each([
  ['WorkflowDuration', '1m30s', 90],
  ['WorkflowDuration', '12.3s', 12.3],
  ['WorkflowDuration', '>30s', 30],
  ['CachedResponseTime', '84ms', 0.084],
  ['ConcurrentWorkflows', '20', 20],
  ['Memory', '1.5Gi', 1.5 * 1024 ** 3],
  ['CacheHitRatio', '0.982', 0.982],
  ['SuccessRatio', 'much', undefined],
  ['WorkflowDuration', 'long', undefined],
] as const)('%s %s is %s in its base unit', (name, text, expected) => {
  expect(objectiveValue(name, text)).toBe(expected);
});
