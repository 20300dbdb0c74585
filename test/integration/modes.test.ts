import { describe, expect, test } from '@jest/globals';
import { ownerReference } from '../../operator/kube/object.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService, hpa } from '../world/builders.ts';
import { installScaledObjects, scaledObject, scaledObjects } from '../world/scaled-object.ts';
import { eventNotes, expectCondition, startWorld, type World } from '../world/world.ts';

const ownHpa = 'generation-workflow-hpa';
const specOf = async (world: World, name: string) => (await world.get(horizontalPodAutoscalers, name))?.spec;

describe('modes', () => {
  test('DryRun says what it would change and changes nothing', async () => {
    await using world = await startWorld({ redis: [{}] });
    await world.apply(deployment());
    await world.apply(generationService({ mode: 'DryRun', redis: [{ name: 'cache', secretRef: { name: 'redis' } }] }));
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'DryRun' }),
    );
    expect(message).toContain('maxmemory 0 → 1073741824');
    await world.eventually(async () =>
      expectCondition(await world.service(), 'Ready', { status: 'True', reason: 'DryRun' }),
    );
    expect(await world.redis[0]?.configGet('maxmemory')).toBe('0');
    expect(await specOf(world, ownHpa)).toBeUndefined();
  });

  test('Paused, also by annotation, leaves everything as it is: nothing is changed or reverted', async () => {
    await using world = await startWorld();
    await world.apply(deployment());
    await world.apply(generationService());
    await world.eventually(async () => expect(await specOf(world, ownHpa)).toMatchObject({ maxReplicas: 20 }));
    await world.apply(
      generationService(
        { overrides: { horizontal: { maxReplicas: 7 } } },
        { annotations: { 'genops.dev/paused': 'true' } },
      ),
    );
    await world.eventually(async () =>
      expectCondition(await world.service(), 'Ready', { status: 'True', reason: 'Paused' }),
    );
    expect((await world.service()).status?.mode).toBe('Paused'); // what kubectl get shows
    await world.eventually(async () =>
      expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Paused' }),
    );
    expect(await specOf(world, ownHpa)).toMatchObject({ maxReplicas: 20 });
    await world.apply(generationService({ overrides: { horizontal: { maxReplicas: 7 } } }));
    await world.eventually(async () => expect(await specOf(world, ownHpa)).toMatchObject({ maxReplicas: 7 }));
  });

  test('a lever that is Off is left alone while the others work', async () => {
    await using world = await startWorld({ redis: [{}] });
    await world.apply(deployment());
    await world.apply(
      generationService({
        overrides: { horizontal: { mode: 'Off' } },
        redis: [{ name: 'cache', secretRef: { name: 'redis' } }],
      }),
    );
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
    );
    await world.eventually(async () =>
      expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Off' }),
    );
    expect(await specOf(world, ownHpa)).toBeUndefined();
  });
});

test('an HPA of ours that horizontal.mode Off leaves is no Conflict: each condition says that it stays, and how to be rid of it', async () => {
  await using world = await startWorld();
  await world.apply(deployment('workflow-execution', { replicas: 2 }));
  const declare = (mode: 'Enforce' | 'Off') =>
    world.apply(
      generationService({ overrides: { horizontal: { mode }, scaler: { algorithm: 'Score', interval: '5s' } } }),
    );
  await declare('Enforce');
  await world.eventually(async () => expect(await specOf(world, ownHpa)).toMatchObject({ maxReplicas: 20 }));
  await declare('Off');
  const ridOf = expect.stringContaining(`kubectl delete hpa -n ${world.namespace} ${ownHpa}`);
  const short =
    'Everything that is declared is in force but for HorizontalApplied (Off), ScalerActive (Off): see there.';
  await world.eventually(async () => {
    const service = await world.service();
    const saysOf = (type: string) => service.status?.conditions?.find((one) => one.type === type)?.message;
    expectCondition(service, 'ScalerActive', { status: 'False', reason: 'Off' });
    expectCondition(service, 'HorizontalApplied', { status: 'True', reason: 'Off' });
    expect([saysOf('ScalerActive'), saysOf('HorizontalApplied'), saysOf('Ready')]).toEqual([ridOf, ridOf, short]);
  });
  expect(await specOf(world, ownHpa)).toMatchObject({ minReplicas: 2, maxReplicas: 20 });

  await world.delete(horizontalPodAutoscalers, ownHpa);
  await world.eventually(async () => {
    const { status } = await world.service();
    expect(status?.conditions).not.toContainEqual(expect.objectContaining({ message: ridOf }));
  });
  expect(await specOf(world, ownHpa)).toBeUndefined();
});

