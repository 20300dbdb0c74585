import { expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { eventReasons } from '../../../operator/api/event-reasons.ts';

/** Words in quotes after `reason:`, in what is handed to a recorder of Events. */
const named = globSync('operator/reconcilers/*.ts').flatMap((path) =>
  [...readFileSync(path, 'utf8').matchAll(/events\.record\(\{(.*?)\}\)/gs)].flatMap(([, input = '']) =>
    [...input.matchAll(/reason:[^,]*/g)].flatMap(([reason]) =>
      [...reason.matchAll(/[:?] '(\w+)'/g)].map(([, word]) => word),
    ),
  ),
);

test('every reason of an Event is in the list', () => {
  expect(named).toContain('DriftRepaired');
  expect(named).toContain('FloorLowered');
  expect(named.filter((reason = '') => !(reason in eventReasons))).toEqual([]);
});
