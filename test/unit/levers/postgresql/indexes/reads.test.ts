import { describe, expect, test } from '@jest/globals';
import type { Index } from '../../../../../operator/levers/postgresql/indexes/catalogue.ts';
import type { IndexesMemory } from '../../../../../operator/levers/postgresql/indexes/changes.ts';
import { plan } from '../../../../../operator/levers/postgresql/indexes/plan.ts';
import { byStatus, index, seen, wanting } from './observations.ts';

const day = 86_400_000;
const begun = Date.parse('2026-11-01T00:00:00Z');
const unit = wanting([byStatus]);

const planned = (memory: IndexesMemory | undefined, days: number, more: Partial<Index>, standbys = 0) => {
  const indexes = [index('by_status', 'status', { isDispensable: false }), index('theirs', 'size', more)];
  return plan({ unit, observed: seen({ indexes }, { standbys }), memory, now: begun + days * day });
};

type LookAt = readonly [days: number, scans: number, countedSince?: string];

/** The message after these looks at an index. */
function toldAfter(...looks: readonly LookAt[]): string {
  let memory: IndexesMemory | undefined;
  let message = '';
  for (const [days, scans, countedSince = 'first'] of looks) {
    const { remember, condition } = planned(memory, days, { scans, countedSince });
    memory = remember ?? memory;
    message = condition.message;
  }
  return message;
}

const there = '1 of 1 indexes of main are there.';
const unused = (since: string) =>
  `${there} Not read, though every write keeps them up: shop.public.theirs since ${since} (on this server).`;

test.each<{ readonly name: string; readonly looks: readonly LookAt[]; readonly says: string }>([
  {
    name: 'not before 15 days have passed',
    looks: [
      [0, 5],
      [14.99, 5],
    ],
    says: there,
  },
  {
    name: 'after 15 days without a scan',
    looks: [
      [0, 5],
      [15, 5],
    ],
    says: unused('2026-11-01'),
  },
  {
    name: 'not where it was read on the last day',
    looks: [
      [0, 5],
      [14, 5],
      [15, 6],
    ],
    says: there,
  },
  {
    name: 'not where it was read since the look of this day',
    looks: [
      [0, 5],
      [15, 5],
      [15.5, 6],
    ],
    says: there,
  },
  {
    name: '15 days after it was read last',
    looks: [
      [0, 5],
      [3, 9],
      [10, 9],
      [18, 9],
    ],
    says: unused('2026-11-04'),
  },
  {
    name: 'not where the server counts anew',
    looks: [
      [0, 5],
      [14, 5, 'second'],
      [15, 5, 'second'],
    ],
    says: there,
  },
  {
    name: '15 days after that',
    looks: [
      [0, 5],
      [14, 5, 'second'],
      [29, 5, 'second'],
    ],
    says: unused('2026-11-15'),
  },
])('an index is told to be unused $name', ({ looks, says }) => expect(toldAfter(...looks)).toBe(says));

const ownReads = (memory: IndexesMemory | undefined) => memory?.reads?.servers[''];

test('it is remembered once a day, and when the server counts anew', () => {
  const { remember } = planned(undefined, 0, {});
  expect(ownReads(remember)?.indexes).toEqual({ 'shop.public.theirs': [1, begun] });
  expect(planned(remember, 0.99, { scans: 9 }).remember).toBeUndefined();
  expect(ownReads(planned(remember, 1, { scans: 9 }).remember)?.indexes).toEqual({
    'shop.public.theirs': [9, begun + day],
  });
  expect(ownReads(planned(remember, 0.1, { countedSince: 'second' }).remember)).toMatchObject({ epoch: 'second' });
  expect(ownReads(planned(remember, 1, { name: 'another' }).remember)?.indexes).toEqual({
    'shop.public.another': [1, begun + day],
  });
});

test('what a key or a rule depends on, and what is not valid, is never told; standbys that count for themselves are', () => {
  const { remember } = planned(undefined, 0, {});
  expect(planned(remember, 30, { isDispensable: false }).condition.message).toBe(there);
  expect(planned(remember, 30, { isValid: false }).condition.message).toBe(there);
  expect(planned(remember, 30, {}, 2).condition.message).toContain('(on this server; standbys not counted: 2)');
});

