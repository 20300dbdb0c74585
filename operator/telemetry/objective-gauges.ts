import { Gauge, type Registry } from 'prom-client';

/** How one objective of a service stands now. What is asked for is worked out then, not before. */
export interface ObjectiveSample {
  readonly namespace: string;
  readonly name: string;
  readonly objective: string;
  /** Value and target in the base unit: seconds, bytes, a ratio or a count. Absent is unknown. */
  readonly value: number | undefined;
  readonly target: number;
  readonly ageSeconds: number | undefined;
  attainment(): number | undefined;
  /** By window. */
  burnRates(): Readonly<Record<string, number>>;
}

/**
 * What the leader measures of every service's objectives, as gauges: fresh, where status is coarse. Made when they are asked for, so that what is gone leaves no series behind.
 * What is unknown has no sample.
 */
export function createObjectiveGauges(registry: Registry, samples: () => Iterable<ObjectiveSample>): void {
  const gauge = (
    name: string,
    help: string,
    of: (sample: ObjectiveSample) => number | undefined | Readonly<Record<string, number>>,
    labels: readonly 'window'[] = [],
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ['namespace', 'name', 'objective', ...labels] as const,
      registers: [registry],
      collect() {
        this.reset();
        for (const sample of samples()) {
          const { namespace, name: service, objective } = sample;
          const value = of(sample);
          if (typeof value === 'number') this.set({ namespace, name: service, objective }, value);
          else
            for (const [window, one] of Object.entries(value ?? {}))
              if (one > 0) this.set({ namespace, name: service, objective, window }, one); // of a fleet that is well none: thirty series of each service
        }
      },
    });
  gauge(
    'genops_objective_value',
    'The figure that an objective is judged by, in its base unit: seconds, bytes, a ratio or a count.',
    ({ value }) => value,
  );
  gauge('genops_objective_target', 'The target of an objective, in the same unit.', ({ value, target }) =>
    value === undefined ? undefined : target,
  );
  gauge(
    'genops_objective_attainment_ratio',
    'Share of the judged time of the attainment window in which the figure kept its target.',
    (sample) => sample.attainment(),
  );
  gauge(
    'genops_metric_age_seconds',
    'Age of the figure that an objective is judged by.',
    ({ ageSeconds }) => ageSeconds,
  );
  gauge(
    'genops_error_budget_burn_rate',
    'How many times faster than its budget allows (1 % of the time) an objective was missed in a window (5m, 30m, 1h, 6h or 3d); no sample where it was not missed at all.',
    (sample) => sample.burnRates(),
    ['window'],
  );
}
