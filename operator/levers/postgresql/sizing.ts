import { bytes, cores } from '../../api/quantity.ts';
import type { PostgresObserved } from './observe.ts';
import type { PostgresUnit } from './unit.ts';

type Sizing = NonNullable<PostgresUnit['policy']['sizing']>;

const kib = 2 ** 10;
const mib = 2 ** 20;
const gib = 2 ** 30;

/**
 * A complete set of parameters for a server of this size. docs/levers/postgresql.md has each formula with its reason and what is contested.
 *
 * @param maxConnections What the server will have: `work_mem` is a share of it.
 */
export function sized(
  sizing: Sizing,
  { major, settings }: Pick<PostgresObserved, 'major' | 'settings'>,
  maxConnections: number,
): ReadonlyMap<string, string> {
  const memory = bytes(sizing.memory);
  const cpus = Math.max(1, Math.floor(cores(sizing.cpus)));
  const isAnalytics = sizing.workload === 'Analytics';
  const sharedBuffers = memory / 4;
  const maintenance = Math.min(memory / (isAnalytics ? 8 : 16), 8 * gib);
  const workers = Math.max(8, cpus);
  const [minWal, maxWal] = { OLTP: [2, 8], Mixed: [1, 4], Analytics: [4, 16] }[sizing.workload] as [number, number];
  return new Map([
    ['shared_buffers', size(sharedBuffers)],
    ['effective_cache_size', size((memory * 3) / 4)],
    ['maintenance_work_mem', size(maintenance)],
    ...only(maintenance > 2 * gib, ['autovacuum_work_mem', '2GB']),
    ['work_mem', size(workMemory({ free: memory - sharedBuffers, sessions: maxConnections + workers, sizing }))],
    ['random_page_cost', sizing.storage === 'HDD' ? '4' : '1.1'],
    ...only(major < 18, ['effective_io_concurrency', { SSD: '200', HDD: '2', Network: '300' }[sizing.storage]]),
    ['default_statistics_target', isAnalytics ? '500' : '100'],
    ['min_wal_size', `${minWal}GB`],
    ['max_wal_size', `${maxWal}GB`],
    ['checkpoint_completion_target', '0.9'],
    ...only(settings['wal_compression']?.choices?.includes('lz4') === true, ['wal_compression', 'lz4']),
    ['jit', isAnalytics ? 'on' : 'off'],
    ...only(cpus > 8, ['max_worker_processes', String(workers)]),
    ...only(cpus >= 4, ['max_parallel_workers', String(cpus)]),
    ...only(cpus >= 4, ['max_parallel_workers_per_gather', String(Math.min(isAnalytics ? cpus : 4, cpus >> 1))]),
    ...only(cpus >= 4, ['max_parallel_maintenance_workers', String(Math.min(4, cpus >> 1))]),
  ]);
}

const only = (holds: boolean, entry: [string, string]): [string, string][] => (holds ? [entry] : []);

/** Each session may sort and hash several times at once. At least the server's own 4 MB. */
function workMemory({
  free,
  sessions,
  sizing,
}: {
  readonly free: number;
  readonly sessions: number;
  readonly sizing: Sizing;
}): number {
  const share = free / (sessions * 3);
  return Math.max(sizing.workload === 'OLTP' ? share : share / 2, 4 * mib);
}

/** Whole megabytes where that rounds by less than a tenth, else kilobytes. */
const size = (amount: number): string =>
  amount >= 10 * mib ? `${Math.floor(amount / mib)}MB` : `${Math.floor(amount / kib)}kB`;
