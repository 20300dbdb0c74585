import { describe, expect, test } from '@jest/globals';
import { seriesFrom } from '../../../../operator/metrics/sources/series.ts';

const vector = (...result: readonly unknown[]): string =>
  JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });

describe('seriesFrom()', () => {
  test('gives samples by Pod, without what has no Pod or no value; NaN and infinities are values', () => {
    const text = vector(
      { metric: { pod: 'a', le: '1' }, value: [1, '2.5'] },
      { metric: { pod: 'a' }, value: [1, 'NaN'] },
      { metric: { pod: 'b' }, value: [1, '+Inf'] },
      { metric: { pod: 'c' }, value: [1, 7] },
      { metric: {}, value: [1, '1'] },
      { metric: null, value: null },
      null,
    );
    expect(seriesFrom(text, 'http://p')).toEqual(
      new Map([
        [
          'a',
          [
            { labels: { pod: 'a', le: '1' }, value: 2.5 },
            { labels: { pod: 'a' }, value: NaN },
          ],
        ],
        ['b', [{ labels: { pod: 'b' }, value: Infinity }]],
      ]),
    );
  });
  test.each<{ name: string; text: string; message: string }>([
    { name: 'a web page', text: '<p>', message: 'http://p gave no answer of Prometheus’ query API' },
    { name: 'something else', text: '[1]', message: 'http://p gave no answer of Prometheus’ query API' },
    {
      name: 'a list that is none',
      text: '{"status":"success","data":{"resultType":"vector","result":7}}',
      message: 'http://p gave no answer of Prometheus’ query API',
    },
    {
      name: 'a scalar',
      text: '{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}',
      message: 'http://p answered a query with a scalar, not a vector',
    },
    {
      name: 'an error of the query, on one line',
      text: '{"status":"error","errorType":"bad_data","error":"parse error:\\nunexpected"}',
      message: 'http://p refused the query: bad_data: parse error: unexpected',
    },
  ])('$name is a failure in words', ({ text, message }) => {
    expect(seriesFrom(text, 'http://p')).toMatchObject({ failure: { reason: 'NotUnderstood', message } });
  });
  test('a long error is cut', () => {
    const text = JSON.stringify({ status: 'error', errorType: 'bad_data', error: 'x'.repeat(9_999) });
    expect(seriesFrom(text, 'p')).toMatchObject({ failure: { message: expect.stringMatching(/^.{300,400}$/) } });
  });
});
