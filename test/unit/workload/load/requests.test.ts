import { describe, expect, test } from '@jest/globals';
import { parseRequest, requestPicker } from '../../../workload/load/requests.ts';
import { createRandom } from '../../../workload/random.ts';

describe('requestPicker()', () => {
  test('gives each kind its share and fills in every number of a range', () => {
    const pick = requestPicker(
      [parseRequest('3 GET /api/item/{1-5}'), parseRequest('POST /api/workflow')],
      createRandom(1),
    );
    const picked = Array.from({ length: 4000 }, () => pick());
    const items = picked.filter(({ method }) => method === 'GET');
    expect(Math.abs(items.length / 4000 - 0.75)).toBeLessThan(0.03);
    expect([...new Set(items.map(({ path }) => path))].toSorted()).toEqual(
      [1, 2, 3, 4, 5].map((id) => `/api/item/${id}`),
    );
  });

  test('refuses a load without a request', () => {
    expect(() => requestPicker([], createRandom(1))).toThrow(RangeError);
    expect(() => requestPicker([{ method: 'GET', path: '/', weight: 0 }], createRandom(1))).toThrow(RangeError);
  });
});

test.each(['DELETE /', 'GET', 'GET x', 'x GET /'])('parseRequest() refuses "%s" with an example', (text) => {
  expect(() => parseRequest(text)).toThrow('for example 3 GET /api/item/{1-500}');
});
