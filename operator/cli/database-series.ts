import type { GenerationService } from '../api/generation-service.ts';
import type { Running } from '../reconcilers/operator.ts';
import type { DatabaseSeries } from '../telemetry/database-metrics.ts';

/** What the databases of every service said at their last visits; nothing where the reconcilers do not run. */
export function* databaseSeries(
  services: Iterable<GenerationService>,
  running: Pick<Running, 'databaseServers'> | undefined,
): Iterable<DatabaseSeries> {
  if (running === undefined) return;
  for (const service of services) {
    const { namespace, name } = service.metadata;
    for (const { name: server, figures } of running.databaseServers.servers(service, Infinity))
      if (figures.state === 'Known') yield { ...figures, namespace, name, server };
  }
}
