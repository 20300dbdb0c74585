import { describe, expect, test } from '@jest/globals';
import { type Condition, type NewCondition, withCondition } from '../../../operator/api/conditions.ts';

const now = new Date('2026-11-25T10:00:00.750Z');
const later = new Date('2026-11-25T10:05:00Z');
const reachable: NewCondition<'RedisApplied'> = {
  type: 'RedisApplied',
  status: 'True',
  reason: 'Applied',
  message: 'All of it.',
  observedGeneration: 1,
};

describe('withCondition()', () => {
  const first = withCondition([], reachable, now);

  test('stamps a new condition in whole seconds', () => {
    expect(first).toEqual([{ ...reachable, lastTransitionTime: '2026-11-25T10:00:00Z' }]);
  });

  test('keeps the time while the status stays, whatever else changes', () => {
    const next = withCondition(
      first,
      { ...reachable, reason: 'PendingRestart', message: 'Soon.', observedGeneration: 2 },
      later,
    );
    expect(next).toMatchObject([
      { reason: 'PendingRestart', observedGeneration: 2, lastTransitionTime: '2026-11-25T10:00:00Z' },
    ]);
  });

  test('moves the time with the status', () => {
    const next = withCondition(first, { ...reachable, status: 'False', reason: 'Unreachable' }, later);
    expect(next).toMatchObject([{ status: 'False', lastTransitionTime: '2026-11-25T10:05:00Z' }]);
  });

  test('sorts by type, so that equal states are equal bytes', () => {
    const ready: NewCondition<'Ready'> = { ...reachable, type: 'Ready', reason: 'Reconciled' };
    const other: NewCondition<'HorizontalApplied'> = { ...reachable, type: 'HorizontalApplied', reason: 'Applied' };
    const inOrder = [ready, other].reduce<readonly Condition[]>((all, next) => withCondition(all, next, now), first);
    const reversed = [reachable, other, ready].reduce<readonly Condition[]>(
      (all, next) => withCondition(all, next, now),
      [],
    );
    expect(inOrder.map(({ type }) => type)).toEqual(['HorizontalApplied', 'Ready', 'RedisApplied']);
    expect(JSON.stringify(reversed)).toBe(JSON.stringify(inOrder));
  });

  test('changes nothing that it was given', () => {
    const before = structuredClone(first);
    withCondition(first, { ...reachable, status: 'Unknown', reason: 'Pending' }, later);
    expect(first).toEqual(before);
  });
});
