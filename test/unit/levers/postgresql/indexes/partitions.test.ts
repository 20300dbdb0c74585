import { describe, expect, test } from '@jest/globals';
import type { Index, Partition } from '../../../../../operator/levers/postgresql/indexes/catalogue.ts';
import { partsOf, workOf } from '../../../../../operator/levers/postgresql/indexes/partitions.ts';
import { plan } from '../../../../../operator/levers/postgresql/indexes/plan.ts';
import { build, byStatus, formOf, index, mark, seen, table, wanting } from './observations.ts';

const unit = wanting([byStatus]);
const [wanted] = unit.policy.indexes;
if (wanted === undefined) throw new Error('no index');
const events = table({ oid: '1', kind: 'Partitioned' });
const partition = (name: string, oid: string, parentOid: string, more: Partial<Partition> = {}): Partition => ({
  ...table({ name, oid }),
  parentOid,
  ...more,
});
const old = partition('old', '2', '1');
const later = partition('later', '3', '1', { kind: 'Partitioned' });
const first = partition('first', '4', '3');
const partitions = [old, later, first];
const of = (name: string, tableOid: string, more: Partial<Index> = {}): Index =>
  index(name, 'status', { tableOid, comment: mark, ...more });
const root = of('by_status', '1', { isPartitioned: true, isValid: false });
const onLater = of('by_status_later', '3', { isPartitioned: true, isValid: false });
const work = (indexes: readonly Index[]) => {
  const { steps, missing, ...counts } = workOf(partsOf(wanted, events, partitions), indexes, formOf('status'));
  const said = steps.map((step) =>
    step.kind === 'Create' ? `create ${step.part.wanted.name}` : `attach ${step.index.name} to ${step.to.name}`,
  );
  return { ...counts, steps: said, missing: missing.map((part) => part.wanted.name) };
};

describe('workOf()', () => {
  test.each<{ name: string; indexes: readonly Index[]; is: object }>([
    {
      name: 'of nothing: those of partitioned tables at once, from the top down, the others built',
      indexes: [],
      is: {
        done: 0,
        of: 2,
        steps: ['create by_status', 'create by_status_later'],
        missing: ['by_status_old', 'by_status_first'],
      },
    },
    {
      name: 'what is there is attached to the one above it',
      indexes: [root, onLater, of('by_status_old', '2')],
      is: {
        done: 0,
        of: 2,
        steps: ['attach by_status_old to by_status', 'attach by_status_later to by_status'],
        missing: ['by_status_first'],
      },
    },
    {
      name: 'nothing is attached before there is anything to attach it to',
      indexes: [of('theirs', '2')],
      is: { steps: ['create by_status', 'create by_status_later'], missing: ['by_status_first'] },
    },
    {
      name: 'what is attached counts',
      indexes: [root, { ...onLater, parentOid: root.oid }, of('theirs', '2', { parentOid: root.oid })],
      is: { done: 1, of: 2, steps: [], missing: ['by_status_first'] },
    },
    {
      name: 'a part of another index is not ours, nor one that is not valid, nor one of other words',
      indexes: [
        root,
        onLater,
        of('theirs', '2', { parentOid: 'of other' }),
        of('by_status_first', '4', { isValid: false }),
      ],
      is: { missing: ['by_status_old', 'by_status_first'] },
    },
  ])('$name', ({ indexes, is }) => expect(work(indexes)).toMatchObject(is));

  test('a name that the server would cut off has the number of its partition', () => {
    const long = partition('p'.repeat(60), '16999', '1');
    const names = partsOf({ ...wanted, name: 'ü'.repeat(30) }, events, [long]).map((part) => part.wanted.name);
    expect(names[1]).toBe(`${'ü'.repeat(28)}_16999`); // 2 × 28 + 6 bytes
  });
});

