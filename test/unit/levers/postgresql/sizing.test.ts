import { expect, test } from '@jest/globals';
import { startProblems } from '../../../../operator/levers/postgresql/start.ts';
import { sized } from '../../../../operator/levers/postgresql/sizing.ts';
import { planned, seen } from './observations.ts';
import fc from 'fast-check';

const mib = 2 ** 20;
const gib = 2 ** 30;
const machine = { memoryBytes: 4 * gib, maxConnections: 100, mostLogBytes: undefined };
const oltp = { memory: '4Gi', cpus: '2', storage: 'SSD', workload: 'OLTP' } as const;

test('4 GiB, two processors, SSD, OLTP, 100 connections', () => {
  expect(Object.fromEntries(sized(oltp, seen(), machine))).toEqual({
    shared_buffers: '1024MB',
    effective_cache_size: '3072MB',
    maintenance_work_mem: '256MB',
    work_mem: '9709kB', // (4096 − 1024) MB / ((100 + 8) × 3)
    random_page_cost: '1.1',
    effective_io_concurrency: '200',
    default_statistics_target: '100',
    min_wal_size: '2GB',
    max_wal_size: '8GB',
    checkpoint_completion_target: '0.9',
    wal_compression: 'lz4',
    jit: 'off',
  });
});

test('64 GiB, 16 processors, a spinning disk, analytics: half the work_mem, large maintenance, more workers', () => {
  const analytics = { memory: '64Gi', cpus: '16', storage: 'HDD', workload: 'Analytics' } as const;
  expect(
    Object.fromEntries(sized(analytics, seen(), { ...machine, memoryBytes: 64 * gib, maxConnections: 40 })),
  ).toMatchObject({
    shared_buffers: '16384MB',
    work_mem: '146MB', // 48 GiB / ((40 + 16) × 3) / 2
    maintenance_work_mem: '8192MB',
    autovacuum_work_mem: '2GB',
    random_page_cost: '4',
    effective_io_concurrency: '2',
    default_statistics_target: '500',
    jit: 'on',
    max_worker_processes: '16',
    max_parallel_workers_per_gather: '8',
    max_parallel_maintenance_workers: '4',
  });
});

test('18 keeps its own effective_io_concurrency; a build without lz4 its own wal_compression; work_mem is never below 4 MB', () => {
  const server = seen({ major: 18, settings: { wal_compression: { choices: ['pglz', 'on', 'off'] } } });
  const small = sized(oltp, server, { ...machine, memoryBytes: 512 * mib, maxConnections: 400 });
  expect(small.has('effective_io_concurrency')).toBe(false);
  expect(small.has('wal_compression')).toBe(false);
  expect(small.get('work_mem')).toBe('4096kB');
});

test.each([
  { name: 'a quarter of the volume, where that is less than it would have', most: 2 * gib, min: '512MB', max: '2GB' },
  { name: 'never less than two segments are kept', most: 64 * mib, min: '32MB', max: '64MB' },
  { name: 'nothing on a volume that is too small for any', most: 31 * mib, min: undefined, max: undefined },
  { name: 'as on any, where the volume is large', most: 8 * gib, min: '2GB', max: '8GB' },
])('the write-ahead log: $name', ({ most, min, max }) => {
  const values = sized(oltp, seen(), { ...machine, mostLogBytes: most });
  expect([values.get('min_wal_size'), values.get('max_wal_size')]).toEqual([min, max]);
});

test('is worked out of what the container may have, where that is less than the policy says, and of its volume', () => {
  const unit = { workloadRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'pg' }, volumeSize: '8Gi' };
  const { changes, condition } = planned({ server: { memoryLimitBytes: 2 * gib }, sizing: oltp, unit });
  const values = Object.fromEntries(changes.flatMap(({ writes }) => writes.map(({ name, to }) => [name, to])));
  expect(values).toMatchObject({ shared_buffers: '512MB', effective_cache_size: '1536MB', max_wal_size: '2GB' });
  expect(condition.reason).toBe('PendingRestart');
});

test('whatever its size, a server starts with what is worked out for it', () => {
  const sizes = fc.record({
    memory: fc.integer({ min: 256, max: 2_000_000 }).map((mebibytes) => `${mebibytes}Mi`),
    volume: fc.option(fc.integer({ min: 1, max: 1_000_000 }), { nil: undefined }),
    cpus: fc.integer({ min: 1, max: 256 }).map(String),
    storage: fc.constantFrom('SSD', 'HDD', 'Network'),
    workload: fc.constantFrom('OLTP', 'Mixed', 'Analytics'),
  });
  fc.assert(
    fc.property(sizes, ({ volume, ...sizing }) => {
      const { settings } = seen();
      const memory = { bytes: Number.parseInt(sizing.memory, 10) * mib, from: 'sizing' };
      const mostLogBytes = volume && (volume * mib) / 4;
      const next = sized(sizing, seen(), { memoryBytes: memory.bytes, maxConnections: 100, mostLogBytes });
      expect(startProblems({ settings, next, memory, mostLogBytes, isStandby: false, standbys: 0 })).toEqual([]);
    }),
  );
});
