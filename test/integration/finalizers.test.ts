import { expect, test } from '@jest/globals';
import type { GenerationService } from '../../operator/api/generation-service.ts';
import { keyOf, type KubeObject } from '../../operator/kube/object.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { ensureFinalizer } from '../../operator/reconcilers/release.ts';
import { createStates, restoreFinalizer } from '../../operator/reconcilers/state.ts';
import { generationService } from '../world/builders.ts';
import { startWorld, type World } from '../world/world.ts';

type Service = GenerationService & KubeObject;

const read = async (world: World): Promise<Service> => {
  const service = await world.get(generationServices, 'generation');
  if (service === undefined) throw new Error('the service is gone');
  return service;
};
const ensure = ({ kube, signal }: World, service: Service, isHolding: boolean | undefined): Promise<Service> =>
  ensureFinalizer(
    service,
    isHolding,
    { kube, states: createStates(kube, { get: () => undefined, hasSeen: () => true }) },
    signal,
  );
const change = (world: World, service: Service, path: string, value: unknown): Promise<unknown> =>
  world.kube.patch(generationServices, keyOf(service), [{ op: 'add', path, value }], {}, world.signal);

test('our finalizer is set and taken away on a service that was read before the last write of its status', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(generationService({ deletionPolicy: 'Restore' }));
  const stale = await read(world);
  await change(world, stale, '/metadata/annotations', { example: 'a write of anything else' });

  await ensure(world, stale, false);

  const held = await read(world);
  expect(held.metadata.finalizers).toEqual([restoreFinalizer]);
  await change(world, held, '/metadata/annotations', { example: 'another one' });

  await ensure(world, { ...held, spec: { ...held.spec, deletionPolicy: 'Retain' } }, false);

  expect((await read(world)).metadata.finalizers).toBeUndefined();
});

test('a finalizer for what is held back stays while nobody can tell, and goes when nothing is', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(generationService({ deletionPolicy: 'Retain' }));
  const after = async (isHolding: boolean | undefined) => {
    await ensure(world, await read(world), isHolding);
    return (await read(world)).metadata.finalizers;
  };
  expect(await after(true)).toEqual([restoreFinalizer]);
  expect(await after(undefined)).toEqual([restoreFinalizer]);
  expect(await after(false)).toBeUndefined();
});

test("somebody else's finalizer that we have not seen yet is not lost", async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(generationService({ deletionPolicy: 'Restore' }));
  const stale = await read(world);
  await change(world, stale, '/metadata/finalizers', ['example.com/keep']);

  await expect(ensure(world, stale, false)).rejects.toMatchObject({ status: 422 });

  expect((await read(world)).metadata.finalizers).toEqual(['example.com/keep']);
  await change(world, stale, '/metadata/finalizers', []);
});

test('a service made again under the name is not the one that was read', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(generationService({ deletionPolicy: 'Restore' }));
  const gone = await read(world);
  await world.delete(generationServices, 'generation');
  await world.apply(generationService({ deletionPolicy: 'Retain' }));

  await expect(ensure(world, gone, false)).rejects.toMatchObject({ status: 422 });

  expect((await read(world)).metadata.finalizers).toBeUndefined();
});
