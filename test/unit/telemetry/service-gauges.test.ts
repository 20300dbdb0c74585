import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { GenerationServiceStatus } from '../../../operator/api/status.ts';
import { createServiceGauges } from '../../../operator/telemetry/service-gauges.ts';
import { after, intervalMs, pod, serviceWith, start } from '../reconcilers/measured-service.ts';

beforeEach(() => void jest.useFakeTimers({ now: start }));
afterEach(() => void jest.useRealTimers());

/** The samples of our gauges, each `name{labels but namespace and name} value`. */
async function scraped(
  world: ReturnType<typeof serviceWith>,
  status: GenerationServiceStatus = {},
): Promise<readonly string[]> {
  const registry = new Registry();
  createServiceGauges(registry, {
    services: () => [{ ...world.service, status }],
    ageOf: (_, component) => {
      const readAt = world.collector.readAt('ai/generation', component);
      return readAt === undefined ? undefined : (Date.now() - readAt) / 1_000;
    },
  });
  const text = await registry.metrics();
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace('namespace="ai",name="generation",', ''));
}

test('an objective has its value and its target in one unit, and no value before it was measured', async () => {
  using world = serviceWith();
  const lines = await scraped(world, {
    objectives: [
      { name: 'CachedResponseTime', state: 'Met', target: '100ms', measured: '84ms' },
      { name: 'Memory', state: 'Unknown', target: '2Gi' },
    ],
  });
  expect(lines).toEqual([
    'genops_objective_met{objective="CachedResponseTime"} 1',
    'genops_objective_value{objective="CachedResponseTime"} 0.084',
    'genops_objective_target{objective="CachedResponseTime"} 0.1',
    'genops_objective_target{objective="Memory"} 2147483648',
  ]);
});

test('figures are as old as the Pod that was read longest ago; one that is gone counts no more', async () => {
  using world = await after(2, { pods: [pod('a')] });
  const ageOf = async (): Promise<number> => {
    const [line = ''] = await scraped(world);
    expect(line).toMatch(/^genops_metric_age_seconds\{component="workflow"\} /);
    return Number(line.split(' ')[1]);
  };
  expect(await ageOf()).toBeLessThanOrEqual(intervalMs / 1_000);
  world.setPage(new Error('connection refused'));
  await jest.advanceTimersByTimeAsync(3 * intervalMs);
  expect(await ageOf()).toBeGreaterThan((2 * intervalMs) / 1_000);
  world.setPods([]);
  await jest.advanceTimersByTimeAsync(2 * intervalMs);
  expect(await scraped(world)).toEqual([]);
});
