import type { KeptOptimizer } from '../../../operator/decide/optimizer/kept.ts';
import { optimizerRules } from '../../../operator/decide/optimizer/rules.ts';
import type { EventInput } from '../../../operator/kube/events.ts';
import { optimizerColumns } from '../../../operator/metrics/optimizer-rows.ts';
import { createRing } from '../../../operator/metrics/windows.ts';
import type { OptimizerDeps, Visit } from '../../../operator/reconcilers/optimizer-visit.ts';
import type { ServiceState } from '../../../operator/reconcilers/state.ts';
import { createLogger } from '../../../operator/telemetry/logger.ts';
import { createMetrics } from '../../../operator/telemetry/metrics.ts';
import { intervalMs, serviceWith, type Given } from './measured-service.ts';

type Figures = Readonly<Partial<Record<(typeof optimizerColumns)[number], number>>>;

interface Known extends Given {
  readonly kept: KeptOptimizer;
  readonly now: number;
  /** Of each row of the newest quarter of an hour. */
  readonly figures?: Figures;
  /** What the levers remember. */
  readonly levers?: ServiceState['levers'];
  /** The error budget of an objective burns at the fastest pace. */
  readonly isBurning?: boolean;
}

const fastest = { '5m': 20, '1h': 20 };

/** One visit of the optimizer, with its state in memory and a clock that stands. */
export function madeVisit({ kept, now, figures = {}, levers = {}, isBurning = false, ...given }: Known) {
  const world = serviceWith(given);
  const told: string[] = [];
  let state: ServiceState = { version: 1, levers, optimizer: kept };
  const ring = createRing(optimizerColumns, 90);
  for (let row = 90; row > 0; row--) ring.append(now - (row - 1) * intervalMs, figures);
  const deps = {
    caches: world.caches,
    standings: { of: () => (isBurning ? { looked: [{ name: 'errorRate' }], burnRates: () => fastest } : undefined) },
    collector: { rowsOf: (_key: string, _component: string, since: number) => ring.since(since, optimizerColumns) },
    states: {
      of: () => state,
      write: (_service: unknown, change: (before: ServiceState) => ServiceState) => {
        state = change(state);
        return Promise.resolve();
      },
    },
    clock: { now: () => now },
    mayAct: () => true,
    events: { record: ({ reason, note }: EventInput) => void told.push(`${reason}: ${note}`) },
    metrics: createMetrics(),
    logger: createLogger({ level: 'error', format: 'text' }),
  };
  const { resolved } = world.resolution();
  const visit: Visit = {
    service: resolved.service,
    resolved,
    rules: optimizerRules(resolved.policy.optimizer),
    deps: deps as unknown as OptimizerDeps,
    signal: new AbortController().signal,
  };
  return {
    visit,
    told,
    kept: (): KeptOptimizer | undefined => state.optimizer,
    [Symbol.dispose]: () => world[Symbol.dispose](),
  };
}
