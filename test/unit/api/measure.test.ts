import { describe, expect, test } from '@jest/globals';
import { isMeasurable, isMetric, readValue } from '../../../operator/api/measure.ts';

describe('readValue() reads in the unit of the metric', () => {
  test.each([
    { metric: 'responseTimeAverage', value: '200ms', number: 0.2 },
    { metric: 'memory', value: '1536Mi', number: 1_610_612_736 },
    { metric: 'cpuPercent', value: '80', number: 80 },
    { metric: 'cacheHitRatio', value: '0.6', number: 0.6 },
    { metric: 'queueLength', value: '50', number: 50 },
    { metric: 'signal:backlog', value: '12.5', number: 12.5 },
  ] as const)('$metric $value is $number', ({ metric, value, number }) => {
    expect(readValue(metric, value)).toBe(number);
  });
});

describe('isMeasurable()', () => {
  test.each([
    { metric: 'responseTimeP95', value: '2s', expected: true },
    { metric: 'responseTimeP95', value: '2', expected: false },
    { metric: 'cacheHitRatio', value: '60%', expected: false },
    { metric: 'memory', value: '1536Mi', expected: true },
    { metric: 'memory', value: '2s', expected: false },
    { metric: 'speed', value: '1', expected: false },
    { metric: 'toString', value: '1', expected: false },
    { metric: 'signal:speed', value: '1', expected: true },
    { metric: undefined, value: '1', expected: true },
    { metric: 'memory', value: undefined, expected: true },
  ])('$metric with $value: $expected', ({ metric, value, expected }) => {
    expect(isMeasurable(metric, value)).toBe(expected);
  });
});

test('isMetric() knows the contract and the signals of a service, nothing else', () => {
  expect(['cpuPercent', 'signal:x', 'constructor'].map(isMetric)).toEqual([true, true, false]);
});
