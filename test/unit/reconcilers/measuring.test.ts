import { expect, test } from '@jest/globals';
import type { Kube } from '../../../operator/kube/client.ts';
import { createAddressGuard } from '../../../operator/metrics/address-guard.ts';
import { createCollector } from '../../../operator/metrics/collector.ts';
import { openConnections } from '../../../operator/metrics/sources/connections.ts';
import { measure } from '../../../operator/reconcilers/measuring.ts';
import { createLogger } from '../../../operator/telemetry/logger.ts';
import { createMetrics } from '../../../operator/telemetry/metrics.ts';
import { feedCaches } from './fed-caches.ts';
import { serviceWith, type Given } from './measured-service.ts';

/** The source that a process that has just begun reads first, of a service with this status. */
async function firstSource(given: Given): Promise<string | undefined> {
  await using caches = await feedCaches();
  const guard = createAddressGuard();
  await using connections = openConnections({
    kube: {} as Pick<Kube, 'list'>, // without Pods nobody is asked
    guards: { pods: guard, hosts: guard },
    readSecret: () => Promise.resolve(undefined),
    url: undefined,
  });
  using collector = createCollector({
    metrics: createMetrics(),
    logger: createLogger({ level: 'error', format: 'text' }),
  });
  using world = serviceWith(given);
  measure(world.resolution().resolved, { collector, caches: caches.caches, connections });
  return collector.sourceOf('ai/generation', 'workflow')?.type;
}

const components = [{ name: 'workflow', metricsSource: 'Resource' }];

test.each([
  { name: 'the first where nothing was read yet', status: {}, expected: 'Pods' },
  {
    name: 'the one that status has, after a restart',
    status: { observedGeneration: 1, components },
    expected: 'Resource',
  },
  {
    name: 'the first where status is about an older spec, which may have named others',
    status: { observedGeneration: 0, components },
    expected: 'Pods',
  },
  {
    name: 'the first where status has one that is not named any more',
    status: { observedGeneration: 1, components: [{ name: 'workflow', metricsSource: 'HTTP' }] },
    expected: 'Pods',
  },
])('measuring begins with $name', async ({ status, expected }) => {
  expect(await firstSource({ status })).toBe(expected);
});
