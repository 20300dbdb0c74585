import { expect, test } from '@jest/globals';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { startService } from '../workload/service-process.ts';
import { deployment, generationService } from '../world/builders.ts';
import { startClockedReconcilers } from '../world/clocked-reconcilers.ts';
import { readyPod } from '../world/ready-pod.ts';
import { eventNotes, expectCondition, startWorld } from '../world/world.ts';
import {
  declare,
  flags,
  measuredBefore,
  optimizer,
  readItems,
  rules,
  rulesOf,
  startHolder,
} from './optimizer-world.ts';

test('the worst Pod is evicted: within a maintenance window, where its budget lets it, and what came of it is judged once another is Ready', async () => {
  await using world = await startWorld({ operator: flags, secrets: ['admin'] });
  await using large = await startHolder({ HELD_MB: '200' });
  await using small = await startHolder({});
  const rule = {
    name: 'evict',
    when: { metric: 'memory', operator: 'GreaterThan', value: '150Mi' },
    action: 'EvictWorstPod',
    cooldown: '1s',
    bounds: { step: '1', max: '2' },
  } as const;
  const others = rules.map((name) => ({ name, mode: 'Off' as const }));
  const budget = (minAvailable: number): Promise<void> =>
    world.apply({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'first' },
      spec: { minAvailable, selector: { matchLabels: { app: 'first' } } },
    });
  const never = { name: 'never', schedule: '0 0 30 2 *', duration: '1h' };
  await budget(2);
  await declare(world, ['first'], {
    optimizer: optimizer({ rules: [...others, rule] }),
    maintenanceWindows: [never],
  });
  await readyPod(world, large.port, 'first-0', 'first');
  await readyPod(world, small.port, 'first-1', 'first');
  await world.eventually(
    async () => {
      const { message } = expectCondition(await world.service(), 'OptimizerActive', { status: 'True' });
      expect(message).toContain('Waiting for a maintenance window, which never opens: evict on first.');
    },
    { withinMs: 60_000 },
  );

  await declare(world, ['first'], { optimizer: optimizer({ rules: [...others, rule] }) });
  await world.eventually(async () =>
    expect(await rulesOf(world)).toMatchObject([
      {
        name: 'evict',
        lastAction: { outcome: 'Failed', message: expect.stringMatching(/first-0: .*disruption budget/) },
      },
    ]),
  );
  expect(await world.get(podResource, 'first-0')).toBeDefined();

  await budget(1);
  await world.eventually(async () => expect(await world.get(podResource, 'first-0')).toBeUndefined(), {
    withinMs: 60_000,
  });
  await world.eventually(async () => {
    expect(await eventNotes(world, 'ActionTaken')).toEqual([
      expect.stringMatching(/^evict on first, EvictWorstPod: memory [\d.]+Mi > 150Mi: first-0 \([\d.]+Mi\) evicted/),
    ]);
    const [evicted] = await rulesOf(world);
    expect(evicted?.lastAction?.message).toMatch(/first-0 \([\d.]+Mi\) evicted$/);
    expect(evicted?.lastAction?.outcome).toBeUndefined(); // nobody is Ready in its place
  });
  await readyPod(world, small.port, 'first-2', 'first');
  await world.eventually(
    async () =>
      expect(await rulesOf(world)).toMatchObject([
        { name: 'evict', lastAction: { outcome: 'Inconclusive', message: expect.stringContaining('180 rows') } },
      ]),
    { withinMs: 60_000 },
  );
  expect(await world.get(podResource, 'first-1')).toBeDefined();
});

