import { Counter, Gauge, type Registry } from 'prom-client';

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

export interface DatabaseSeries extends DatabaseCounts {
  readonly namespace: string;
  readonly name: string;
  readonly server: string;
}

/**
 * What every PostgreSQL of every service said at the last visit of the leader. Made when it is asked for, so that what is gone leaves no series behind.
 * Totals are the server's own: they fall when its statistics are reset, which a rate takes for what it is.
 */
export function createDatabaseMetrics(registry: Registry, series: () => Iterable<DatabaseSeries>): void {
  const labelNames = ['namespace', 'name', 'server'] as const;
  const registers = [registry];
  const each = (set: (labels: Record<(typeof labelNames)[number], string>, counts: DatabaseCounts) => void): void => {
    for (const { namespace, name, server, ...counts } of series()) set({ namespace, name, server }, counts);
  };
  const gauge = (name: string, help: string, of: (counts: DatabaseCounts) => number) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        each((labels, counts) => this.set(labels, of(counts)));
      },
    });
  const counter = (name: string, help: string, of: (counts: DatabaseCounts) => number) =>
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        each((labels, counts) => this.inc(labels, of(counts)));
      },
    });
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
