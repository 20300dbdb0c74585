import { describe, expect, test } from '@jest/globals';
import { steadyObjectives, steadyRating } from '../../../operator/decide/steady.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
type Objective = Parameters<typeof steadyObjectives>[1][number];
const before: Objective = {
  name: 'Memory',
  state: 'Met',
  target: '2048Mi',
  measured: '100Mi',
  since: '2026-01-01T00:00:00Z',
  observedAt: '2026-01-01T00:50:00Z',
};

interface Row {
  readonly name: string;
  readonly before?: Partial<Objective>;
  readonly after: Partial<Objective>;
  readonly told: boolean;
}
describe('steadyObjectives()', () => {
  test.each<Row>([
    { name: 'keeps a figure within a tenth', after: { measured: '110Mi' }, told: false },
    { name: 'tells a figure beyond a tenth', after: { measured: '111Mi' }, told: true },
    {
      name: 'keeps even that within five minutes',
      before: { observedAt: '2026-01-01T00:55:01Z' },
      after: { measured: '500Mi' },
      told: false,
    },
    {
      name: 'tells a changed state at once',
      before: { observedAt: '2026-01-01T00:59:59Z' },
      after: { state: 'NotMet' },
      told: true,
    },
    {
      name: 'tells a changed target at once',
      before: { observedAt: '2026-01-01T00:59:59Z' },
      after: { target: '1Gi' },
      told: true,
    },
    { name: 'tells a figure in another unit', after: { measured: '100Gi' }, told: true },
  ])('$name', ({ before: changed, after, told }) => {
    const known = { ...before, ...changed };
    const next = { ...known, observedAt: '2026-01-01T00:59:59Z', ...after };
    expect(steadyObjectives([known], [next], now)).toEqual([told ? next : known]);
  });
});

test('steadyRating() tells grades, not points', () => {
  const good = { grade: 'Good', score: 65, scoredOf: 100 } as const;
  expect(steadyRating(good, { grade: 'Good', score: 70, scoredOf: 100 })).toBe(good);
  expect(steadyRating(good, { grade: 'Fair', score: 55, scoredOf: 100 })).toMatchObject({ grade: 'Fair' });
  expect(steadyRating(good, { grade: 'Good', score: 50, scoredOf: 75 })).toMatchObject({ scoredOf: 75 });
});
