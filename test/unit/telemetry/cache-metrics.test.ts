import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { cacheSeries } from '../../../operator/cli/cache-series.ts';
import type { CacheServerFigures } from '../../../operator/decide/cache-server.ts';
import { createCacheMetrics } from '../../../operator/telemetry/cache-metrics.ts';
import { storedService } from '../../world/builders.ts';
import { measured } from '../serve/views/view-input.ts';

function registryOf(figures: Partial<CacheServerFigures> = {}) {
  const registry = new Registry();
  const role = { leads: true };
  const servers = () =>
    measured.cacheServers.map((server) => ({ ...server, figures: { ...server.figures, ...figures } }));
  createCacheMetrics(registry, () =>
    cacheSeries(
      [storedService()],
      role.leads ? { cacheServers: { servers, worstHitRatio: () => undefined } } : undefined,
    ),
  );
  return { role, shown: async () => (await registry.metrics()).match(/^genops_.*$/gm) };
}
const labels = '{namespace="ai",name="generation",server="cache"}';

test('each cache server has its own totals, again at each scrape, and who does not lead shows nothing', async () => {
  const { role, shown } = registryOf();
  const first = await shown();
  expect(first).toEqual(
    expect.arrayContaining([
      `genops_redis_commands_total${labels} 150`,
      `genops_redis_keyspace_hits_total${labels} 90`,
      `genops_redis_keyspace_misses_total${labels} 10`,
      `genops_redis_writes_refused_total${labels} 2`,
      `genops_redis_eviction_exceeded_seconds_total${labels} 1.5`,
      `genops_redis_memory_used_bytes${labels} ${3 * 2 ** 20}`,
      `genops_redis_largest_key_bytes${labels} ${2 ** 20}`,
      `genops_redis_key_search_coverage_ratio${labels} 0.75`,
    ]),
  );
  expect(await shown()).toEqual(first); // totals, not sums of what was shown before
  role.leads = false;
  expect(await shown()).toBeNull();
});

test('what is not known has no sample', async () => {
  const shown = (await registryOf({ bigKeys: { state: 'Unknown', why: 'it may not be searched' } }).shown())?.join();
  expect(shown).not.toMatch(/largest_key|coverage|fragmentation/);
  const large = { allocatedBytes: 200 * 2 ** 20, residentBytes: 300 * 2 ** 20 };
  expect(await registryOf(large).shown()).toContain(`genops_redis_memory_fragmentation_ratio${labels} 1.5`);
});
