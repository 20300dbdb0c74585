import { expect, test } from '@jest/globals';
import { rfc3339 } from '../../../operator/api/rfc3339.ts';

test.each([
  [0, '1970-01-01T00:00:00Z'],
  [Date.parse('2026-11-25T10:00:00.000Z'), '2026-11-25T10:00:00Z'],
  [Date.parse('2026-11-25T10:00:00.999Z'), '2026-11-25T10:00:00Z'],
  [Date.parse('2026-11-25T11:00:00+01:00'), '2026-11-25T10:00:00Z'],
])('rfc3339(%p) is %s', (ms, text) => {
  expect(rfc3339(ms)).toBe(text);
});
