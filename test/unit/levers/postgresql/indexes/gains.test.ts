import { expect, test } from '@jest/globals';
import type { Gain } from '../../../../../operator/levers/postgresql/indexes/gain.ts';
import { plan } from '../../../../../operator/levers/postgresql/indexes/plan.ts';
import { byStatus, index, seen, table, wanting } from './observations.ts';

const unit = wanting([byStatus]);
const counted = (calls: number, totalMs: number) => ({ epoch: 'first', counts: { q: { calls, totalMs } } });
const none = { epoch: 'first', counts: {} };
/** Before a build by the table's name, after it by the statement. */
const named = (calls: number, totalMs: number) => ({
  named: { [table().oid]: counted(calls, totalMs) },
  measured: none,
});
const measured = (calls: number, totalMs: number) => ({ named: {}, measured: counted(calls, totalMs) });
const planned = (database: Parameters<typeof seen>[0], gains?: Readonly<Record<string, Gain>>) =>
  plan({ unit, observed: seen(database), memory: gains && { gains, address: 'pg' }, now: 0 });

const indexes = [index('by_status', 'status', { isDispensable: false })];
const meansMs = { q: 12 };
const known: Gain = { state: 'Known', statements: 1, beforeMs: 12, afterMs: 1, calls: 50 };

test('what statements take is remembered before the build begins, in place of what was known of an earlier one', () => {
  const { changes, remember } = planned({ counts: named(100, 1200) }, { by_status: known, gone: known });
  const gains = { by_status: { state: 'Before', meansMs } };
  expect(changes).toMatchObject([{ action: 'Build', remember: { gains } }]);
  expect(changes[0]?.remember).toMatchObject({ address: 'pg.ai.svc:5432' });
  expect(remember?.gains).toEqual(gains);
  expect(planned({}, { by_status: known }).changes[0]?.remember?.gains).toEqual({});
});

test('what they took is measured once: a build that is tried again, or goes on with the next partition, asks no more', () => {
  const before: Gain = { state: 'Before', meansMs };
  expect(planned({ counts: named(200, 1300) }, { by_status: before }).remember).toBeUndefined();
  expect(planned({}, { by_status: before }).changes[0]?.remember?.gains).toEqual({ by_status: before });
});

test('of a partitioned table it is what the statements take that name the whole', () => {
  const tables = [table({ kind: 'Partitioned' })];
  const partitions = [{ ...table({ name: 'old', oid: '2' }), parentOid: table().oid }];
  const { remember, changes } = planned({ tables, partitions, counts: named(100, 1200) });
  expect(changes).toMatchObject([{ action: 'BuildParent' }, { action: 'Build', wanted: { table: 'old' } }]);
  expect(remember?.gains).toEqual({ by_status: { state: 'Before', meansMs } });
});

test('once it is there it is counted, and told when enough is known', () => {
  const first = planned({ indexes, counts: measured(100, 1200) }, { by_status: { state: 'Before', meansMs } });
  const counting = {
    state: 'Counting',
    meansMs,
    epoch: 'first',
    counts: { q: { calls: 100, totalMs: 1200 } },
  } as const;
  expect(first.remember).toEqual({ address: 'pg', gains: { by_status: counting } });
  expect(planned({ indexes, counts: measured(149, 1249) }, { by_status: counting }).remember).toBeUndefined();
  const last = planned({ indexes, counts: measured(150, 1250) }, { by_status: counting });
  expect(last.remember?.gains).toEqual({ by_status: known });
  expect(last.status).toMatchObject({ indexes: [{ gain: '1 statement, mean 12 → 1 ms over 50 calls' }] });
  expect(planned({ indexes }, { by_status: known })).toMatchObject({ status: last.status });
  expect(planned({ indexes }, { by_status: known }).remember).toBeUndefined();
});

test('no gain is told of one that nobody reads: the statements that name its table got faster by another', () => {
  const unread = indexes.map((one) => ({ ...one, isRead: false }));
  const { status, remember } = planned({ indexes: unread }, { by_status: known });
  expect(status).toEqual({ indexes: [{ name: 'by_status', state: 'Valid', used: false }] });
  expect(remember).toBeUndefined(); // it is told once it is read
});
