import { Gauge, type Registry } from 'prom-client';

/** Made when it is asked for: a namespace that is back leaves no series behind. */
export const createLeftOutGauge = (registry: Registry, leftOut: () => Iterable<string>): Gauge<'namespace'> =>
  new Gauge({
    name: 'genops_namespace_left_out',
    help: '1 for each of `namespaces` that the operator may not list: nothing of it is seen until it may, and what was seen before stands. None where all are refused: the operator is not ready then.',
    labelNames: ['namespace'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const namespace of leftOut()) this.set({ namespace }, 1);
    },
  });
