import { oneOf, orElse, ordered, quantity, setOf, struct } from './schema.ts';

const bound = (defaults: { cpu: string; memory: string }, description: string) =>
  orElse(
    {},
    struct(
      {
        cpu: orElse(defaults.cpu, quantity({ description: 'CPU cores, for example 100m.' })),
        memory: orElse(defaults.memory, quantity({ description: 'Memory in bytes, for example 512Mi.' })),
      },
      { description },
    ),
  );

/** Resources by a VerticalPodAutoscaler (row J2). */
export const Vertical = struct(
  {
    mode: orElse(
      'DryRun',
      oneOf(['Enforce', 'DryRun', 'Off'], {
        description:
          'Enforce lets the autoscaler change pods as updateMode says; DryRun only shows its recommendation.',
      }),
    ),
    updateMode: orElse(
      'InPlaceOrRecreate',
      oneOf(['InPlaceOrRecreate', 'Initial', 'Recreate', 'InPlace'], {
        description:
          'How recommendations reach pods. InPlaceOrRecreate becomes Recreate where the cluster cannot resize running pods.',
      }),
    ),
    minAllowed: bound({ cpu: '100m', memory: '512Mi' }, 'Least that the autoscaler may set.'),
    maxAllowed: bound({ cpu: '2000m', memory: '4Gi' }, 'Most that the autoscaler may set.'),
    controlledResources: orElse(
      ['cpu', 'memory'],
      setOf(oneOf(['cpu', 'memory'], { description: 'A resource.' }), {
        minItems: 1,
        maxItems: 2,
        description: 'Resources that the autoscaler sets.',
      }),
    ),
    controlledValues: orElse(
      'RequestsAndLimits',
      oneOf(['RequestsAndLimits', 'RequestsOnly'], {
        description: 'Whether limits follow the requests in proportion, or stay.',
      }),
    ),
    conflictResolution: orElse(
      'Split',
      oneOf(['Split', 'PreferHorizontal', 'PreferVertical', 'Refuse'], {
        description:
          'What happens where horizontal and vertical steer by the same resource. Split: horizontal keeps CPU and Pods metrics, vertical takes memory. Refuse: neither acts and the condition says so.',
      }),
    ),
  },
  {
    description: 'Requests and limits by a VerticalPodAutoscaler, where the cluster has it.',
    rules: [
      ordered('minAllowed.cpu', 'maxAllowed.cpu', {
        as: 'quantity',
        example: 'minAllowed: {cpu: 100m}, maxAllowed: {cpu: 2000m}',
      }),
      ordered('minAllowed.memory', 'maxAllowed.memory', {
        as: 'quantity',
        example: 'minAllowed: {memory: 512Mi}, maxAllowed: {memory: 4Gi}',
      }),
    ],
  },
);
