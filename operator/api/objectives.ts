import { Type } from 'typebox';
import { duration, oneOf, orElse, quantity, ratio, struct } from './schema.ts';

const mode = () =>
  orElse(
    'Required',
    oneOf(['Required', 'Informational', 'Off'], {
      description: 'Required counts for ObjectivesMet; Informational is measured and shown only; Off is not measured.',
    }),
  );

const percentile = () =>
  orElse(
    95,
    oneOf([50, 90, 95, 99], {
      description: 'The percentile of all requests in the window that has to reach the target.',
    }),
  );

const latency = (target: string, description: string) =>
  orElse(
    {},
    struct(
      {
        target: orElse(target, duration({ min: '1ms', max: '24h', description: 'The time that may not be exceeded.' })),
        percentile: percentile(),
        mode: mode(),
      },
      { description },
    ),
  );

/** What "fast enough" means (rows A1 to A6 of the guide). */
export const Objectives = struct(
  {
    window: orElse(
      '5m',
      duration({ min: '1m', max: '1h', description: 'Window over which percentiles and ratios are taken.' }),
    ),
    attainmentWindow: orElse(
      '24h',
      duration({
        min: '1h',
        max: '720h',
        description: 'Window over which the share of time with each objective met is kept.',
      }),
    ),
    onFastBurn: orElse(
      'Freeze',
      oneOf(['Freeze', 'Ignore'], {
        description:
          'What the optimizer does while the error budget burns fast: Freeze allows corrective actions only.',
      }),
    ),
    workflowDuration: latency('30s', 'End-to-end duration of one workflow execution.'),
    concurrentWorkflows: orElse(
      {},
      struct(
        {
          target: orElse(
            20,
            Type.Integer({
              minimum: 1,
              maximum: 100_000,
              description: 'Workflows in flight per service at which the other objectives still have to hold.',
            }),
          ),
          mode: mode(),
        },
        { description: 'Load that the service has to carry; not exercised while fewer workflows are in flight.' },
      ),
    ),
    cachedResponseTime: latency('100ms', 'Time of an answer that came from a cache.'),
    memory: orElse(
      {},
      struct(
        {
          target: orElse(
            '2048Mi',
            quantity({
              description: 'Most memory (working set, bytes) that one pod may use. An OOM kill counts as a violation.',
            }),
          ),
          mode: mode(),
        },
        { description: 'Memory of each pod.' },
      ),
    ),
    cacheHitRatio: orElse(
      {},
      struct(
        {
          target: orElse('0.70', ratio({ description: 'Least share of look-ups that find their key.' })),
          source: orElse(
            'Redis',
            oneOf(['Redis', 'Workload'], {
              description:
                'Which ratio decides: keyspace hits of Redis, or what the workload reports of its own caches.',
            }),
          ),
          mode: mode(),
        },
        { description: 'Share of cache look-ups that are hits.' },
      ),
    ),
    successRatio: orElse(
      {},
      struct(
        {
          target: orElse(
            '0.95',
            ratio({ description: 'Least share of requests that end without a server error (5xx).' }),
          ),
          mode: mode(),
        },
        { description: 'Share of requests that succeed.' },
      ),
    ),
  },
  {
    description: 'What fast enough means: the targets that status.objectives is measured against.',
  },
);