test.each(['DryRun', 'Paused'] as const)(
  '%s says of a change that it would be refused, by whom and what to do, and no longer once the field is free',
  async (mode) => {
    await using world = await startWorld();
    await world.apply(deployment());
    await world.apply(generationService());
    await world.eventually(async () => expect(await specOf(world, ownHpa)).toMatchObject({ maxReplicas: 20 }));
    await world.apply(generationService({ mode }));
    await world.eventually(async () =>
      expectCondition(await world.service(), 'Ready', { status: 'True', reason: mode }),
    );
    const byHand = (manager: string, value: number): Promise<unknown> =>
      world.kube.patch(
        horizontalPodAutoscalers,
        `${world.namespace}/${ownHpa}`,
        [{ op: 'replace', path: '/spec/maxReplicas', value }],
        { manager },
        world.signal,
      );
    await byHand('kubectl-edit', 9);
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service(), 'HorizontalApplied', { status: 'False', reason: 'Conflict' }),
    );
    expect(message).toMatch(
      /^Would change spec\.maxReplicas 9 → 20, and be refused: saw other .*\.spec\.maxReplicas \(kubectl-edit\); wanted .*; next: hand them over/,
    );
    expectCondition(await world.service(), 'Ready', { status: 'False', reason: 'Conflict' });
    expect(await specOf(world, ownHpa)).toMatchObject({ maxReplicas: 9 });

    await byHand('genops', 20);
    await world.eventually(async () =>
      expectCondition(await world.service(), 'Ready', { status: 'True', reason: mode }),
    );
  },
);

describe('an HPA of somebody else', () => {
  test('is a Conflict that names it; with the annotation it is taken over, and with Restore given back as it was', async () => {
    await using world = await startWorld({ operator: false });
    await world.apply(deployment());
    await world.apply(hpa('by-hand', { minReplicas: 1, maxReplicas: 3 }));
    await world.apply(generationService({ deletionPolicy: 'Restore' }));
    await world.restartOperator(); // which has the HPA in view before it makes one
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service(), 'HorizontalApplied', { status: 'False', reason: 'Conflict' }),
    );
    expect(message).toContain(`${world.namespace}/by-hand`);
    await world.consistently(
      async () => expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas: 1, maxReplicas: 3 }),
      2_000,
    );
    await world.eventually(async () =>
      expectCondition(await world.service(), 'Stalled', { status: 'True', reason: 'Conflict' }),
    );

    await world.apply(generationService({ deletionPolicy: 'Restore' }, { annotations: { 'genops.dev/adopt': 'hpa' } }));
    await world.eventually(async () =>
      expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas: 2, maxReplicas: 20 }),
    );
    expect(await specOf(world, ownHpa)).toBeUndefined();

    await world.delete(generationServices, 'generation');
    await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
    expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas: 1, maxReplicas: 3 });
    expect((await world.get(horizontalPodAutoscalers, 'by-hand'))?.metadata.labels).toBeUndefined();
    await world.eventually(async () =>
      expect(await eventNotes(world, 'SettingsRestored')).toEqual([
        expect.stringMatching(/^horizontal workflow: .*spec\.maxReplicas 20 → 3/),
      ]),
    );
  });

  test('that is deleted, as the Conflict asks, leaves its place to ours', async () => {
    await using world = await startWorld({ operator: false });
    await world.apply(deployment());
    await world.apply(hpa('by-hand', { minReplicas: 1, maxReplicas: 3 }));
    await world.apply(generationService());
    await world.restartOperator();
    const { message } = await world.eventually(async () =>
      expectCondition(await world.service(), 'Stalled', { status: 'True', reason: 'Conflict' }),
    );
    expect(message).toMatch(/by-hand.*; next: .*, or delete it$/);
    await world.delete(horizontalPodAutoscalers, 'by-hand');
    await world.eventually(async () => {
      const service = await world.service();
      expectCondition(service, 'HorizontalApplied', { status: 'True', reason: 'Applied' });
      expectCondition(service, 'Ready', { status: 'True' });
      expect(service.status?.conditions?.map(({ type }) => type)).not.toContain('Stalled');
    });
    expect(await specOf(world, ownHpa)).toMatchObject({ minReplicas: 2, maxReplicas: 20 });
  });

  test('keeps everything but its floor with FloorOnly, and with Restore gets its own floor back', async () => {
    await using world = await startWorld();
    await world.apply(deployment());
    await world.apply(hpa('by-hand', { minReplicas: 1, maxReplicas: 30 }));
    const overrides = { horizontal: { mode: 'FloorOnly', minReplicas: 3 } } as const;
    await world.apply(generationService({ deletionPolicy: 'Restore', overrides }));
    await world.eventually(async () =>
      expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas: 3, maxReplicas: 30 }),
    );
    await world.delete(generationServices, 'generation');
    await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
    expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas: 1, maxReplicas: 30 });
  });
});

