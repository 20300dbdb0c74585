import type { Registry } from 'prom-client';
import { serverMetrics, type ServerSeries } from './server-series.ts';

/** What one database server of a service counts. */
export interface DatabaseCounts {
  readonly connections: number;
  readonly connectionsLimit: number;
  readonly transactions: number;
  readonly blocksHit: number;
  readonly blocksRead: number;
  readonly deadlocks: number;
  readonly tempBytes: number;
}

export interface DatabaseSeries extends DatabaseCounts, ServerSeries {}

/** What every PostgreSQL of every service said at the last visit of the leader. */
export function createDatabaseMetrics(registry: Registry, series: () => Iterable<DatabaseSeries>): void {
  const { gauge, counter } = serverMetrics(registry, series);
  gauge('genops_postgres_connections', 'Sessions of clients on a PostgreSQL.', ({ connections }) => connections);
  gauge(
    'genops_postgres_connections_limit',
    'Sessions that there may be without a right to reserved ones.',
    ({ connectionsLimit }) => connectionsLimit,
  );
  counter(
    'genops_postgres_transactions_total',
    'Transactions committed and rolled back, all databases together.',
    ({ transactions }) => transactions,
  );
  counter(
    'genops_postgres_blocks_hit_total',
    'Blocks that were asked for and found in shared_buffers.',
    ({ blocksHit }) => blocksHit,
  );
  counter('genops_postgres_blocks_read_total', 'Blocks that had to be read.', ({ blocksRead }) => blocksRead);
  counter('genops_postgres_deadlocks_total', 'Deadlocks that were found.', ({ deadlocks }) => deadlocks);
  counter(
    'genops_postgres_temp_bytes_total',
    'Bytes that were written to temporary files.',
    ({ tempBytes }) => tempBytes,
  );
}