describe('plan()', () => {
  const planned = (indexes: readonly Index[], more: Partial<Parameters<typeof seen>[0]> = {}) =>
    plan({
      unit,
      observed: seen({ tables: [events], partitions, indexes, ...more }),
      memory: undefined,
      now: 0,
    });

  test('small partitions are built in one visit, large ones one by one', () => {
    const done = (list: readonly Partition[]) =>
      planned([], { partitions: list }).changes.map((change) => change.action);
    expect(done(partitions)).toEqual(['BuildParent', 'BuildParent', 'Build', 'Build']);
    const large = { ...old, sizeBytes: 2 ** 30 };
    expect(done([large, later, first])).toEqual(['BuildParent', 'BuildParent', 'Build']);
  });

  test('five at most, each only after those before it', () => {
    const many = Array.from({ length: 7 }, (_, at) => partition(`p${at}`, `${10 + at}`, '1'));
    const builds = planned([], { partitions: many }).changes.filter((change) => change.action === 'Build');
    expect(builds.map(({ wanted: { table: on }, after }) => [on, after.map((one) => one.table)])).toEqual([
      ['p0', []],
      ['p1', ['p0']],
      ['p2', ['p0', 'p1']],
      ['p3', ['p0', 'p1', 'p2']],
      ['p4', ['p0', 'p1', 'p2', 'p3']],
    ]);
  });

  test('status counts partitions', () => {
    const { status, statusAfter, condition } = planned([root, { ...onLater, parentOid: root.oid }]);
    expect(status['indexes']).toMatchObject([{ state: 'Missing', partitions: { done: 0, of: 2 } }]);
    expect(statusAfter?.['indexes']).toMatchObject([{ state: 'Building', partitions: { done: 0, of: 2 } }]);
    expect(condition.message).toContain('its build goes on: 0 of 2 partitions have it');
  });

  test('the parts of what is declared are neither ended nor pruned; the whole is, with all of them', () => {
    const attached = [{ ...onLater, parentOid: root.oid }, of('by_status_old', '2', { parentOid: root.oid })];
    const pruning = (indexes: readonly Index[], declared = wanting([byStatus], { pruneIndexes: 'Owned' })) =>
      plan({ unit: declared, observed: seen({ tables: [events], partitions, indexes }), memory: undefined, now: 0 })
        .changes;
    expect(pruning([{ ...root, isValid: true }, ...attached])).toEqual([]);
    const gone = wanting([], { pruneIndexes: 'Owned' });
    expect(pruning([root, ...attached], gone)).toMatchObject([
      { action: 'Drop', name: 'by_status', isPartitioned: true },
    ]);
  });

  test('the build of a partition is not ended while the whole is declared', () => {
    const building = build({ index: 'by_status_first', indexOid: 'of by_status_first', tableOid: '4' });
    const observed = seen({ tables: [events], partitions, indexes: [root] }, { builds: [building] });
    const { changes, status } = plan({ unit, observed, memory: undefined, now: 0 });
    expect(changes).toEqual([]);
    expect(status['indexes']).toMatchObject([{ state: 'Building', percent: 40, partitions: { done: 0, of: 2 } }]);
  });

  test('a foreign table among them, and a name that something else has, are said', () => {
    const foreign = { ...old, kind: 'Foreign' as const };
    expect(planned([], { partitions: [foreign] }).condition).toMatchObject({ reason: 'ConfigRejected' });
    expect(planned([], { taken: ['public.by_status_old'] }).condition).toMatchObject({ reason: 'IndexDiffers' });
  });

  test('all are there and the whole is not valid: a person has to drop it', () => {
    const all = [
      root,
      { ...onLater, parentOid: root.oid, isValid: true },
      of('a', '2', { parentOid: root.oid }),
      of('b', '4', { parentOid: onLater.oid }),
    ];
    expect(planned(all).condition).toMatchObject({
      reason: 'Failed',
      message: expect.stringContaining('next: DROP INDEX public.by_status: it is built anew'),
    });
  });
});
