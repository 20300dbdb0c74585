import { describe, expect, test } from '@jest/globals';
import { loadFigures } from '../../../../operator/metrics/component-window.ts';
import type { ViewInput } from '../../../../operator/serve/views/figures.ts';
import { load } from '../../../../operator/serve/views/load.ts';
import { monitoringMetrics } from '../../../../operator/serve/views/monitoring-metrics.ts';
import { measured } from './view-input.ts';

describe('while a Pod is not read, a sum is a lower bound', () => {
  const [one] = measured.components;
  type Figures = NonNullable<ViewInput['components'][number]['figures']>;
  const seen = (changes: Partial<Figures>): ViewInput => {
    const figures = { ...(one?.figures as Figures), ...changes };
    return { ...measured, components: [one, { ...one, name: 'cache', figures }] as ViewInput['components'] };
  };
  const silent = { coveredMs: 0, podsReady: 2, podsAnswered: 0, partial: loadFigures, histograms: {} };
  const none = Object.fromEntries(
    ['requestRate', 'inFlight', 'queue', 'activeConnections'].map((key) => [key, undefined]),
  );
  test('the load view names it, of its component and in all', () => {
    const { components, total } = load(seen({ partial: loadFigures, podsAnswered: 1 }));
    const sums = ['requestRate', 'inFlight', 'queue', 'p99'];
    expect([...components, total].map(({ atLeast }) => atLeast)).toEqual([['p99'], sums, sums]);
    expect(total).toMatchObject({ requestRate: 80, inFlight: 14 });
  });
  test('so is that of the others where one is silent as a whole, but not what one that answers never tells', () => {
    expect(load(seen({ ...none, ...silent })).total.atLeast).toEqual(['requestRate', 'inFlight', 'queue', 'p99']);
    expect(load(seen({ ...none, ...silent })).components[1]?.atLeast).toEqual([]);
    expect(load(seen({ partial: loadFigures, queue: undefined } as never)).total.atLeast).not.toContain('queue');
  });
  test('the guide’s view has null: it would look like less load', () => {
    const { metrics } = monitoringMetrics(seen({ partial: loadFigures, podsAnswered: 1 }));
    expect(metrics).toMatchObject({ request_rate: null, active_connections: null, memory_usage_mb: 512 });
    const queueAlone = seen({ partial: ['queue'] }); // as in a long canary of which the old Pods have no queue
    expect(monitoringMetrics(queueAlone).metrics).toMatchObject({ request_rate: 80, active_connections: 6 });
    expect(load(queueAlone).total.atLeast).toEqual(['queue', 'p99']);
    expect(monitoringMetrics(seen({})).metrics).toMatchObject({ request_rate: 80, active_connections: 6 });
  });
});