test('a floor lent by FloorOnly goes back when the mode is another, and is nobody’s business after', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  await world.apply(hpa('by-hand', { minReplicas: 1, maxReplicas: 30 }));
  const horizontal = (mode: 'FloorOnly' | 'Enforce' | 'DryRun' | 'Off') =>
    world.apply(generationService({ overrides: { horizontal: { mode, minReplicas: 3 } } }));
  const floorIs = (minReplicas: number) =>
    world.eventually(async () => expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas }));
  await horizontal('FloorOnly');
  await floorIs(3);

  await horizontal('DryRun'); // changes nothing, here neither
  const { message } = await world.eventually(async () =>
    expectCondition(await world.service(), 'HorizontalApplied', { status: 'False', reason: 'Conflict' }),
  );
  expect(message).toMatch(/^Would change spec\.minReplicas 3 → 1, but: saw HorizontalPodAutoscaler .*by-hand/);
  expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas: 3 });

  await horizontal('Enforce');
  await floorIs(1);
  await world.eventually(async () =>
    expectCondition(await world.service(), 'HorizontalApplied', { status: 'False', reason: 'Conflict' }),
  );

  await horizontal('FloorOnly');
  await floorIs(3);
  await horizontal('Off');
  await floorIs(1);
  await world.eventually(async () =>
    expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Off' }),
  );
  await world.apply(hpa('by-hand', { minReplicas: 2, maxReplicas: 30 }));
  await world.consistently(async () => expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas: 2 }), 2_000);
});

test('with Retain a floor that was moved stays when the service is deleted', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  await world.apply(hpa('by-hand', { minReplicas: 1, maxReplicas: 30 }));
  await world.apply(generationService({ overrides: { horizontal: { mode: 'FloorOnly', minReplicas: 3 } } }));
  const isRaised = async () => expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas: 3 });
  await world.eventually(isRaised);
  await world.delete(generationServices, 'generation');
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  await world.consistently(isRaised, 2_000);
});

test('FloorOnly only raises: a floor above the policy’s minimum stays as its owner wrote it', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  await world.apply(hpa('by-hand', { minReplicas: 10, maxReplicas: 30 }));
  const cpu = {
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
  } as const;
  await world.apply(
    generationService({ overrides: { horizontal: { mode: 'FloorOnly', minReplicas: 3, metrics: [cpu] } } }),
  );
  await world.eventually(async () => expectCondition(await world.service(), 'HorizontalApplied', { status: 'True' }));
  await world.consistently(
    async () => expect(await specOf(world, 'by-hand')).toMatchObject({ minReplicas: 10 }),
    2_000,
  );
});

test('an HPA of ours that somebody aims at another target is told of at once', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  await world.apply(generationService());
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  await world.kube.patch(
    horizontalPodAutoscalers,
    `${world.namespace}/${ownHpa}`,
    [{ op: 'replace', path: '/spec/scaleTargetRef/name', value: 'another' }],
    { manager: 'kubectl-edit' },
    world.signal,
  );
  const { message } = await world.eventually(async () =>
    expectCondition(await world.service(), 'HorizontalApplied', { status: 'False', reason: 'Conflict' }),
  );
  expect(message).toContain('.spec.scaleTargetRef.name (kubectl-edit)');
});

