import { openEvents } from '../../operator/kube/events.ts';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import { createCollector, type Collector } from '../../operator/metrics/collector.ts';
import { openConnections } from '../../operator/metrics/sources/connections.ts';
import { createStandings } from '../../operator/metrics/standings.ts';
import { openCaches } from '../../operator/reconcilers/caches.ts';
import { startReconcilers } from '../../operator/reconcilers/operator.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { createMetrics } from '../../operator/telemetry/metrics.ts';
import type { World } from './world.ts';

/** The operator's reconcilers in the test's own process, by a clock that the test puts forward: what takes minutes is a moment away. */
export interface ClockedReconcilers extends AsyncDisposable {
  putForward(ms: number): void;
}

interface ClockedOptions {
  /** Networks of metric sources that would be refused. */
  readonly allow?: readonly string[];
  /** What was measured, as the reconcilers are to see it. */
  readonly measuring?: (collector: Collector) => Collector;
}

export async function startClockedReconcilers(
  { kube, namespace }: Pick<World, 'kube' | 'namespace'>,
  { allow = [], measuring = (collector) => collector }: ClockedOptions = {},
): Promise<ClockedReconcilers> {
  await using stack = new AsyncDisposableStack();
  let aheadMs = 0;
  const logger = createLogger({ level: 'error', format: 'text' });
  const metrics = createMetrics();
  const namespaces = [namespace];
  const caches = stack.use(openCaches({ kube, namespaces, watchApiServices: false, logger }));
  const guard = createAddressGuard({ widen: allow });
  const connections = stack.use(
    openConnections({
      kube,
      guards: { pods: guard, hosts: guard },
      readSecret: () => Promise.resolve(undefined),
      url: undefined,
    }),
  );
  const deps = {
    kube,
    caches,
    connections,
    standings: createStandings(),
    metrics,
    logger,
    collector: measuring(stack.use(createCollector({ metrics, logger }))),
    events: stack.use(openEvents({ kube, controller: 'genops.dev/operator', instance: 'test', logger })),
    clock: { now: () => Date.now() + aheadMs },
    metricsApi: undefined,
    mayAct: () => true,
  };
  const stop = new AbortController();
  await Promise.all(caches.all.map((collection) => collection.synced(AbortSignal.timeout(30_000))));
  const { ended } = startReconcilers(deps, stop.signal);
  stack.defer(async () => {
    stop.abort(new Error('the test is over'));
    await ended;
  });
  const owned = stack.move();
  return { putForward: (ms) => void (aheadMs += ms), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
