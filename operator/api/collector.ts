import { Type } from 'typebox';
import { duration, orElse, ordered, struct } from './schema.ts';

/** How often workloads are measured and how much of it is kept (row H1). */
export const Collector = struct(
  {
    interval: orElse(
      '10s',
      duration({ min: '1s', max: '5m', description: 'Time between two snapshots of a service.' }),
    ),
    history: orElse(
      1000,
      Type.Integer({
        minimum: 60,
        maximum: 10_000,
        description: 'Snapshots that are kept per service; more where objectives.window needs them.',
      }),
    ),
    timeout: orElse(
      '2s',
      duration({ min: '100ms', max: '5m', description: 'Longest wait for one answer of a pod. At most interval.' }),
    ),
  },
  {
    description: 'How often the service is measured and how much of it is kept.',
    rules: [ordered('timeout', 'interval', { as: 'duration', example: 'timeout: 2s, interval: 10s' })],
  },
);