test('an HPA that somebody deletes comes back with the floor that was in force', async () => {
  await using world = await startWorld();
  const floorIs = (minReplicas: number) =>
    world.eventually(async () => {
      expect(await specOf(world, ownHpa)).toMatchObject({ minReplicas });
      expect((await world.service()).status?.components).toMatchObject([{ replicas: { floor: minReplicas } }]);
    });
  await world.apply(deployment('workflow-execution', { replicas: 8 }));
  await world.apply(generationService());
  await floorIs(2);
  await world.apply(generationService({ overrides: { horizontal: { minReplicas: 6 } } }));
  await floorIs(6);
  await world.apply(generationService()); // without figures of the Pods the floor stays: unknown is not low
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  const before = await world.get(horizontalPodAutoscalers, ownHpa);

  await world.delete(horizontalPodAutoscalers, ownHpa);

  await world.eventually(async () => {
    const after = await world.get(horizontalPodAutoscalers, ownHpa);
    expect(after?.spec).toMatchObject({ minReplicas: 6 });
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
  });
  await floorIs(6);
});

test('the HPA of a component that is gone goes too', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  await world.apply(deployment('other'));
  const other = { name: 'other', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } };
  await world.apply(generationService({ components: [...generationService().spec.components, other] }));
  await world.eventually(async () => expect(await specOf(world, 'generation-other-hpa')).toBeDefined());
  await world.apply(generationService());
  await world.eventually(async () => expect(await specOf(world, 'generation-other-hpa')).toBeUndefined());
  expect(await specOf(world, ownHpa)).toBeDefined();
});

test('with FloorOnly the floor of a ScaledObject is moved where KEDA keeps it, not in the HPA that KEDA writes over, and goes back there', async () => {
  await using world = await startWorld();
  await installScaledObjects(world);
  await world.apply(deployment());
  await world.kube.apply(scaledObjects, scaledObject(world.namespace), { manager: 'kubectl' }, world.signal);
  const owner = await world.get(scaledObjects, 'by-keda');
  if (owner === undefined) throw new Error('no ScaledObject');
  await world.apply({
    ...hpa('keda-hpa', { minReplicas: 1, maxReplicas: 9 }),
    metadata: { name: 'keda-hpa', ownerReferences: [ownerReference(owner, { controller: true })] },
  });
  await world.apply(generationService({ overrides: { horizontal: { mode: 'FloorOnly', minReplicas: 4 } } }));
  await world.eventually(async () =>
    expect(await world.get(scaledObjects, 'by-keda')).toMatchObject({
      spec: { minReplicaCount: 4, maxReplicaCount: 9 },
    }),
  );
  expect(await specOf(world, 'keda-hpa')).toMatchObject({ minReplicas: 1 });

  // KEDA has not brought it to the HPA yet.
  await world.apply(generationService({ overrides: { horizontal: { mode: 'Off' } } }));
  await world.eventually(async () =>
    expect(await world.get(scaledObjects, 'by-keda')).toMatchObject({ spec: { minReplicaCount: 1 } }),
  );
});

test('a service with the longest name that Kubernetes takes works too', async () => {
  await using world = await startWorld();
  const name = `long-${'x'.repeat(200)}`;
  await world.apply(deployment());
  await world.apply(generationService({}, { name }));
  await world.eventually(async () => expectCondition(await world.service(name), 'Ready', { status: 'True' }));
});

test('a floor that a person has set by hand is not taken by force: the condition names who has it', async () => {
  await using world = await startWorld();
  await world.apply(deployment());
  const cpu = {
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
  } as const;
  await world.apply(generationService({ overrides: { horizontal: { metrics: [cpu] } } })); // so that no metric holds the floor
  await world.eventually(async () => expect(await specOf(world, ownHpa)).toMatchObject({ minReplicas: 2 }));
  await world.kube.patch(
    horizontalPodAutoscalers,
    `${world.namespace}/${ownHpa}`,
    [{ op: 'replace', path: '/spec/minReplicas', value: 6 }],
    { manager: 'kubectl-edit' },
    world.signal,
  );
  const { message } = await world.eventually(async () =>
    expectCondition(await world.service(), 'ScalerActive', { status: 'False', reason: 'Conflict' }),
  );
  expect(message).toContain('kubectl-edit');
  expect(await specOf(world, ownHpa)).toMatchObject({ minReplicas: 6 });
  await world.kube.apply(
    horizontalPodAutoscalers,
    { metadata: { namespace: world.namespace, name: ownHpa }, spec: { minReplicas: 2 } },
    { manager: 'kubectl-edit', force: true },
    world.signal,
  );
  await world.eventually(async () => expectCondition(await world.service(), 'ScalerActive', { status: 'True' }), {
    withinMs: 60_000,
  });
});