describe('with a standby', () => {
  const withStandby = wanting([byStatus], {}, { otherSecrets: ['standby'] });
  const indexes = [index('by_status', 'status', { isDispensable: false }), index('theirs', 'size')];
  const counts = (scans: number, countedSince = 'first') => ({ shop: { countedSince, scans: { 'of theirs': scans } } });
  type Standby = ReturnType<typeof counts> | 'away';

  /** The message after these looks; the last with this many standbys that follow. */
  function told(looks: readonly (readonly [days: number, standby: Standby])[], standbys = 1): string {
    let memory: IndexesMemory | undefined;
    let message = '';
    for (const [days, standby] of looks) {
      const counted = standby === 'away' ? {} : { standbysCounted: 1, standbyScans: { standby } };
      const observed = { ...seen({ indexes }, { standbys }), ...counted };
      const { remember, condition } = plan({ unit: withStandby, observed, memory, now: begun + days * day });
      memory = remember ?? memory;
      message = condition.message;
    }
    return message;
  }
  const both = unused('2026-11-01').replace('this server', 'this server and 1 of its standbys');
  const alone = unused('2026-11-01').replace('this server', 'this server; standbys not counted: 1');
  const first: readonly [number, Standby] = [0, counts(5)];

  test('one that is away for a while, or silent, begins no window anew, and is said not to be counted', () => {
    expect(told([first, [15, counts(5)]])).toBe(both);
    expect(told([first, [7, 'away'], [8.5, 'away'], [15, counts(5)]])).toBe(both);
    expect(told([first, [15, 'away']])).toBe(alone);
    expect(told([first, [15, 'away']], 0)).toBe(alone);
  });

  test('what it has read counts, also while it was away, and after it is gone', () => {
    expect(told([first, [7, 'away'], [15, counts(6)]])).toBe(there);
    expect(told([first, [8, counts(6)], [15, 'away']])).toBe(there);
    expect(told([first, [8, counts(6)], [23, 'away']])).toBe(alone.replace('11-01', '11-09'));
  });

  test('where it counts anew, or is new, nobody knows what it has read before', () => {
    expect(told([first, [15, counts(5, 'second')]])).toBe(there);
    expect(
      told([
        [0, 'away'],
        [14, counts(5)],
        [15, counts(5)],
      ]),
    ).toBe(there);
    expect(
      told([
        [0, 'away'],
        [14, counts(5)],
        [29, counts(5)],
      ]),
    ).toBe(both.replace('11-01', '11-15'));
  });
});

test('one that the service does not name any more is forgotten with the next look', () => {
  const reads = { checkedAt: begun, servers: { gone: { epoch: 'first', indexes: {} } } };
  expect(Object.keys(planned({ reads }, 1, {}).remember?.reads?.servers ?? {})).toEqual(['']);
});

describe('the largest that nobody reads, of all other tables', () => {
  const unread = (name: string, mebibytes: number) => ({
    oid: name,
    schema: 'sales',
    name,
    sizeBytes: mebibytes * 2 ** 20,
    scans: 0,
    countedSince: 'first',
  });
  const surveyed = (names: readonly string[], twins: readonly (readonly string[])[] = []) =>
    seen({
      indexes: [index('by_status', 'status', { isDispensable: false })],
      survey: { unread: names.map((name, at) => unread(name, at + 1)), twins },
    });
  const after15Days = (observed: ReturnType<typeof seen>): string => {
    const { remember } = plan({ unit, observed, memory: undefined, now: begun });
    return plan({ unit, observed, memory: remember, now: begun + 15 * day }).condition.message;
  };

  test('are told with their sizes and the day, the largest first', () => {
    expect(after15Days(surveyed(['a', 'b']))).toContain(
      'keeps them up: shop.sales.b since 2026-11-01 (2 MiB), shop.sales.a since 2026-11-01 (1 MiB) (on this server).',
    );
  });

  test('are in the views all of them, with those that do the same work', () => {
    const observed = surveyed(['a', 'b'], [['sales.c', 'sales.d']]);
    const { remember } = plan({ unit, observed, memory: undefined, now: begun });
    const { idleIndexes } = plan({ unit, observed, memory: remember, now: begun + 15 * day });
    expect(idleIndexes).toEqual({
      unused: [
        { name: 'shop.sales.b', since: begun, sizeBytes: 2 ** 21 },
        { name: 'shop.sales.a', since: begun, sizeBytes: 2 ** 20 },
      ],
      twins: [['sales.c', 'sales.d']],
    });
    expect(plan({ unit, observed: { ...observed, isStandby: true }, memory: remember, now: begun }).idleIndexes).toBe(
      undefined,
    );
  });

  test('ten are named, and the others counted', () => {
    const message = after15Days(surveyed(Array.from({ length: 12 }, (_, at) => `i${at + 1}`)));
    expect(message).toContain('shop.sales.i3 since 2026-11-01 (3 MiB), 2 more (on this server).');
    expect(message).not.toContain('sales.i2 ');
  });

  test('of such as do the same work five groups are named, and the others counted', () => {
    const twins = Array.from({ length: 7 }, (_, at) => [`sales.a${at}`, `sales.b${at}`, `sales.c${at}`]);
    const message = after15Days(surveyed([], twins));
    expect(message).toContain(
      'sales.a4, sales.b4 and sales.c4 do the same work: one of them is enough. And 2 more such',
    );
    expect(message).not.toContain('sales.a5');
  });
});
