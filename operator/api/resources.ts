import { oneOf, orElse, ordered, quantity, struct } from './schema.ts';

/** CPU and memory of one container. */
const amounts = (defaults: { cpu: string; memory: string }, description: string) =>
  orElse(
    {},
    struct(
      {
        cpu: orElse(defaults.cpu, quantity({ description: 'CPU cores, for example 500m.' })),
        memory: orElse(defaults.memory, quantity({ description: 'Memory in bytes, for example 1Gi.' })),
      },
      { description },
    ),
  );

/** Requests and limits of the workload's container (row C1). */
export const Resources = struct(
  {
    mode: orElse(
      'DryRun',
      oneOf(['Enforce', 'DryRun', 'Off'], {
        description: 'Enforce changes the pods, DryRun only reports the difference: nobody’s pods are resized unasked.',
      }),
    ),
    method: orElse(
      'InPlace',
      oneOf(['InPlace', 'Template'], {
        description:
          'InPlace resizes running pods and gives new ones their resources on admission, where the cluster can; Template changes the workload, which rolls out.',
      }),
    ),
    requests: amounts({ cpu: '500m', memory: '1Gi' }, 'What the scheduler reserves for the container.'),
    limits: amounts({ cpu: '1000m', memory: '2Gi' }, 'What the container may use at most.'),
  },
  {
    description: 'Requests and limits of the workload’s container.',
    rules: [
      ordered('requests.cpu', 'limits.cpu', { as: 'quantity', example: 'requests: {cpu: 500m}, limits: {cpu: 1000m}' }),
      ordered('requests.memory', 'limits.memory', {
        as: 'quantity',
        example: 'requests: {memory: 1Gi}, limits: {memory: 2Gi}',
      }),
    ],
  },
);
