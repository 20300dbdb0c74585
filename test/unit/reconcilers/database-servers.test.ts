import { describe, expect, test } from '@jest/globals';
import { Problem } from '../../../operator/api/problem.ts';
import type { StatementsSeen } from '../../../operator/decide/slow-statements.ts';
import type { Observation } from '../../../operator/levers/run.ts';
import { createDatabaseServers } from '../../../operator/reconcilers/database-servers.ts';
import { storedService } from '../../world/builders.ts';

const service = storedService();
const untoldStatements = { state: 'Unknown', why: 'nobody asked' } as const;
const looked = (name: string, seen: Observation['seen']): Observation =>
  ({
    lever: {
      name: 'postgresql',
      databaseOf: (figures: object) => figures,
      statementsOf: ({ statements = untoldStatements }: { readonly statements?: StatementsSeen }) => statements,
    },
    unit: { name, mode: 'Enforce' },
    seen,
  }) as never;
const totals = { epoch: 'first', blocksHit: 0, blocksRead: 0, deadlocks: 0, tempBytes: 0 };
const answers = (name: string, transactions: number): Observation =>
  looked(name, {
    kind: 'seen',
    value: { state: 'Known', connections: 1, connectionsLimit: 97, transactions, ...totals },
  });
const silent = (name: string): Observation =>
  looked(name, { kind: 'problem', problem: new Problem('Unreachable', { saw: 'nothing', wanted: 'an answer' }) });
const off = (name: string): Observation => looked(name, { kind: 'seen', value: undefined });
const untold = (name: string): Observation =>
  looked(name, { kind: 'seen', value: { state: 'Unknown', why: 'it may not be read' } });

describe('a database server', () => {
  test('is shown with what it said last, and what it did in the window', () => {
    const servers = createDatabaseServers();
    servers.note(service, [answers('main', 100), answers('other', 5)], 10_000);
    servers.note(service, [answers('main', 400), answers('other', 5)], 40_000);
    expect(servers.servers(service, 0)).toMatchObject([
      { name: 'main', observedAt: 40_000, figures: { transactions: 400 }, work: { transactionsPerSecond: 10 } },
      { name: 'other', work: { transactionsPerSecond: 0 } },
    ]);
    expect(servers.servers(service, 10_000)).toMatchObject([{ work: undefined }, { work: undefined }]);
  });
  test('is shown with what its plan found that it keeps up for nothing, and no other server’s', () => {
    const servers = createDatabaseServers();
    const idleIndexes = { unused: [], twins: [['sales.a', 'sales.b']] };
    const plans = [
      { unit: { name: 'main', mode: 'Enforce' as const } },
      { unit: { name: 'main', mode: 'Enforce' as const }, idleIndexes },
    ];
    servers.note(service, [answers('main', 100), answers('other', 5)], 10_000, plans);
    expect(servers.servers(service, 0)).toMatchObject([{ idleIndexes }, { idleIndexes: undefined }]);
  });
  test.each<{ name: string; between: Observation }>([
    { name: 'did not answer in between', between: silent('main') },
    { name: 'did not tell in between', between: untold('main') },
  ])('that $name is still known by what it said before', ({ between }) => {
    const servers = createDatabaseServers();
    servers.note(service, [answers('main', 100)], 10_000);
    servers.note(service, [between], 40_000);
    servers.note(service, [answers('main', 400)], 70_000);
    expect(servers.servers(service, 0)).toMatchObject([{ work: { transactionsPerSecond: 5 } }]);
  });
  test('that does not answer, or is switched off, is not shown; one that does not tell says why', () => {
    const servers = createDatabaseServers();
    servers.note(service, [silent('a'), off('b'), untold('c')], 10_000);
    expect(servers.servers(service, 0)).toEqual([
      {
        name: 'c',
        observedAt: 10_000,
        figures: { state: 'Unknown', why: 'it may not be read' },
        work: undefined,
        slow: untoldStatements,
      },
    ]);
  });
  test('shows what was slow in the window, also by what it said before it was silent', () => {
    const tells = (calls: number): Observation => {
      const statements = [{ id: '1', text: 'SELECT ?', calls, totalMs: calls * 2_000, maxMs: 2_500, minMs: 1_500 }];
      const seen = { state: 'Known', source: 'pg_stat_statements', thresholdMs: 1_000, top: 5, epoch: 'a', statements };
      return looked('main', { kind: 'seen', value: { ...totals, state: 'Known', transactions: 1, statements: seen } });
    };
    const servers = createDatabaseServers();
    servers.note(service, [tells(3)], 10_000);
    expect(servers.servers(service, 0)).toMatchObject([{ slow: { state: 'Known', statements: [] } }]);
    servers.note(service, [silent('main')], 40_000);
    servers.note(service, [tells(5)], 70_000);
    const slow = { source: 'pg_stat_statements', statements: [{ text: 'SELECT ?', calls: 2, meanMs: 2_000 }] };
    expect(servers.servers(service, 0)).toMatchObject([{ slow }]);
    expect(servers.servers(service, 70_000)).toMatchObject([{ slow: { statements: [] } }]);
    servers.note(service, [tells(5)], 3_680_000);
    expect(servers.servers(service, 0)).toMatchObject([{ slow: { statements: [] } }]);
  });
  test('is remembered for an hour, and not beyond its service', () => {
    const servers = createDatabaseServers();
    servers.note(service, [answers('main', 100)], 10_000);
    servers.note(service, [answers('main', 400)], 3_610_000);
    expect(servers.servers(service, 0)).toMatchObject([{ work: undefined }]);
    servers.forget('ai/generation');
    expect(servers.servers(service, 0)).toEqual([]);
  });
});
