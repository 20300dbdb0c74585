import { expect, test } from '@jest/globals';
import { columnConditions, sortColumn } from '../../../../../operator/levers/postgresql/advice/predicate.ts';

interface Row {
  readonly filter: string;
  readonly answers: readonly string[];
  readonly alias?: string;
}

test.each<Row>([
  { filter: '(w.size = $1)', answers: ['Equal size'] },
  {
    filter: '((w.status = $1) AND (w.size > $2) AND (w.size <= $3))',
    answers: ['Equal status', 'Range size', 'Range size'],
  },
  { filter: '((w.status)::text = $1)', answers: ['Equal status as text'] },
  { filter: '((w.size)::numeric = $1)', answers: [] },
  { filter: '(w.status = ANY (ARRAY[$1, $2]))', answers: ['Equal status'] },
  { filter: '(w.status <> ALL ($1))', answers: [] },
  { filter: '(w.size IS NULL)', answers: ['Equal size'] },
  { filter: '(w.size IS NOT NULL)', answers: [] },
  { filter: '(w.size = (InitPlan 1).col1)', answers: ['Equal size'] },
  { filter: '((w.size = $1) OR (w.size = $2))', answers: [] },
  { filter: '((w.size = $1) OR ($2 = 3))', answers: [] },
  { filter: '((w.status = $1) AND ((w.size = $2) OR (w.id = $3)))', answers: ['Equal status'] },
  { filter: '(w.size = w.id)', answers: [] },
  { filter: '(w.size = (w.id + 1))', answers: [] },
  { filter: '(lower(w.status) = $1)', answers: [] },
  { filter: '(w.status ~~ $1)', answers: [] },
  { filter: '(other.size = $1)', answers: [] },
  { filter: '(w."Mixed ""Case" >= $1)', answers: ['Range Mixed "Case'] },
  { filter: '("W x"."select" = $1)', answers: ['Equal select'], alias: 'W x' },
  { filter: "(w.status = 'a) AND (w.size = 1'::text)", answers: [] },
])('$filter', ({ filter, answers, alias = 'w' }) => {
  const found = columnConditions(filter, alias);
  expect(found.map(({ kind, column, asText }) => `${kind} ${column}${asText ? ' as text' : ''}`)).toEqual(answers);
});

test.each([
  { key: 'w.created_at', column: 'created_at' },
  { key: 'w.created_at DESC', column: 'created_at' },
  { key: 'w."At" DESC NULLS LAST', column: 'At' },
  { key: '(lower(w.status))', column: undefined },
  { key: 'other.created_at', column: undefined },
])('what is ordered by $key', ({ key, column }) => expect(sortColumn(key, 'w')).toBe(column));
