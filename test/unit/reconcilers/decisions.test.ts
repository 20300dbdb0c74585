import { expect, test } from '@jest/globals';
import { decisionStatus } from '../../../operator/reconcilers/decisions.ts';

const at = Date.UTC(2026, 10, 28, 3, 0, 0);
const look = {
  action: 'ScaleUp',
  from: 2,
  to: 6,
  reason: 'LoadHigh',
  message: 'requests_per_second is 90 a Pod',
  figures: [],
  terms: [],
  heldBy: 'ScaleUpRate',
  heldUntil: at + 60_000,
  at,
} as const;

test('status has of a decision what a person asks first, and when the next may come where time alone says it', () => {
  const told = { action: 'ScaleUp', from: 2, to: 6, reason: 'LoadHigh', message: look.message };
  expect(decisionStatus({ ...look, nextAt: at + 60_000 })).toEqual({
    ...told,
    time: '2026-11-28T03:00:00Z',
    nextEligibleTime: '2026-11-28T03:01:00Z',
  });
  expect(decisionStatus({ ...look, nextAt: undefined })).toEqual({ ...told, time: '2026-11-28T03:00:00Z' });
});
