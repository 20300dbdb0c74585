import { describe, expect, test } from '@jest/globals';
import { burnRate, paceOf, type BurnRates } from '../../../operator/decide/burn.ts';

describe('burnRate() with a budget of 1 %', () => {
  const hour = 3_600;
  test.each<{ name: string; met: number; notMet: number; rate: number | undefined }>([
    { name: 'nothing was missed', met: hour, notMet: 0, rate: 0 },
    { name: '36 s of an hour are just the budget', met: hour - 36, notMet: 36, rate: 1 },
    { name: 'an hour that was never met', met: 0, notMet: hour, rate: 100 },
    { name: 'the first 36 s after a start are not a bad hour', met: 0, notMet: 36, rate: 1 },
    { name: 'nothing was judged', met: 0, notMet: 0, rate: undefined },
  ])('$name', ({ met, notMet, rate }) => {
    const found = burnRate({ metSeconds: met, notMetSeconds: notMet, spanSeconds: hour });
    if (rate === undefined) expect(found).toBeUndefined();
    else expect(found).toBeCloseTo(rate);
  });
});

describe('paceOf()', () => {
  test.each<{ name: string; rates: BurnRates; pace: string | undefined }>([
    { name: 'both windows at 14.4', rates: { '1h': 14.4, '5m': 14.4 }, pace: '1h' },
    { name: 'the long one just below', rates: { '1h': 14.39, '5m': 100 }, pace: undefined },
    { name: 'met again in the last five minutes', rates: { '1h': 50, '5m': 0 }, pace: undefined },
    { name: 'six hours at 6', rates: { '1h': 7, '5m': 7, '6h': 6, '30m': 6 }, pace: '6h' },
    { name: 'six hours just below', rates: { '6h': 5.99, '30m': 6 }, pace: undefined },
    { name: 'three days at 1', rates: { '3d': 1, '6h': 1 }, pace: '3d' },
    { name: 'three days just below', rates: { '3d': 1, '6h': 0.99 }, pace: undefined },
    { name: 'the fastest of several', rates: { '1h': 20, '5m': 20, '6h': 20, '30m': 20, '3d': 2 }, pace: '1h' },
    { name: 'nothing is known', rates: {}, pace: undefined },
  ])('$name', ({ rates, pace }) => {
    expect(paceOf(rates)?.long).toBe(pace);
  });
});
