import { expect, test } from '@jest/globals';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, startWorld } from '../world/world.ts';

test('of two services for one target the older has it; when it goes, the younger takes over', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  await world.apply(generationService({}, { name: 'a-first' }));
  await world.eventually(async () => expectCondition(await world.service('a-first'), 'Ready', { status: 'True' }));
  await world.apply(generationService({}, { name: 'b-second' }));
  const { message } = await world.eventually(async () =>
    expectCondition(await world.service('b-second'), 'TargetFound', { status: 'False', reason: 'Conflict' }),
  );
  expect(message).toContain(`${world.namespace}/a-first`);
  await world.delete(generationServices, 'a-first');
  await world.eventually(async () => expectCondition(await world.service('b-second'), 'Ready', { status: 'True' }), {
    withinMs: 60_000,
  });
});

test('a service that only reports claims no target, and takes it over once it is in earnest', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  await world.apply(generationService({ mode: 'DryRun' }, { name: 'a-look' }));
  await world.eventually(async () =>
    expectCondition(await world.service('a-look'), 'Ready', { status: 'True', reason: 'DryRun' }),
  );
  await world.apply(generationService({}, { name: 'b-real' }));
  await world.eventually(async () =>
    expectCondition(await world.service('b-real'), 'Ready', { status: 'True', reason: 'Reconciled' }),
  );

  await world.apply(generationService({}, { name: 'a-look' })); // it is the older, and now it is in earnest
  await world.eventually(
    async () => expectCondition(await world.service('a-look'), 'Ready', { status: 'True', reason: 'Reconciled' }),
    { withinMs: 60_000 },
  );
  expectCondition(await world.service('b-real'), 'TargetFound', { status: 'False', reason: 'Conflict' });
  expect(await world.get(horizontalPodAutoscalers, 'b-real-workflow-hpa')).toBeUndefined();
});
