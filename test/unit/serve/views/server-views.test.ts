import { describe, expect, test } from '@jest/globals';
import { cacheStatus } from '../../../../operator/serve/views/cache-status.ts';
import { databaseStatus } from '../../../../operator/serve/views/database-status.ts';
import { measured, now, told, unknown } from './view-input.ts';

describe('cacheStatus()', () => {
  test('has the ratio that the policy decides by, and both', () => {
    expect(cacheStatus(told)).toMatchObject({
      statistics: { hit_ratio: 0.9, redis_hit_ratio: 0.9, workload_hit_ratio: 0.6 },
      servers: [
        {
          name: 'cache',
          server: 'Valkey',
          version: '8.1',
          topology: 'Sentinel',
          nodes: 3,
          nodes_pending: 1,
          drifted: 0,
          observed_at: '2026-11-25T11:59:52Z',
          hit_ratio: 0.9,
          evicted_keys_total: 0,
          expired_keys_total: 5,
          rejected_connections_total: 1,
          writes_refused_total: 2,
          eviction_exceeded_seconds_total: 1.5,
          fragmentation_ratio: null, // below 100 MB it tells nothing
          used_memory_mb: 3,
          max_memory_mb: 1024,
          eviction_policy: 'allkeys-lru',
          pending_restart: [],
          slow_log: [{ time: '2026-11-25T11:59:00Z', duration_ms: 12.5, command: 'KEYS' }],
          slow_log_unknown: null,
          big_keys: [{ name: 'queue:jobs', memory_mb: 1 }],
          big_keys_unknown: null,
          big_keys_coverage: 0.75, // 30 of 40
          big_keys_observed_at: '2026-11-25T11:59:52Z',
          largest_key_mb: 1,
        },
      ],
    });
  });
  test.each([
    { allocatedBytes: 100 * 2 ** 20 - 1, ratio: null },
    { allocatedBytes: 100 * 2 ** 20, ratio: 1.5 },
  ])('tells of fragmentation from 100 MB on: $allocatedBytes bytes', ({ allocatedBytes, ratio }) => {
    const [server] = measured.cacheServers;
    if (server === undefined) throw new Error('one server was seen');
    const figures = { ...server.figures, allocatedBytes, residentBytes: 150 * 2 ** 20 };
    expect(cacheStatus({ ...told, cacheServers: [{ ...server, figures }] }).servers).toMatchObject([
      { fragmentation_ratio: ratio },
    ]);
  });
  test('says why big keys are not known', () => {
    const [server] = measured.cacheServers;
    if (server === undefined) throw new Error('one server was seen');
    const bigKeys = { state: 'Unknown', why: 'it may not be searched' } as const;
    const seen = cacheStatus({ ...told, cacheServers: [{ ...server, figures: { ...server.figures, bigKeys } }] });
    expect(seen.servers).toMatchObject([
      { big_keys: null, big_keys_unknown: 'it may not be searched', big_keys_coverage: null, largest_key_mb: null },
    ]);
  });
  test('says why a slow log is not known', () => {
    const [server] = measured.cacheServers;
    if (server === undefined) throw new Error('one server was seen');
    const slowLog = { state: 'Unknown', why: 'it may not be read' } as const;
    const seen = cacheStatus({ ...told, cacheServers: [{ ...server, figures: { ...server.figures, slowLog } }] });
    expect(seen.servers).toMatchObject([{ slow_log: null, slow_log_unknown: 'it may not be read' }]);
    expect(cacheStatus(unknown).servers).toMatchObject([{ slow_log: null, slow_log_unknown: null }]);
  });
  test('names no Secret', () => {
    expect(JSON.stringify(cacheStatus(told))).not.toContain('redis-secret');
  });
});

describe('databaseStatus()', () => {
  test('has what each server said at the last visit, and what it did in the window', () => {
    expect(databaseStatus(told)).toEqual({
      service: { namespace: 'ai', name: 'generation' },
      servers: [
        {
          name: 'main',
          version: '18.4',
          pending_restart: ['max_connections'],
          observed_at: '2026-11-25T11:59:52Z',
          connections: 12,
          connections_limit: 97,
          cache_hit_ratio: 0.95,
          transactions_per_second: 25,
          deadlocks: 1,
          temp_mb: 1,
          transactions_total: 9_000,
          blocks_hit_total: 800,
          blocks_read_total: 200,
          deadlocks_total: 3,
          temp_mb_total: 5,
          statistics_unknown: null,
          slow_statements: [
            {
              statement: 'SELECT * FROM jobs WHERE id = ?',
              calls: 3,
              mean_ms: 1_500,
              total_ms: 4_500,
              max_ms: 2_000,
              min_ms: 1,
            },
          ],
          slow_statements_source: 'pg_stat_statements',
          slow_statements_unknown: null,
          unused_indexes: [{ index: 'shop.sales.by_n', size_mb: 2, unread_since: '2026-11-01T00:00:00Z' }],
          duplicate_indexes: [['sales.orders_pkey', 'sales.by_id']],
        },
      ],
      timestamp: '2026-11-25T12:00:00Z',
    });
  });
  test('says why statistics are not known', () => {
    const figures = { state: 'Unknown', why: 'they may not be read' } as const;
    const slow = { state: 'Unknown', why: 'nor may the statements' } as const;
    const databaseServers = [{ name: 'main', observedAt: now, figures, work: undefined, slow }];
    expect(databaseStatus({ ...told, databaseServers }).servers).toMatchObject([
      {
        connections: null,
        statistics_unknown: 'they may not be read',
        slow_statements: null,
        slow_statements_unknown: 'nor may the statements',
        unused_indexes: null,
        duplicate_indexes: null,
      },
    ]);
    expect(databaseStatus(unknown).servers).toMatchObject([
      { connections: null, statistics_unknown: null, slow_statements: null, slow_statements_unknown: null },
    ]);
  });
  test('names no Secret', () => {
    expect(JSON.stringify(databaseStatus(told))).not.toContain('postgres-secret');
  });
});
