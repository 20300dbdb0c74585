import { describe, expect, test } from '@jest/globals';
import type { Metric } from '../../../../operator/api/measure.ts';
import { nothingKept } from '../../../../operator/decide/optimizer/kept.ts';
import { mayEvict, worstPods, type PodSaid } from '../../../../operator/decide/optimizer/worst-pods.ts';
import { now } from './made-rows.ts';

const pods: readonly PodSaid[] = [
  { name: 'calm', memoryBytes: 100, memoryPercent: 90, inFlight: 0 },
  { name: 'large', memoryBytes: 300, memoryPercent: 30, inFlight: 2 },
  { name: 'silent' },
  { name: 'middle', memoryBytes: 200, memoryPercent: 20, inFlight: 1 },
];

describe('worstPods()', () => {
  test.each<{
    readonly metric: Metric;
    readonly operator?: 'LessThan';
    readonly value?: number;
    readonly most: number;
    readonly are: readonly string[];
  }>([
    { metric: 'memory', most: 1, are: ['large'] },
    { metric: 'memory', most: 9, are: ['large', 'middle', 'calm'] },
    { metric: 'memory', value: 200, most: 9, are: ['large'] },
    { metric: 'memory', value: 400, most: 9, are: ['large'] },
    { metric: 'memoryPercent', most: 1, are: ['calm'] },
    { metric: 'workflowsInFlight', operator: 'LessThan', most: 1, are: ['calm'] },
    { metric: 'workflowsInFlight', operator: 'LessThan', value: 2, most: 9, are: ['calm', 'middle'] },
    { metric: 'cpuPercent', most: 1, are: [] },
    { metric: 'responseTimeP95', most: 1, are: [] },
    { metric: 'memory', most: 0, are: [] },
  ])('by $metric beyond $value, $most at most: $are', ({ metric, operator, value = 0, most, are }) => {
    const rule = { metric, operator: operator ?? 'GreaterThan', value } as const;
    expect(worstPods(rule, pods, most).map(({ name }) => name)).toEqual(are);
  });
});

describe('mayEvict()', () => {
  const acts = [{ component: 'workflow', at: now - 1, until: now, evicted: 2 }];
  test.each([
    { name: 'its step', bounds: { step: 2, max: 9 }, readyPods: 5, is: 2 },
    { name: 'what the hour has left', bounds: { step: 2, max: 3 }, readyPods: 5, acts, is: 1 },
    { name: 'never the last one', bounds: { step: 2, max: 9 }, readyPods: 2, is: 1 },
    { name: 'none where none is Ready', bounds: { step: 2, max: 9 }, readyPods: 0, is: 0 },
    { name: 'whole Pods', bounds: { step: 1.5, max: 9 }, readyPods: 5, is: 1 },
    { name: 'none without bounds', bounds: undefined, readyPods: 5, is: 0 },
  ])('$name', ({ bounds, readyPods, acts: made = [], is }) => {
    const kept = { ...nothingKept, acts: made };
    expect(mayEvict({ ...(bounds && { bounds }) }, { name: 'workflow', readyPods }, kept, now)).toBe(is);
  });
});
