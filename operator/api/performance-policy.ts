import type { Static } from 'typebox';
import { Budgets } from './budgets.ts';
import { Collector } from './collector.ts';
import { Horizontal } from './horizontal.ts';
import { LoadBalancer } from './load-balancer.ts';
import { MaintenanceWindow } from './maintenance.ts';
import type { ObjectMeta } from './metadata.ts';
import { Objectives } from './objectives.ts';
import { Optimizer } from './optimizer.ts';
import { Postgres } from './postgres.ts';
import { Rating } from './rating.ts';
import { Redis } from './redis.ts';
import { Resources } from './resources.ts';
import { Runtime } from './runtime.ts';
import { Scaler } from './scaler.ts';
import { listMap, orElse, ordered, struct } from './schema.ts';
import type { PerformancePolicyStatus } from './status.ts';
import { Vertical } from './vertical.ts';

/** What one component may have of its own: everything that is about its pods. */
const componentSections = {
  resources: orElse({}, Resources),
  horizontal: orElse({}, Horizontal),
  vertical: orElse({}, Vertical),
  scaler: orElse({}, Scaler),
  runtime: orElse({}, Runtime),
};

const fallbackWithinBounds = [
  ordered('scaler.fallback.replicas', 'horizontal.maxReplicas', {
    as: 'number',
    example: 'scaler: {fallback: {replicas: 4}}, horizontal: {maxReplicas: 20}',
  }),
  ordered('horizontal.minReplicas', 'scaler.fallback.replicas', {
    as: 'number',
    example: 'horizontal: {minReplicas: 2}, scaler: {fallback: {replicas: 4}}',
  }),
];

export const ComponentOverrides = struct(componentSections, {
  description: 'Values for this component alone; they win over the service’s overrides and the policy.',
  rules: fallbackWithinBounds,
});

const sections = {
  objectives: orElse({}, Objectives),
  collector: orElse({}, Collector),
  rating: orElse({}, Rating),
  ...componentSections,
  optimizer: orElse({}, Optimizer),
  loadBalancer: orElse({}, LoadBalancer),
  redis: orElse({ maxMemory: '1Gi' }, Redis),
  postgres: orElse({}, Postgres),
  budgets: orElse({}, Budgets),
  maintenanceWindows: orElse(
    [],
    listMap(MaintenanceWindow, {
      maxItems: 8,
      description:
        'If there is any, restarts, evictions, roll-outs and index builds happen only inside; merged by name.',
    }),
  ),
};

const rules = [
  ...fallbackWithinBounds,
  ordered('collector.interval', 'optimizer.baseline', {
    as: 'duration',
    times: 3,
    example: 'collector: {interval: 10s}, optimizer: {baseline: 60s}',
  }),
];

export const PolicySpec = struct(sections, {
  description:
    'How fast a service has to be and what is tuned for it. Every field may be left out; its text names the figure that then holds.',
  rules,
});

/** The same shape as a policy, between it and the components. */
export const ServiceOverrides = struct(sections, {
  description: 'Values for this service alone, in the shape of PerformancePolicy.spec; they win over the policy.',
  rules,
});

export type PolicySpec = Static<typeof PolicySpec>;
export type ComponentOverrides = Static<typeof ComponentOverrides>;

/** How fast services have to be, and what is tuned for it. Services refer to it by name. */
export interface PerformancePolicy {
  readonly apiVersion: 'genops.dev/v1alpha1';
  readonly kind: 'PerformancePolicy';
  readonly metadata: ObjectMeta;
  readonly spec?: PolicySpec;
  readonly status?: PerformancePolicyStatus;
}
