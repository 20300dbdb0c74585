import { Counter, Gauge, type Registry } from 'prom-client';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What it is, and how much of it there is now, or of a counter since the start. */
export type Figure = readonly [help: string, read: () => number | readonly Sample[]];

/**
 * Metrics that are read whenever the page is: nothing is kept twice, and nothing runs in between.
 *
 * @param figures By name: with `_total` at its end a counter, else a gauge.
 */
export function declare(
  registry: Registry,
  figures: Readonly<Record<string, Figure>>,
  labelNames: readonly string[] = [],
): void {
  for (const [name, [help, read]] of Object.entries(figures)) {
    const refill = (): void => {
      made.reset(); // of series that are gone nothing is said any more
      const now = read();
      for (const { labels, value } of typeof now === 'number' ? [{ labels: {}, value: now }] : now)
        made.inc(labels, value);
    };
    const configuration = { name, help, labelNames, registers: [registry], collect: refill };
    const made: Counter | Gauge = name.endsWith('_total') ? new Counter(configuration) : new Gauge(configuration);
  }
}
