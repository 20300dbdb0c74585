import { expect, test } from '@jest/globals';
import { preparable } from '../../../../../operator/levers/postgresql/advice/preparable.ts';

test.each([
  { sql: 'SELECT 1 FROM t WHERE at > now() - interval $1', as: 'SELECT 1 FROM t WHERE at > now() - $1::interval' },
  { sql: 'SELECT DATE $1, timestamptz\n $12', as: 'SELECT $1::DATE, $12::timestamptz' },
  { sql: 'SELECT update $1, my_interval $2, "interval" = $3', as: 'SELECT update $1, my_interval $2, "interval" = $3' },
])('$sql', ({ sql, as }) => expect(preparable(sql)).toBe(as));
