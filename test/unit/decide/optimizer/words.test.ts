import { expect, test } from '@jest/globals';
import { comparedText, measureText, pressureText } from '../../../../operator/decide/optimizer/words.ts';

test.each([
  ['memory', 1610 * 2 ** 20, '1610Mi'],
  ['responseTimeP95', 2.134, '2.13s'],
  ['cpuPercent', 85.2, '85.2 %'],
  ['cacheHitRatio', 0.61234, '0.612'],
  ['queueLength', 51, '51'],
  ['signal:mine', 0.5, '0.5'],
] as const)('%s %d is %s', (metric, value, text) => expect(measureText(metric, value)).toBe(text));

test('a rule says what it saw beside what it is compared with', () => {
  const look = {
    component: 'workflow',
    rule: 'gc',
    action: 'CollectGarbage',
    metric: 'memory',
    operator: 'GreaterThan',
    threshold: 2 ** 30,
    heldBy: undefined,
    heldUntil: undefined,
  } as const;
  expect(pressureText({ ...look, saw: 1.5 * 2 ** 30 })).toBe('memory 1536Mi > 1024Mi');
  expect(pressureText({ ...look, saw: undefined })).toBe('memory not known > 1024Mi');
});

test('a comparison says what was seen, what was to be expected, and what stands in the way', () => {
  const effect = {
    before: 100,
    last: 100,
    after: 80,
    expected: 99,
    errors: { p1: -9, p5: -5, p95: 5, p99: 9 },
    known: 720,
  };
  expect(comparedText('queueLength', { effect, harmed: 'responseTimeP95' })).toBe(
    'queueLength 100 before, 80 after; without it 99 were to be expected, 94 to 104 in 9 of 10 cases; responseTimeP95 became worse than chance explains',
  );
  expect(comparedText('queueLength', { reason: 'HistoryShort' })).toMatch(/180 rows before/);
});
