import { Gauge, type Registry } from 'prom-client';
import type { GenerationService } from '../api/generation-service.ts';
import { objectiveValue } from '../api/objective-value.ts';

export interface ServiceGaugesInput {
  /** The services in the cache at the moment of the scrape. */
  readonly services: () => Iterable<GenerationService>;
  /** How many seconds ago a component's Pods were read, of those that are Ready the one that was read longest ago. Undefined: none was. */
  readonly ageOf: (service: GenerationService, component: string) => number | undefined;
}

/**
 * What stands in the status of every service, and how old its figures are, as gauges. They are made when they are asked for, so that a service that is gone leaves no series behind and an idle operator does nothing.
 */
export function createServiceGauges(registry: Registry, { services, ageOf }: ServiceGaugesInput): void {
  const registers = [registry];
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    set: (of: GenerationService, into: Gauge<'namespace' | 'name' | Label>) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ['namespace', 'name', ...labelNames] as const,
      registers,
      collect() {
        this.reset();
        for (const service of services()) set(service, this);
      },
    });
  gauge(
    'genops_condition',
    '1 for the status that a condition of a GenerationService has now.',
    ['type', 'status'],
    ({ metadata: { namespace, name }, status }, into) => {
      for (const { type, status: state } of status?.conditions ?? [])
        into.set({ namespace, name, type, status: state }, 1);
    },
  );
  gauge(
    'genops_objective_met',
    '1 when an objective is met, 0 when it is not; no sample while it is unknown or not exercised.',
    ['objective'],
    ({ metadata: { namespace, name }, status }, into) => {
      for (const { name: objective, state } of status?.objectives ?? [])
        if (state === 'Met' || state === 'NotMet') into.set({ namespace, name, objective }, Number(state === 'Met'));
    },
  );
  for (const [gaugeName, field, help] of objectiveFigures)
    gauge(gaugeName, help, ['objective'], ({ metadata: { namespace, name }, status }, into) => {
      for (const { name: objective, [field]: text } of status?.objectives ?? []) {
        const value = text === undefined ? undefined : objectiveValue(objective, text);
        if (value !== undefined) into.set({ namespace, name, objective }, value);
      }
    });
  gauge(
    'genops_performance_score',
    'Points of the rating, 0 to 100.',
    [],
    ({ metadata: { namespace, name }, status }, into) => {
      if (status?.rating?.score !== undefined) into.set({ namespace, name }, status.rating.score);
    },
  );
  gauge(
    'genops_replicas_floor',
    'The floor under the autoscaler of a component (its minReplicas).',
    ['component'],
    ({ metadata: { namespace, name }, status }, into) => {
      for (const { name: component, replicas } of status?.components ?? [])
        if (replicas?.floor !== undefined) into.set({ namespace, name, component }, replicas.floor);
    },
  );
  gauge(
    'genops_metric_age_seconds',
    'How long ago the Pods of a component were read: of those that are Ready, the one that was read longest ago. Only where this process measures.',
    ['component'],
    (service, into) => {
      const { namespace, name } = service.metadata;
      for (const { name: component } of service.spec.components) {
        const age = ageOf(service, component);
        if (age !== undefined) into.set({ namespace, name, component }, age);
      }
    },
  );
}

const objectiveFigures = [
  [
    'genops_objective_value',
    'measured',
    'What was measured of an objective, as status shows it: seconds, bytes, a ratio from 0 to 1, or pieces. A lower bound where no more is known.',
  ],
  ['genops_objective_target', 'target', 'The target of an objective, in the unit of genops_objective_value.'],
] as const;
