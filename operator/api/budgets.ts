import { oneOf, orElse, struct } from './schema.ts';

/** What happens where the figures of two layers do not fit together. */
export const Budgets = struct(
  {
    onViolation: orElse(
      'Clamp',
      oneOf(['Clamp', 'Report'], {
        description:
          'Clamp lowers the pools of Pods that have their runtime settings from genops, never below postgresPool.min; fewer replicas are only proposed. Report only says so.',
      }),
    ),
  },
  {
    description: 'What happens where all replicas together would need more connections, memory or quota than there is.',
  },
);
