import { oneOf, orElse, struct } from './schema.ts';

/** What happens where the figures of two layers do not fit together. */
export const Budgets = struct(
  {
    onViolation: orElse(
      'Clamp',
      oneOf(['Clamp', 'Report'], {
        description:
          'Clamp lowers the pools of Pods that have their runtime settings from genops, never below postgresPool.min, and where that is not enough, or where a ResourceQuota leaves less, maxReplicas of their autoscaler, never below minReplicas; and maxmemory of a Redis to what its container has room for, where no key has to go for it. Report only says so.',
      }),
    ),
  },
  {
    description: 'What happens where all replicas together would need more connections, memory or quota than there is.',
  },
);
