import { Type } from 'typebox';
import { Behavior, MetricSpec } from './hpa.ts';
import { atomicList, oneOf, orElse, ordered, struct } from './schema.ts';

const replicas = (value: number, description: string) =>
  orElse(value, Type.Integer({ minimum: 1, maximum: 1000, description }));

/** Replicas by a HorizontalPodAutoscaler (row J1). */
export const Horizontal = struct(
  {
    mode: orElse(
      'Enforce',
      oneOf(['Enforce', 'FloorOnly', 'DryRun', 'Off'], {
        description:
          'Enforce owns an HPA; FloorOnly only raises minReplicas of an existing HPA or ScaledObject; DryRun only reports; Off leaves all as it is.',
      }),
    ),
    minReplicas: replicas(2, 'Least replicas. Scaling to zero is not supported.'),
    maxReplicas: replicas(20, 'Most replicas. At least minReplicas.'),
    metrics: orElse(
      [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
        { type: 'Resource', resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 80 } } },
        {
          type: 'Pods',
          pods: { metric: { name: 'requests_per_second' }, target: { type: 'AverageValue', averageValue: '100' } },
        },
      ],
      atomicList(MetricSpec, {
        minItems: 1,
        maxItems: 8,
        description: 'What the autoscaler steers by. A later layer replaces the whole list.',
      }),
    ),
    behavior: orElse({}, Behavior),
    podsMetrics: orElse(
      'Auto',
      oneOf(['Auto', 'Shadow'], {
        description:
          'How Pods metrics reach the autoscaler. Auto: through the operator’s custom.metrics API where it serves the whole group, else as Shadow. Shadow: the operator computes what the autoscaler would, and raises the floor.',
      }),
    ),
  },
  {
    description: 'Replicas of each component: a HorizontalPodAutoscaler and its limits.',
    rules: [ordered('minReplicas', 'maxReplicas', { as: 'number', example: 'minReplicas: 2, maxReplicas: 20' })],
  },
);
