import { expect, test } from '@jest/globals';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { deployment, generationService } from '../world/builders.ts';
import { settled } from '../world/eventually.ts';
import { startOperator } from '../world/operator-process.ts';
import { expectCondition, kubeconfigPath, startWorld } from '../world/world.ts';

const patient = { withinMs: 60_000 };

test('a restarted operator writes nothing when nothing has changed', async () => {
  await using world = await startWorld({ redis: [{}], operator: ['--no-leader-elect'] });
  await world.apply(deployment());
  await world.apply(generationService({ redis: [{ name: 'cache', secretRef: { name: 'redis' } }] }));
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  const versions = async () => [
    (await world.service()).metadata.resourceVersion,
    (await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.metadata.generation,
    (await world.get(configMaps, 'generation-genops-state'))?.metadata.resourceVersion,
  ];
  const before = await settled(versions);
  await world.restartOperator(['--no-leader-elect']);
  await world.eventually(async () =>
    expect(
      await world.operator.counter('genops_reconcile_total', { controller: 'generation-service', result: 'success' }),
    ).toBeGreaterThan(0),
  );
  await world.consistently(async () => expect(await versions()).toEqual(before), 5_000);
});

test('of two managers the second takes over when the leader is killed', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  await world.apply(generationService());
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  await using second = await startOperator({ kubeconfig: kubeconfigPath(), namespace: world.namespace });
  expect(await second.counter('genops_leader')).toBe(0);

  await world.operator.kill();
  await world.apply(generationService({ overrides: { horizontal: { maxReplicas: 7 } } }));

  await world.eventually(
    async () =>
      expect(await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa')).toMatchObject({
        spec: { maxReplicas: 7 },
      }),
    patient,
  );
  expect(await second.counter('genops_leader')).toBe(1);
});
