import { describe, expect, test } from '@jest/globals';
import { editedIn, isTuned, marksBetween } from '../../../../hack/demo/record.ts';
import { snapshot, tuned, untuned } from './recording.ts';

describe('marksBetween()', () => {
  test('says nothing where nothing changed', () => {
    expect(marksBetween(snapshot(2), snapshot(2), 7)).toEqual([]);
  });
  test('tells of an action of the optimizer once, when it is made', () => {
    const none = snapshot(2, { service: {} });
    expect(marksBetween(none, snapshot(2), 7)).toEqual([{ second: 7, kind: 'Acted', text: 'optimizer: gc-on-memory' }]);
    expect(marksBetween(snapshot(2), snapshot(2), 9)).toEqual([]);
  });
  test('tells replicas, an edit of Redis and its repair apart', () => {
    const edited = snapshot(4, { redis: { ...tuned, policy: 'noeviction' } });
    expect(marksBetween(snapshot(2), edited, 7)).toEqual([
      { second: 7, kind: 'Scaled', text: '2 → 4 Pods' },
      { second: 7, kind: 'Edited', text: 'Redis by hand: maxmemory-policy noeviction' },
    ]);
    expect(marksBetween(edited, snapshot(4), 9)).toEqual([
      { second: 9, kind: 'Repaired', text: 'repaired: maxmemory-policy allkeys-lru' },
    ]);
  });
});

test('an edit that was repaired before the next look is told with its repair, once', () => {
  const [older, newer] = [{ isOlder: true }, { isOlder: false }];
  const edited = editedIn(snapshot(2), [], newer);
  const marks = [...marksBetween(snapshot(2), edited, 7)];
  expect(marks).toEqual([{ second: 7, kind: 'Edited', text: 'Redis by hand: maxmemory-policy noeviction' }]);
  expect(editedIn(snapshot(2), marks, older)).toEqual(edited); // what it shows is of before
  const repaired = editedIn(snapshot(2), marks, newer);
  expect(repaired).toEqual(snapshot(2));
  marks.push(...marksBetween(edited, repaired, 8));
  expect(marks).toMatchObject([{ kind: 'Edited' }, { second: 8, kind: 'Repaired' }]);
  expect(editedIn(snapshot(2), marks, older)).toEqual(snapshot(2));
});

test('isTuned() wants both settings', () => {
  expect([tuned, untuned, { ...tuned, policy: 'noeviction' }, { ...tuned, maxMemoryBytes: 1 }].map(isTuned)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
