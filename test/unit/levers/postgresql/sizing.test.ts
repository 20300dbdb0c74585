import { expect, test } from '@jest/globals';
import { startProblems } from '../../../../operator/levers/postgresql/start.ts';
import { sized } from '../../../../operator/levers/postgresql/sizing.ts';
import { seen } from './observations.ts';
import fc from 'fast-check';

const oltp = { memory: '4Gi', cpus: '2', storage: 'SSD', workload: 'OLTP' } as const;

test('4 GiB, two processors, SSD, OLTP, 100 connections', () => {
  expect(Object.fromEntries(sized(oltp, seen(), 100))).toEqual({
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
  expect(Object.fromEntries(sized(analytics, seen(), 40))).toMatchObject({
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
  const small = sized({ ...oltp, memory: '512Mi' }, server, 400);
  expect(small.has('effective_io_concurrency')).toBe(false);
  expect(small.has('wal_compression')).toBe(false);
  expect(small.get('work_mem')).toBe('4096kB');
});

test('whatever its size, a server starts with what is worked out for it', () => {
  const sizes = fc.record({
    memory: fc.integer({ min: 256, max: 2_000_000 }).map((mebibytes) => `${mebibytes}Mi`),
    cpus: fc.integer({ min: 1, max: 256 }).map(String),
    storage: fc.constantFrom('SSD', 'HDD', 'Network'),
    workload: fc.constantFrom('OLTP', 'Mixed', 'Analytics'),
  });
  fc.assert(
    fc.property(sizes, (sizing) => {
      const { settings } = seen();
      const next = sized(sizing, seen(), 100);
      const memory = { bytes: Number.parseInt(sizing.memory, 10) * 2 ** 20, from: 'sizing' };
      expect(startProblems({ settings, next, memory, isStandby: false, standbys: 0 })).toEqual([]);
    }),
  );
});
