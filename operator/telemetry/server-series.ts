import { Counter, Gauge, type Registry } from 'prom-client';

/** One server of one service. */
export interface ServerSeries {
  readonly namespace: string;
  readonly name: string;
  readonly server: string;
}

/**
 * Metrics of what every server of every service said at the last visit of the leader. Made when they are asked for, so that what is gone leaves no series behind.
 * Totals are the server's own: they fall when its statistics are reset, which a rate takes for what it is. What is undefined has no sample.
 */
export function serverMetrics<Series extends ServerSeries>(registry: Registry, series: () => Iterable<Series>) {
  const labelNames = ['namespace', 'name', 'server'] as const;
  const registers = [registry];
  type Figure = (of: Series) => number | undefined;
  const each = (figure: Figure, set: (labels: Record<(typeof labelNames)[number], string>, value: number) => void) => {
    for (const one of series()) {
      const value = figure(one);
      const { namespace, name, server } = one;
      if (value !== undefined) set({ namespace, name, server }, value);
    }
  };
  return {
    gauge: (name: string, help: string, figure: Figure) =>
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          each(figure, (labels, value) => this.set(labels, value));
        },
      }),
    counter: (name: string, help: string, figure: Figure) =>
      new Counter({
        name,
        help,
        labelNames,
        registers,
        collect() {
          this.reset();
          each(figure, (labels, value) => this.inc(labels, value));
        },
      }),
  };
}
