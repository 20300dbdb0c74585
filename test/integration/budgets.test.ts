import { expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { ApiError } from '../../operator/kube/api-error.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { resourceQuotas } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';

const compute = (cpu: string) => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'compute' },
  spec: { hard: { 'requests.cpu': cpu } },
});
const half = { resources: { requests: { cpu: '500m' }, limits: { memory: '1Gi' } } };

const told = (world: World, status: 'True' | 'False', reason: string, name?: string) =>
  world.eventually(async () => expectCondition(await world.service(name), 'BudgetsConsistent', { status, reason }), {
    withinMs: 45_000,
  });

/** How many Pods of half a core the API server takes. */
async function podsTaken({ kube, namespace, signal }: World): Promise<number> {
  const securityContext = {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const containers = [{ name: 'app', image: 'registry.k8s.io/pause:3.10', securityContext, ...half }];
  for (let count = 0; ; count += 1) {
    const pod = { metadata: { namespace, name: `pod-${count}` }, spec: { containers } };
    try {
      await kube.create(podResource, pod, {}, signal);
    } catch (error) {
      if (error instanceof ApiError && error.message.includes('exceeded quota')) return count;
      throw error;
    }
  }
}

test('replicas come down to what a ResourceQuota has, for all services of the namespace alike, and back up with it', async () => {
  await using world = await startWorld();
  await world.apply(compute('4'));
  await world.apply(deployment('workflow-execution', half));
  await world.apply(generationService());

  const { message } = await told(world, 'False', 'QuotaExceeded');
  expect(message).toBe(
    'saw 10 requests.cpu that Pods may take of ResourceQuota compute at once: 10 of workflow (20 replicas, 500m each); wanted at most 4; next: let it be so: budgets.onViolation has lowered horizontal.maxReplicas to 8 for workflow, or declare horizontal.maxReplicas: 8 for workflow, or raise requests.cpu of the quota to 10',
  );
  const most = async (name = 'generation-workflow-hpa') =>
    (await world.get(horizontalPodAutoscalers, name))?.spec.maxReplicas;
  const replicas = async () => (await world.service()).status?.components?.[0]?.replicas;
  await world.eventually(async () => expect(await most()).toBe(8));
  await world.eventually(async () =>
    expect(await replicas()).toMatchObject({ max: 8, boundBy: 'quota/compute requests.cpu' }),
  );
  await world.eventually(async () =>
    expect(await world.get<KubeObject & { status?: { hard?: object } }>(resourceQuotas, 'compute')).toHaveProperty(
      'status.hard',
    ),
  );
  expect(await podsTaken(world)).toBe(8); // the API server reckons the same

  await world.apply(deployment('other', half));
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' };
  const younger = (overrides: NonNullable<GenerationServiceSpec['overrides']>) =>
    world.apply(generationService({ components: [{ name: 'other', targetRef }], overrides }, { name: 'younger' }));
  await younger({});
  await world.eventually(async () => expect(await most('younger-other-hpa')).toBe(4)); // 2 + 18 × (4 − 2) / 18
  await younger({ budgets: { onViolation: 'Report' }, horizontal: { maxReplicas: 4 } });
  const reported = await world.eventually(async () => {
    const found = expectCondition(await world.service('younger'), 'BudgetsConsistent', { status: 'False' });
    expect(found.message).not.toContain('budgets.onViolation');
    return found;
  });
  expect(reported.message).toContain(`2 of other (4 replicas, 500m each)`);
  expect(reported.message).toContain(`10 of workflow (${world.namespace}/generation) (20 replicas, 500m each)`);

  await world.apply(compute('20'));
  const fits = await told(world, 'True', 'Consistent');
  expect(fits.message).toBe('The quota fits: 12 of 20 requests.cpu in compute.');
  await world.eventually(async () => expect(await most()).toBe(20));
  await world.eventually(async () => expect(await replicas()).not.toHaveProperty('boundBy'));
});

test('a Redis that its container has no room for is lowered; a cache, garbage and time-outs that do not fit are told', async () => {
  await using world = await startWorld({ redis: [{}] });
  const [redis] = world.redis;
  await redis?.command('EVAL', "for i = 1, 2000 do redis.call('SET', i, string.rep('x', 1000), 'EX', 9999) end", '0');
  const store = deployment('store', { resources: { limits: { memory: '1Gi' } } });
  await world.apply(store);
  await world.apply(deployment('workflow-execution', half));
  const workloadRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'store' };
  const service = (overrides: NonNullable<GenerationServiceSpec['overrides']>): Promise<void> =>
    world.apply(
      generationService({
        redis: [{ name: 'cache', secretRef: { name: 'redis' }, workloadRef }],
        loadBalancer: { type: 'Nginx', nginx: { podSelector: { matchLabels: { app: 'nginx' } } } },
        overrides,
      }),
    );
  await service({});
  const lowered = await told(world, 'False', 'MemoryExceeded');
  expect(lowered.message).toBe(
    'saw maxmemory 1024Mi for cache; wanted at most 768Mi: 1024Mi of its container − 25 % for the copy that a save makes, buffers and fragmentation; next: let it be so: budgets.onViolation has lowered it to 768Mi, or declare redis.maxMemory: 768Mi, or raise that limit to 1366Mi',
  );
  await world.eventually(async () => expect(await redis?.configGet('maxmemory')).toBe(String(768 * 2 ** 20)));
  await world.eventually(async () =>
    expect((await world.service()).status?.redis).toMatchObject([{ boundBy: 'Deployment/store memory limit' }]),
  );

  const isOutOfBounds = () =>
    world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'False', reason: 'OutOfBounds' }),
    );
  const budgets = { onViolation: 'Report' } as const;
  await service({ budgets });
  await isOutOfBounds();
  const reported = await told(world, 'False', 'MemoryExceeded');
  expect(reported.message).not.toContain('budgets.onViolation');
  await redis?.configSet('maxmemory', '0');
  await service({ budgets, redis: { maxMemory: '1023Mi' } }); // it is visited once more
  await isOutOfBounds();
  expect(await redis?.configGet('maxmemory')).toBe('0');

  await service({
    redis: { maxMemory: '64Mi' },
    runtime: { cache: { l1: { entries: 1_000_000 } }, memory: { collectAbove: '1Gi' }, http: { timeout: '2m' } },
  });
  const { message } = await world.eventually(async () => {
    const found = expectCondition(await world.service(), 'BudgetsConsistent', {
      status: 'False',
      reason: 'MemoryExceeded',
    });
    expect(found.message).toContain('L1');
    return found;
  });
  const [collect, cache, timeouts] = message.split(' | ');
  expect(collect).toMatch(
    /^saw runtime\.memory\.collectAbove 1024Mi and a memory limit of 1024Mi on the container of workflow;/,
  );
  expect(cache).toMatch(/1000000 entries of about [12]Ki, .*next: declare runtime\.cache\.l1\.entries: \d+, or raise/);
  expect(timeouts).toMatch(/^saw runtime\.http\.timeout 120s inside loadBalancer\.api\.readTimeout 60s of workflow:/);

  await service({ redis: { maxMemory: '64Mi' }, runtime: { memory: { collectAbove: '512Mi' } } });
  const fits = await told(world, 'True', 'Consistent');
  expect(fits.message).toBe(
    'The memory of their containers is enough for cache, the L1 cache of workflow. The time-outs nest: runtime.http.timeout 30s within loadBalancer.api.readTimeout 60s.',
  );
});
