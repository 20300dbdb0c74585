import { expect, test } from '@jest/globals';
import { judgeAll } from '../../../../../operator/levers/postgresql/indexes/judge.ts';
import { bySize, byStatus, index, seen, wanting } from './observations.ts';

test('maintenance windows are looked up for builds only, and once for all of them', () => {
  let asked = 0;
  const night = {
    name: 'night',
    mode: 'On',
    get schedule() {
      asked += 1;
      return '0 2 * * *';
    },
    duration: '2h',
    timeZone: 'UTC',
  } as const;
  const unit = wanting([byStatus, bySize], {}, { maintenanceWindows: [night] });
  const statesOf = (observed = seen()) => judgeAll({ unit, observed, now: 0 }).map(({ state }) => state);
  expect(statesOf(seen({ indexes: [index('a', 'status'), index('b', 'size')] }))).toEqual(['Valid', 'Valid']);
  expect(asked).toBe(0);
  expect(statesOf()).toEqual(['Missing', 'Missing']);
  expect(asked).toBe(1);
});
