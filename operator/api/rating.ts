import { Type } from 'typebox';
import { atomicList, cel, duration, orElse, ordered, quantity, ratio, struct } from './schema.ts';

const three = { minItems: 3, maxItems: 3 };
const rising = (of: (item: string) => string, example: string) =>
  cel(`${of('self[0]')} < ${of('self[1]')} && ${of('self[1]')} < ${of('self[2]')}`, {
    wanted: 'must rise',
    example,
  });
const falling = (of: (item: string) => string, example: string) =>
  cel(`${of('self[0]')} > ${of('self[1]')} && ${of('self[1]')} > ${of('self[2]')}`, {
    wanted: 'must fall',
    example,
  });
const plain = (item: string) => item;

const grade = (points: number, description: string) =>
  orElse(points, Type.Integer({ minimum: 0, maximum: 100, description }));

/** How a service is graded (row H3): each part gives the points of the first limit that it keeps. */
export const Rating = struct(
  {
    cpuPercent: orElse(
      [50, 75, 90],
      atomicList(Type.Integer({ minimum: 1, maximum: 1000 }), {
        ...three,
        description:
          'Limits of CPU use, in percent of the container’s limit (of its request where there is no limit), best first.',
        rules: [rising(plain, '[50, 75, 90]')],
      }),
    ),
    memory: orElse(
      ['1024Mi', '1536Mi', '2048Mi'],
      atomicList(quantity({ description: 'Bytes.' }), {
        ...three,
        description: 'Limits of memory per pod in bytes, best first.',
        rules: [
          cel(
            'quantity(string(self[0])).isLessThan(quantity(string(self[1]))) && quantity(string(self[1])).isLessThan(quantity(string(self[2])))',
            { wanted: 'must rise', example: '[1024Mi, 1536Mi, 2048Mi]' },
          ),
        ],
      }),
    ),
    responseTime: orElse(
      ['100ms', '500ms', '1s'],
      atomicList(duration({ min: '1ms', max: '1h', description: 'Time.' }), {
        ...three,
        description: 'Limits of the 95th percentile of the response time, best first.',
        rules: [rising((item) => `duration(${item})`, '[100ms, 500ms, 1s]')],
      }),
    ),
    cacheHitRatio: orElse(
      ['0.8', '0.7', '0.5'],
      atomicList(ratio({ description: 'Ratio.' }), {
        ...three,
        description: 'Least cache hit ratios, best first.',
        rules: [falling((item) => `double(${item})`, '["0.8", "0.7", "0.5"]')],
      }),
    ),
    points: orElse(
      [25, 15, 5],
      atomicList(Type.Integer({ minimum: 0, maximum: 25 }), {
        ...three,
        description: 'Points that the first, second and third limit give; beyond the third there are none.',
        rules: [falling(plain, '[25, 15, 5]')],
      }),
    ),
    grades: orElse(
      {},
      struct(
        {
          excellent: grade(80, 'Least points for Excellent.'),
          good: grade(60, 'Least points for Good.'),
          fair: grade(40, 'Least points for Fair; below it the grade is Poor.'),
        },
        {
          description:
            'Points of 100 from which a service has a grade; with fewer than half of the points known it is Unknown.',
          rules: [
            ordered('fair', 'good', { as: 'number', example: 'fair: 40, good: 60' }),
            ordered('good', 'excellent', { as: 'number', example: 'good: 60, excellent: 80' }),
          ],
        },
      ),
    ),
  },
  { description: 'How the rating of a service is made from CPU, memory, response time and cache hit ratio.' },
);
