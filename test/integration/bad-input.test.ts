import { describe, expect, test } from '@jest/globals';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { expectCondition, startWorld } from '../world/world.ts';

const cache = { name: 'cache', secretRef: { name: 'redis' } };

describe('what is wrong has its own condition with the next step, recovers by itself, and stops nobody else', () => {
  test('a policy that does not exist, then does', async () => {
    await using world = await startWorld();
    await world.apply(deployment());
    await world.apply(generationService({ policyRef: { name: 'standard' } }));
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service(), 'PolicyAccepted', { status: 'False', reason: 'PolicyNotFound' }),
    );
    expect(message).toMatch(/spec\.policyRef\.name.*kubectl get perf/);
    await world.apply(performancePolicy());
    await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  });

  test('a target that does not exist, then does; a service beside it is Ready all the time', async () => {
    await using world = await startWorld();
    await world.apply(deployment('other'));
    await world.apply(generationService());
    await world.apply(
      generationService(
        { components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } }] },
        { name: 'beside' },
      ),
    );
    await world.eventually(async () =>
      expectCondition(await world.service(), 'TargetFound', { status: 'False', reason: 'NotFound' }),
    );
    await world.eventually(async () => expectCondition(await world.service('beside'), 'Ready', { status: 'True' }));
    await world.apply(deployment());
    await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  });

  test('a target that does not exist holds up no other component', async () => {
    await using world = await startWorld();
    const component = (name: string) => ({ name, targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } });
    await world.apply(deployment('render'));
    await world.apply(generationService({ components: [component('workflow'), component('render')] }));
    await world.eventually(async () =>
      expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Applied' }),
    );
    const service = await world.service();
    expectCondition(service, 'Ready', { status: 'False', reason: 'NotFound' });
    expect(service.status?.components).toMatchObject([{ name: 'workflow' }, { name: 'render', replicas: { min: 2 } }]);
  });

  test('a kind that cannot be scaled', async () => {
    await using world = await startWorld();
    await world.apply(
      generationService({
        components: [
          { name: 'workflow', targetRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'kube-root-ca.crt' } },
        ],
      }),
    );
    await world.eventually(async () =>
      expectCondition(await world.service(), 'TargetFound', { status: 'False', reason: 'NoScaleSubresource' }),
    );
  });

  test.each([
    { apiVersion: 'extensions/v1beta1', kind: 'Deployment' },
    { apiVersion: 'apps/v1', kind: 'Deploymnet' },
  ])('a kind that the API server does not serve: $apiVersion $kind', async ({ apiVersion, kind }) => {
    await using world = await startWorld();
    await world.apply(deployment());
    await world.apply(
      generationService({ components: [{ name: 'workflow', targetRef: { apiVersion, kind, name: 'workflow' } }] }),
    );
    await world.eventually(async () => {
      const { message } = expectCondition(await world.service(), 'TargetFound', {
        status: 'False',
        reason: 'NotFound',
      });
      expect(message).toContain(`saw no kind ${kind} of ${apiVersion} among those that the API server serves`);
    });
  });

  test('layers that contradict each other: the last good plan stays in force, until they agree', async () => {
    await using world = await startWorld();
    await world.apply(deployment());
    await world.apply(performancePolicy({ horizontal: { minReplicas: 5 } }));
    await world.apply(generationService({ policyRef: { name: 'standard' } }));
    await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
    await world.apply(
      generationService({ policyRef: { name: 'standard' }, overrides: { horizontal: { maxReplicas: 3 } } }),
    );
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service(), 'PolicyAccepted', { status: 'False', reason: 'InvalidEffectivePolicy' }),
    );
    expect(message).toMatch(/policy standard.*GenerationService overrides.*; next: change one of them$/);
    await world.eventually(async () => expectCondition(await world.service(), 'Stalled', { status: 'True' }));
    const inForce = { spec: { minReplicas: 5, maxReplicas: 20 } };
    expect(await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa')).toMatchObject(inForce);
    await world.delete(horizontalPodAutoscalers, 'generation-workflow-hpa'); // and is kept up
    await world.eventually(async () =>
      expect(await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa')).toMatchObject(inForce),
    );
    await world.apply(
      generationService({ policyRef: { name: 'standard' }, overrides: { horizontal: { maxReplicas: 7 } } }),
    );
    await world.eventually(async () => {
      const service = await world.service();
      expectCondition(service, 'PolicyAccepted', { status: 'True', reason: 'Valid' });
      expectCondition(service, 'Ready', { status: 'True' });
      expect(service.status?.conditions?.map(({ type }) => type)).not.toContain('Stalled');
    });
    expect(await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa')).toMatchObject({
      spec: { minReplicas: 5, maxReplicas: 7 },
    });
  });

  test('a Secret that is missing, wrong, then right; the HPA is made meanwhile', async () => {
    await using world = await startWorld({ redis: [{}], secrets: ['late'] });
    const port = String(world.redis[0]?.port);
    const secret = (stringData: Readonly<Record<string, string>>) =>
      world.apply({ kind: 'Secret', apiVersion: 'v1', metadata: { name: 'late' }, stringData });
    await world.apply(deployment());
    await world.apply(generationService({ redis: [{ name: 'cache', secretRef: { name: 'late' } }] }));
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'False', reason: 'SecretNotFound' }),
    );
    await world.eventually(async () =>
      expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Applied' }),
    );
    await secret({ host: '127.0.0.1', port, username: 'nobody', password: 'canary-8241' });
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'False', reason: 'AuthenticationFailed' }),
    );
    expect(message).not.toContain('canary-8241');
    expect(world.operator.log()).not.toContain('canary-8241');
    await secret({ host: '127.0.0.1', port, username: '', password: '' });
    await world.eventually(
      async () => expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
      { withinMs: 60_000 },
    );
  });

  test('two services on one Redis: the older tunes it, the younger is told by whom', async () => {
    await using world = await startWorld({ redis: [{}] });
    await world.apply(deployment());
    await world.apply(deployment('other'));
    await world.apply(generationService({ redis: [cache] }));
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
    );
    await world.apply(
      generationService(
        {
          components: [{ name: 'other', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } }],
          redis: [cache],
          overrides: { redis: { maxMemory: '32Mi' } },
        },
        { name: 'younger' },
      ),
    );
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service('younger'), 'RedisApplied', { status: 'False', reason: 'Conflict' }),
    );
    expect(message).toContain(`${world.namespace}/generation`);
    expect(await world.redis[0]?.configGet('maxmemory')).toBe('1073741824');
    await world.apply(generationService()); // what the message asks for: the older one gives it up
    await world.eventually(
      async () =>
        expectCondition(await world.service('younger'), 'RedisApplied', { status: 'True', reason: 'Applied' }),
      { withinMs: 60_000 },
    );
    expect(await world.redis[0]?.configGet('maxmemory')).toBe('33554432');
  });
});
