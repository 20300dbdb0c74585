import { expect, test } from '@jest/globals';
import type { Candidate } from '../../../../../operator/levers/postgresql/advice/candidates.ts';
import { adviceText, advisedEntries } from '../../../../../operator/levers/postgresql/advice/words.ts';
import { bySize, wanting } from '../indexes/observations.ts';

const size: Candidate = {
  schema: 'public',
  table: 'workflows',
  columns: ['size'],
  statements: ['7', '-8'],
  share: 0.57,
};
const known = (...advised: readonly Candidate[]) => ({ state: 'Known', advised, unplanned: [] }) as const;
const declaring = (index: object) => wanting([{ ...bySize, ...index }]).policy.indexes;

test('what is advised is told with whom it would serve, and no figure that moves', () => {
  const advice = known(size, { ...size, schema: 'shop', columns: ['Odd "name', 'size'], share: 0.099 });
  expect(advisedEntries(advice, [])).toEqual([
    {
      name: 'workflows_size',
      state: 'Advised',
      on: 'public.workflows (size)',
      statements: ['7', '-8'],
      gain: 'for about 50 % of the time of all statements; not proven',
    },
    expect.objectContaining({
      name: 'workflows_Oddname_size',
      on: 'shop.workflows (Odd "name, size)',
      gain: 'for less than 10 % of the time of all statements; not proven',
    }),
  ]);
  expect(adviceText(known(size), [])).toEqual(['Advised, and never built unasked: public.workflows (size).']);
  expect(adviceText(known(), [])).toEqual([]);
});

test.each([
  { name: 'an index with the same columns', index: {}, isAdvised: false },
  { name: 'a longer one', index: { columns: [{ name: 'size' }, { name: 'status' }] }, isAdvised: false },
  { name: 'one that begins otherwise', index: { columns: [{ name: 'status' }, { name: 'size' }] }, isAdvised: true },
  { name: 'one that is off', index: { mode: 'Off' }, isAdvised: true },
  { name: 'one of some rows', index: { where: [{ column: 'size', operator: 'IsNotNull' }] }, isAdvised: true },
  { name: 'one of another method', index: { method: 'BRIN' }, isAdvised: true },
  { name: 'one of another schema', index: { schema: 'shop' }, isAdvised: true },
])('beside $name that is declared: advised $isAdvised', ({ index, isAdvised }) => {
  const declared = declaring(index);
  expect(advisedEntries(known(size), declared)).toHaveLength(isAdvised ? 1 : 0);
  expect(adviceText(known(size), declared)).toHaveLength(isAdvised ? 1 : 0);
});

test('why nothing is known is told, and of how many statements no plan is', () => {
  expect(adviceText({ state: 'Unknown', why: 'no answer' }, [])).toEqual(['No index advice: no answer.']);
  const unplanned = [
    { statements: 2, why: 'GRANT app TO genops' },
    { statements: 1, why: 'syntax error' },
  ];
  expect(adviceText({ ...known(), unplanned }, [])).toEqual([
    'Statements of which the index advice knows no plan: 2 (GRANT app TO genops), 1 (syntax error).',
  ]);
  expect(adviceText(undefined, [])).toEqual([]);
});
