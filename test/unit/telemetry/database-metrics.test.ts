import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { databaseSeries } from '../../../operator/cli/database-series.ts';
import { createDatabaseMetrics } from '../../../operator/telemetry/database-metrics.ts';
import { storedService } from '../../world/builders.ts';

const totals = { epoch: '1', transactions: 500, blocksHit: 90, blocksRead: 10, deadlocks: 2, tempBytes: 4_096 };
const known = { state: 'Known', connections: 7, connectionsLimit: 97, ...totals } as const;
const seen = {
  observedAt: 1_000,
  work: undefined,
  idleIndexes: undefined,
  slow: { state: 'Unknown', why: 'nobody asked' } as const,
};
const untold = { state: 'Unknown', why: 'it may not be read' } as const;

test('each server has its own totals, one that does not tell has none, and who does not lead shows nothing', async () => {
  const registry = new Registry();
  let leads = true;
  const servers = () => [
    { name: 'main', figures: known, ...seen },
    { name: 'other', figures: untold, ...seen },
  ];
  createDatabaseMetrics(registry, () =>
    databaseSeries([storedService()], leads ? { databaseServers: { servers } } : undefined),
  );
  const shown = async () => (await registry.metrics()).match(/^genops_.*$/gm);
  const labels = '{namespace="ai",name="generation",server="main"}';
  const expected = [
    `genops_postgres_connections${labels} 7`,
    `genops_postgres_connections_limit${labels} 97`,
    `genops_postgres_transactions_total${labels} 500`,
    `genops_postgres_blocks_hit_total${labels} 90`,
    `genops_postgres_blocks_read_total${labels} 10`,
    `genops_postgres_deadlocks_total${labels} 2`,
    `genops_postgres_temp_bytes_total${labels} 4096`,
  ];
  expect(await shown()).toEqual(expected);
  expect(await shown()).toEqual(expected); // totals, not sums of what was shown before
  leads = false;
  expect(await shown()).toBeNull();
});
