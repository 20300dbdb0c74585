import { describe, expect, test } from '@jest/globals';
import {
  candidatesOf,
  type PlannedStatement,
  type TableFacts,
} from '../../../../../operator/levers/postgresql/advice/candidates.ts';
import { scansOf, type PlanNode } from '../../../../../operator/levers/postgresql/advice/plan-tree.ts';
import type { Index } from '../../../../../operator/levers/postgresql/indexes/catalogue.ts';
import { index } from '../indexes/observations.ts';

const workflows: TableFacts = {
  oid: '16384',
  schema: 'public',
  name: 'workflows',
  rows: 100_000,
  sizeBytes: 8_000_000,
  columns: { id: 'bigint', status: 'character varying(20)', size: 'integer', created_at: 'timestamp with time zone' },
};

const node = (type: string, more: Partial<PlanNode> = {}): PlanNode => ({
  'Node Type': type,
  'Total Cost': 2000,
  'Plan Rows': 10,
  ...more,
});
const above = (type: string, plan: PlanNode, more: Partial<PlanNode> = {}) => node(type, { ...more, Plans: [plan] });
const scan = (Filter: string | undefined, more: Partial<PlanNode> = {}) =>
  node('Seq Scan', {
    Schema: 'public',
    'Relation Name': 'workflows',
    Alias: 'w',
    ...(Filter === undefined ? {} : { Filter }),
    ...more,
  });
const sorted = (plan: PlanNode) => above('Sort', plan, { 'Sort Key': ['w.created_at DESC', 'w.id'] });

const taking = (share: number, plan: PlanNode, id = `q${share}`): PlannedStatement => ({
  id,
  share,
  scans: scansOf(plan),
});

interface Row {
  readonly name: string;
  readonly plans: readonly PlanNode[];
  readonly table?: Partial<TableFacts>;
  readonly indexes?: readonly Index[];
  readonly advised: readonly string[];
}
const bySize = scan('(w.size = $1)');
const half = { 'Plan Rows': 50_000 };

describe('candidatesOf()', () => {
  test.each<Row>([
    { name: 'a filter on one column', plans: [bySize], advised: ['size'] },
    {
      name: 'what is equal comes before what is in a range',
      plans: [scan('((w.created_at > $1) AND (w.size = $2))')],
      advised: ['size, created_at'],
    },
    { name: 'a varchar that is compared as text', plans: [scan('((w.status)::text = $1)')], advised: ['status'] },
    { name: 'nothing of a number that is', plans: [scan('((w.size)::text = $1)')], advised: [] },
    {
      name: 'the first rows of an order, however many the filter leaves',
      plans: [above('Limit', sorted(scan('((w.status)::text = $1)', half)))],
      advised: ['status, created_at'],
    },
    {
      name: 'the same where workers share the work',
      plans: [above('Limit', above('Gather Merge', sorted(scan(undefined, { ...half, 'Parallel Aware': true }))))],
      advised: ['created_at'],
    },
    {
      name: 'the first rows of an order alone',
      plans: [above('Limit', sorted(scan(undefined, half)))],
      advised: ['created_at'],
    },
    {
      name: 'nothing of an order by a column that no index can have',
      plans: [above('Limit', above('Sort', scan(undefined, half), { 'Sort Key': ['w.ctid'] }))],
      advised: [],
    },
    { name: 'nothing where all rows are ordered', plans: [sorted(scan(undefined, half))], advised: [] },
    {
      name: 'nothing where the filter leaves more than a tenth',
      plans: [scan('(w.size = $1)', { 'Plan Rows': 10_001 })],
      advised: [],
    },
    { name: 'a tenth', plans: [scan('(w.size = $1)', { 'Plan Rows': 10_000 })], advised: ['size'] },
    {
      name: 'nothing where three processes leave more than a tenth together (2.4 × 5000)',
      plans: [
        above('Gather', scan('(w.size = $1)', { 'Plan Rows': 5000, 'Parallel Aware': true }), { 'Workers Planned': 2 }),
      ],
      advised: [],
    },
    { name: 'nothing of a small table', plans: [bySize], table: { sizeBytes: 1_000_000 }, advised: [] },
    { name: 'nothing of a table with few rows', plans: [bySize], table: { rows: 9999 }, advised: [] },
    { name: 'nothing of a table that was never analysed', plans: [bySize], table: { rows: -1 }, advised: [] },
    { name: 'nothing where the index is there', plans: [bySize], indexes: [index('i', 'size')], advised: [] },
    {
      name: 'one beside an index that is partial, not valid or of another method',
      plans: [bySize],
      indexes: [
        index('i', 'size', { predicate: '(size > 1)' }),
        index('j', 'size', { isValid: false }),
        index('k', 'size', { method: 'brin' }),
      ],
      advised: ['size'],
    },
    {
      name: 'nothing where a longer index begins with the same, in whatever order',
      plans: [scan('((w.size = $1) AND (w.id = $2))')],
      indexes: [index('i', 'id', { columns: ['id', 'size', 'status'], keyColumns: 3 })],
      advised: [],
    },
    {
      name: 'one where an index has the range before what is equal',
      plans: [scan('((w.size = $1) AND (w.created_at > $2))')],
      indexes: [index('i', 'x', { columns: ['created_at', 'size'], keyColumns: 2 })],
      advised: ['size, created_at'],
    },
    {
      name: 'one where another column comes before the range',
      plans: [scan('((w.size = $1) AND (w.created_at > $2))')],
      indexes: [index('i', 'x', { columns: ['size', 'id', 'created_at'], keyColumns: 3 })],
      advised: ['size, created_at'],
    },
    {
      name: 'one where the column is only stored beside the key',
      plans: [bySize],
      indexes: [index('i', 'x', { columns: ['id', 'size'], keyColumns: 1 })],
      advised: ['size'],
    },
    {
      name: 'one for a scan below a join and a nested loop',
      plans: [above('Hash Join', above('Hash', bySize))],
      advised: ['size'],
    },
  ])('$name', ({ plans, table = {}, indexes = [], advised }) => {
    const statements = plans.map((plan) => taking(0.5, plan));
    const found = candidatesOf(statements, [{ ...workflows, ...table }], indexes);
    expect(found.map(({ columns }) => columns.join(', '))).toEqual(advised);
  });

  test('one index for all whom it serves, the one that takes most time first', () => {
    const statements = [
      taking(0.3, bySize),
      taking(0.2, scan('((w.size = $1) AND (w.created_at > $2))')),
      taking(0.4, scan('(w.id = $1)')),
    ];
    expect(candidatesOf(statements, [workflows], [])).toEqual([
      {
        schema: 'public',
        table: 'workflows',
        columns: ['size', 'created_at'],
        statements: ['q0.3', 'q0.2'],
        share: 0.5,
      },
      { schema: 'public', table: 'workflows', columns: ['id'], statements: ['q0.4'], share: 0.4 },
    ]);
  });

  test('a statement that reads a table twice counts once', () => {
    const twice = { ...taking(0.3, above('Append', bySize)), scans: [...scansOf(bySize), ...scansOf(bySize)] };
    expect(candidatesOf([twice], [workflows], [])).toMatchObject([{ statements: ['q0.3'], share: 0.3 }]);
  });
});
