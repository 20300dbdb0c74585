import { oneOf, orElse, struct } from './schema.ts';

/** What happens where the figures of two layers do not fit together. */
export const Budgets = struct(
  {
    onViolation: orElse(
      'Clamp',
      oneOf(['Clamp', 'Report'], {
        description: 'Clamp lowers pools first, then replicas, never below minReplicas; Report only says so.',
      }),
    ),
  },
  {
    description: 'What happens where all replicas together would need more connections, memory or quota than there is.',
  },
);
