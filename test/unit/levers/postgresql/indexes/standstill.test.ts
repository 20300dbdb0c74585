import { describe, expect, test } from '@jest/globals';
import type { BuildSession } from '../../../../../operator/levers/postgresql/indexes/catalogue.ts';
import type { IndexesMemory } from '../../../../../operator/levers/postgresql/indexes/changes.ts';
import { plan } from '../../../../../operator/levers/postgresql/indexes/plan.ts';
import { build, byStatus, index, mark, seen, wanting } from './observations.ts';

const start = Date.parse('2026-11-28T06:00:00Z');
const minutes = (count: number): number => start + count * 60_000;
const half = { indexes: [index('by_status', 'status', { isValid: false, comment: mark })] };

const visit = (memory: IndexesMemory | undefined, session: Partial<BuildSession>, now: number) => {
  const observed = seen(half, { builds: [build(session)] });
  const { changes, remember = memory, condition } = plan({ unit: wanting([byStatus]), observed, memory, now });
  return { memory: remember as IndexesMemory, ends: changes.map((one) => 'inVain' in one && one.inVain), condition };
};

describe('a build of which the server counts nothing new', () => {
  interface Row {
    readonly name: string;
    readonly session?: Partial<BuildSession>;
    readonly now: number;
    readonly ends?: readonly unknown[];
    readonly tells?: boolean;
  }
  test.each<Row>([
    { name: 'is not told before five minutes', now: minutes(5) - 1 },
    { name: 'is told after five minutes', now: minutes(5), tells: true },
    { name: 'goes on for less than half an hour', now: minutes(30) - 1, tells: true },
    { name: 'is ended after half an hour', now: minutes(30), ends: ['NoProgress'], tells: true },
    { name: 'is another one where the process builds another index', session: { indexOid: '9' }, now: minutes(30) },
    { name: 'has moved on with one more block', session: { counted: 'more' }, now: minutes(30) },
  ])('$name', ({ session = {}, now, ends = [], tells = false }) => {
    const { memory } = visit(undefined, {}, start);
    const visited = visit(memory, session, now);
    expect(visited.ends).toEqual(ends);
    expect(visited.condition.message.includes('no progress since 2026-11-28T06:00Z')).toBe(tells);
  });

  test.each<{ readonly phase: string }>([
    { phase: 'building index: sorting live tuples' },
    { phase: 'index validation: sorting tuples' },
    { phase: 'building index' }, // of GiST and others: what they do after the table is read is not counted
    { phase: 'index validation: scanning index' },
  ])('may go on in phase $phase: the server counts nothing there', ({ phase }) => {
    const { memory } = visit(undefined, { phase }, start);
    expect(visit(memory, { phase }, minutes(600)).ends).toEqual([]);
  });

  test('what it waits for is named', () => {
    const waits = { waitEvent: 'IPC/SyncRep' };
    const { memory } = visit(undefined, waits, start);
    expect(visit(memory, waits, minutes(6)).condition.message).toMatch(
      /no progress since 2026-11-28T06:00Z, waiting for IPC\/SyncRep; .* what holds up process 77/,
    );
  });
});

test('what moves on is written down once in five minutes, and forgotten with the build', () => {
  const first = visit(undefined, { counted: '1' }, start).memory;
  expect(visit(first, { counted: '2' }, minutes(5) - 1).memory).toBe(first);
  const later = visit(first, { counted: '3' }, minutes(5)).memory;
  expect(later.standstill).toEqual({ of: '77 of by_status', counted: '3', since: minutes(5) });
  const gone = plan({ unit: wanting([byStatus]), observed: seen(half), memory: later, now: minutes(6) });
  expect(gone.remember).not.toHaveProperty('standstill');
});
