import type { GenerationService } from '../api/generation-service.ts';
import { coverageOf, fragmentationOf } from '../decide/cache-server.ts';
import type { Running } from '../reconcilers/operator.ts';
import type { CacheSeries } from '../telemetry/cache-metrics.ts';

/** What the cache servers of every service said at their last visits; nothing where the reconcilers do not run. */
export function* cacheSeries(
  services: Iterable<GenerationService>,
  running: Pick<Running, 'cacheServers'> | undefined,
): Iterable<CacheSeries> {
  if (running === undefined) return;
  for (const service of services) {
    const { namespace, name } = service.metadata;
    for (const { name: server, figures } of running.cacheServers.servers(service, Infinity)) {
      const { bigKeys, ...counts } = figures;
      const searched = bigKeys.state === 'Known' ? bigKeys : undefined;
      yield {
        ...counts,
        namespace,
        name,
        server,
        fragmentation: fragmentationOf(figures),
        largestKeyBytes: searched?.largestBytes,
        keySearchCoverage: searched && coverageOf(searched),
      };
    }
  }
}