test('a memory limit is raised as far as its bounds let it, by the lever that has it, and judged once every Pod runs with it', async () => {
  await using world = await startWorld({ operator: flags, secrets: ['admin'] });
  await using holder = await startHolder({ HELD_MB: '200', POD_NAME: 'first-0' });
  const resources = { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '100m', memory: '300Mi' } };
  const rule = {
    name: 'raise',
    when: { metric: 'memoryPercent', operator: 'GreaterThan', value: '50' },
    action: 'RaiseMemoryLimit',
    cooldown: '1s',
    bounds: { step: '200Mi', max: '400Mi' },
  } as const;
  const others = rules.map((name) => ({ name, mode: 'Off' as const }));
  const declareWith = (mode: 'DryRun' | 'Enforce') =>
    declare(world, ['first'], {
      resources: { mode, ...resources },
      optimizer: optimizer({ rules: [...others, rule] }),
    });
  const saidOf = async (text: string) =>
    world.eventually(
      async () => {
        const { message } = expectCondition(await world.service(), 'OptimizerActive', { status: 'True' });
        expect(message).toContain(text);
      },
      { withinMs: 60_000 },
    );
  await declareWith('DryRun');
  await readyPod(world, holder.port, 'first-0', 'first', resources);
  await saidOf('Skipped, since the memory limit is not ours');

  await declareWith('Enforce');
  await world.eventually(
    async () =>
      expect((await world.get(podResource, 'first-0'))?.spec.containers).toMatchObject([
        { resources: { limits: { memory: '400Mi' } } },
      ]),
    { withinMs: 60_000 },
  );
  await world.eventually(
    async () =>
      expect(await rulesOf(world)).toMatchObject([
        {
          name: 'raise',
          lastAction: {
            outcome: 'Inconclusive',
            message: expect.stringMatching(/^memoryPercent [\d.]+ % > 50 %: memory limit 300Mi → 400Mi; /),
          },
        },
      ]),
    { withinMs: 60_000 },
  );
  await saidOf('Memory limits are raised: first to 400Mi.');
  await saidOf('Skipped, since it has gone as far as its bounds let it: raise on first.');
  expectCondition(await world.service(), 'ResourcesApplied', { status: 'True', reason: 'Applied' });
});

test('what has expired goes from Redis itself where no Pod can be asked; one that was full of it has room again, and answers are as fast as the cache makes them', async () => {
  const full = { 'enable-debug-command': 'yes', maxmemory: '8mb', 'maxmemory-policy': 'noeviction' };
  await using world = await startWorld({ operator: false, redis: [{ config: full }] });
  const [redis] = world.redis;
  await redis?.command('DEBUG', 'SET-ACTIVE-EXPIRE', '0'); // by itself it would, when it comes to it
  const fill = "for n = 1, 3000 do redis.call('SET', 'k' .. n, string.rep('x', 4000), 'PX', 1) end";
  await redis?.command('EVAL', fill, '0');
  expect(await redis?.command('DBSIZE')).toBe(3_000);
  const env = { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis?.port), ITEM_LOAD_MS: '300' };
  await using service = await startService({ ...env, POD_NAME: 'first-0' });
  await using stack = new AsyncDisposableStack();
  stack.use(readItems(service));
  await using _ = await startClockedReconcilers(world, { allow: ['127.0.0.0/8'], measuring: measuredBefore });
  await world.apply(deployment('first'));
  const clear = { name: 'clear-expired', when: { value: '100ms' } } as const;
  const others = rules.filter((name) => name !== clear.name).map((name) => ({ name, mode: 'Off' as const }));
  await world.apply(
    generationService({
      redis: [{ name: 'cache', secretRef: { name: 'redis' } }],
      components: [{ name: 'first', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'first' } }],
      overrides: {
        collector: { interval: '1s', timeout: '1s' },
        horizontal: { mode: 'Off' },
        redis: { maxMemory: '8Mi', evictionPolicy: 'noeviction', monitoring: { bigKeys: { interval: '0s' } } }, // that goes over all keys too
        optimizer: optimizer({ settle: '5s', rules: [clear, ...others] }),
      },
    }),
  );
  await readyPod(world, Number(new URL(service.metricsUrl).port), 'first-0', 'first');
  await world.eventually(
    async () =>
      expect(await eventNotes(world, 'ActionTaken')).toEqual([
        expect.stringMatching(
          /^clear-expired on first, ClearExpiredCache: responseTimeP95 [\d.]+s > 0.1s: 3000 keys expired in Redis/,
        ),
      ]),
    { withinMs: 60_000 },
  );
  await world.eventually(
    async () =>
      expect(await eventNotes(world, 'ActionHelped')).toEqual([
        expect.stringMatching(/^clear-expired on first, ClearExpiredCache: Improved: responseTimeP95 [\d.]+s before, /),
      ]),
    { withinMs: 60_000 },
  );
  expect(await redis?.command('DBSIZE')).toBe(20); // what is read
});
