import { expect, test } from '@jest/globals';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { deployment, generationService } from '../world/builders.ts';
import { readyPod } from '../world/ready-pod.ts';
import { expectCondition, startWorld } from '../world/world.ts';

test('a target that the limits of the Pods never let them come to is said with the greatest that works, and the HPA stays as declared', async () => {
  await using world = await startWorld();
  const half = { cpu: '500m', memory: '64Mi' };
  const { spec, ...rest } = deployment('workflow-execution', { replicas: 0 });
  await world.apply({ ...rest, spec: { ...spec, paused: true } });
  await readyPod(world, 9, 'workflow-0', 'workflow-execution', { requests: half, limits: half });
  const declare = (averageUtilization: number) =>
    world.apply(
      generationService({
        overrides: {
          horizontal: {
            metrics: [
              { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } },
            ],
          },
        },
      }),
    );
  const target = async () => (await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec.metrics;

  await declare(95);
  await world.eventually(async () => {
    const { message } = expectCondition(await world.service(), 'HorizontalApplied', {
      status: 'False',
      reason: 'TargetUnreachable',
    });
    expect(message).toContain('saw a target of 95 % for cpu, of which limits let Pods use 100 %; wanted at most 90 %');
    expectCondition(await world.service(), 'Ready', { status: 'False', reason: 'TargetUnreachable' });
    expect(await target()).toMatchObject([{ resource: { target: { averageUtilization: 95 } } }]);
  });

  await declare(90);
  await world.eventually(async () => {
    expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Applied' });
    expect(await target()).toMatchObject([{ resource: { target: { averageUtilization: 90 } } }]);
  });
});
