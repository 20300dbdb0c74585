import { expect, test } from '@jest/globals';
import { startService } from '../workload/service-process.ts';
import { startClockedReconcilers } from '../world/clocked-reconcilers.ts';
import { readyPod } from '../world/ready-pod.ts';
import { eventNotes, expectCondition, startWorld } from '../world/world.ts';
import { declare, key, measuredBefore, optimizer, otherRules, poolOf, rulesOf } from './optimizer-world.ts';

test('the hog of the reference workload: where no more Pods may come a quarter of its workers goes, its CPU falls with them, and that is called a help', async () => {
  await using world = await startWorld({ operator: false, secrets: ['admin'] });
  await using hog = await startService({ ADMIN_KEY: key, POD_NAME: 'first-0', DEFECT_HOG_PERCENT: '0.5' });
  await using _ = await startClockedReconcilers(world, { allow: ['127.0.0.0/8'], measuring: measuredBefore });
  const scaledUpTo = (maxReplicas: number): Promise<void> =>
    world.apply({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'first' },
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'first' }, maxReplicas },
    });
  await scaledUpTo(2);
  const rule = { name: 'shed-workers', when: { value: '20' } } as const; // of a tenth of a core
  const all = { pools: { cpu: 16 } }; // as many as there are that hog: so it is before anybody has told it anything
  const declared = { runtime: all, optimizer: optimizer({ baseline: '8s', rules: [...otherRules, rule] }) };
  await declare(world, ['first'], declared, { replicas: 1 });
  const resources = { requests: { cpu: '100m' }, limits: { cpu: '100m' } };
  await readyPod(world, Number(new URL(hog.metricsUrl).port), 'first-0', 'first', resources);
  await world.eventually(
    async () => {
      expectCondition(await world.service(), 'OptimizerActive', { status: 'True', reason: 'Active' });
      expect((await world.service()).status?.rating?.parts).toMatchObject({ cpu: 0 }); // far above the rule's value
    },
    { withinMs: 60_000 },
  );
  await world.consistently(async () => expect(await poolOf(world)).toBe(16), 12_000); // more Pods may come

  await scaledUpTo(1);
  await world.eventually(async () => expect(await poolOf(world)).toBe(12), { withinMs: 60_000 });
  const [judged] = await world.eventually(
    async () => {
      const found = await rulesOf(world);
      expect(found[0]?.lastAction?.outcome).toBeDefined();
      return found;
    },
    { withinMs: 90_000 },
  );
  const { outcome, message } = judged?.lastAction ?? {};
  expect(`${judged?.component} ${judged?.name} ${outcome}: ${message}`).toMatch(
    /^first shed-workers Improved: cpuPercent [\d.]+ % > 20 %: cpuPool.threads 4 → 3, pools.cpu 16 → 12; /,
  );
  expect(await (await fetch(hog.metricsUrl)).text()).toContain('generation_pool_limit{pool="cpu"} 12\n');
  await world.eventually(async () =>
    expect(await eventNotes(world, 'ActionHelped')).toEqual([
      expect.stringMatching(/^shed-workers on first, ReduceWorkers: Improved: cpuPercent [\d.]+ % before, /),
    ]),
  );
  expect(await poolOf(world)).toBe(12);
});
