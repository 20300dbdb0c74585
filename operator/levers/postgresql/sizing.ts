import { cores } from '../../api/quantity.ts';
import type { PostgresObserved } from './observe.ts';
import type { PostgresUnit } from './unit.ts';

type Sizing = NonNullable<PostgresUnit['policy']['sizing']>;

/** What the server has for it. */
export interface Machine {
  /** The least of what the policy says and what the container may have. */
  readonly memoryBytes: number;
  /** What the server will have: `work_mem` is a share of it. */
  readonly maxConnections: number;
  /** Of the write-ahead log; undefined: not known. */
  readonly mostLogBytes: number | undefined;
}

const kib = 2 ** 10;
const mib = 2 ** 20;
const gib = 2 ** 30;

/**
 * A complete set of parameters for a server of this size. docs/levers/postgresql.md has each formula with its reason and what is contested.
 *
 */
export function sized(
  sizing: Sizing,
  { major, settings }: Pick<PostgresObserved, 'major' | 'settings'>,
  { memoryBytes: memory, maxConnections, mostLogBytes }: Machine,
): ReadonlyMap<string, string> {
  const cpus = Math.max(1, Math.floor(cores(sizing.cpus)));
  const isAnalytics = sizing.workload === 'Analytics';
  const sharedBuffers = memory / 4;
  const maintenance = Math.min(memory / (isAnalytics ? 8 : 16), 8 * gib);
  const workers = Math.max(8, cpus);
  return new Map([
    ['shared_buffers', size(sharedBuffers)],
    ['effective_cache_size', size((memory * 3) / 4)],
    ['maintenance_work_mem', size(maintenance)],
    ...only(maintenance > 2 * gib, ['autovacuum_work_mem', '2GB']),
    ['work_mem', size(workMemory({ free: memory - sharedBuffers, sessions: maxConnections + workers, sizing }))],
    ['random_page_cost', sizing.storage === 'HDD' ? '4' : '1.1'],
    ...only(major < 18, ['effective_io_concurrency', { SSD: '200', HDD: '2', Network: '300' }[sizing.storage]]),
    ['default_statistics_target', isAnalytics ? '500' : '100'],
    ...logSizes(sizing, 2 * Number(settings['wal_segment_size']?.value ?? 0), mostLogBytes),
    ['checkpoint_completion_target', '0.9'],
    ...only(settings['wal_compression']?.choices?.includes('lz4') === true, ['wal_compression', 'lz4']),
    ['jit', isAnalytics ? 'on' : 'off'],
    ...only(cpus > 8, ['max_worker_processes', String(workers)]),
    ...only(cpus >= 4, ['max_parallel_workers', String(cpus)]),
    ...only(cpus >= 4, ['max_parallel_workers_per_gather', String(Math.min(isAnalytics ? cpus : 4, cpus >> 1))]),
    ...only(cpus >= 4, ['max_parallel_maintenance_workers', String(Math.min(4, cpus >> 1))]),
  ]);
}

/** A fourth of it is kept for reuse. Where not even two segments of it may be, it stays as it is. */
function logSizes({ workload }: Sizing, leastBytes: number, mostBytes = Number.POSITIVE_INFINITY): [string, string][] {
  const most = Math.min({ OLTP: 8, Mixed: 4, Analytics: 16 }[workload] * gib, mostBytes);
  if (most < leastBytes) return [];
  return [
    ['min_wal_size', wholeSize(Math.max(most / 4, leastBytes))],
    ['max_wal_size', wholeSize(most)],
  ];
}

const wholeSize = (amount: number): string => (amount % gib === 0 ? `${amount / gib}GB` : size(amount));

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
