import { describe, expect, test } from '@jest/globals';
import { causeNews, type CauseSeen } from '../../../operator/decide/cause-news.ts';

/** A look each ten seconds, and what each of them finds; status has what was news, and nothing else is written. */
function looks(found: readonly (string | undefined)[], shown: string | undefined = found[0]): readonly number[] {
  let seen: CauseSeen | undefined;
  let stands = shown;
  return found.flatMap((cause, look) => {
    const answer = causeNews({ before: seen, shown: stands, found: cause, now: 10_000 * look });
    ({ seen } = answer);
    if (!answer.isNews) return [];
    stands = cause;
    return [look];
  });
}
const turns = (...causes: readonly string[]) => Array.from({ length: 31 }, (_, look) => causes[look % causes.length]);
const stays = (cause: string, count: number) => Array.from({ length: count }, () => cause);

type Row = { name: string; found: readonly (string | undefined)[]; shown?: string; news: readonly number[] };
describe('causeNews()', () => {
  test.each<Row>([
    { name: 'the same cause is none', found: stays('500', 31), news: [] },
    { name: 'another cause is told with the look that finds it', found: ['500', '500', '401', '401'], news: [2] },
    { name: 'one repair after another: each is told', found: ['a', 'b', 'b', 'c', 'd', 'e'], news: [1, 3, 4, 5] },
    { name: 'two that take turns with each look are told once each', found: turns('500', '401'), news: [1] },
    {
      name: 'words that are new with each look are told five times in five minutes, not thirty',
      found: Array.from({ length: 30 }, (_, look) => `text/${look}`),
      news: [1, 2, 3, 4, 5],
    },
    {
      name: 'one that comes back is told after a minute',
      found: ['500', '401', ...stays('500', 7)],
      news: [1, 8],
    },
    { name: 'and not before', found: ['500', '401', ...stays('500', 6)], news: [1] },
    {
      name: 'one that comes back after five minutes is new again',
      found: ['500', ...stays('401', 31), '500'],
      news: [1, 32],
    },
    {
      name: 'Pods that take turns in being named are one cause',
      found: turns('saw http://10.0.0.1:9100/metrics answered 500', 'saw http://10.0.0.2:9100/metrics answered 500'),
      news: [],
    },
    { name: 'by name too', found: turns('saw Pod a has no port', 'saw Pod b has no port'), news: [] },
    {
      name: 'by address too',
      found: turns('saw 10.0.0.1 is not an address', 'saw 10.0.0.2 is not an address'),
      news: [],
    },
    { name: 'what is well has no cause', found: [undefined, undefined], shown: '500', news: [] },
  ])('$name', ({ found, shown, news }) => expect(looks(found, shown)).toEqual(news));

  test('a status that has none yet is told by its states', () => {
    expect(causeNews({ before: undefined, shown: undefined, found: '500', now: 0 }).isNews).toBe(false);
  });
});
