import { expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { startClockedReconcilers } from '../world/clocked-reconcilers.ts';
import { eventually } from '../world/eventually.ts';
import { eventNotes, startWorld, type World } from '../world/world.ts';
import { session, snapshot, waiting } from './index-sessions.ts';
import { indexesOf, makeTables } from './index-tuner.ts';
import { secretOf, startTuned } from './postgres-tuner.ts';

const reading = [...snapshot, 'SELECT FROM workflows LIMIT 1'] as const;

async function declare(
  world: World,
  server: Awaited<ReturnType<typeof startTuned>>,
  spec: Partial<GenerationServiceSpec> = {},
): Promise<void> {
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres' }, stringData: secretOf(server) });
  await world.apply(deployment());
  await world.apply(generationService({ postgres: [{ name: 'main', secretRef: { name: 'postgres' } }], ...spec }));
}

const gone = (world: World) =>
  world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());

test('a service that is deleted with Retain while an old transaction holds its build leaves no index for good', async () => {
  await using server = await startTuned({ version: '15' });
  await makeTables(server, 100);
  await using world = await startWorld({ secrets: ['postgres'] });
  {
    await using _ = await session(server, ...reading);
    await declare(world, server);
    await waiting(server);
    await world.delete(generationServices, 'generation');
    await gone(world);
    await eventually(async () => expect(await indexesOf(server)).toMatchObject([{ valid: false }]));
    await world.eventually(() => expect(world.operator.wholeLog()).toContain('left of a service that is gone'));
  }
  await eventually(async () => expect(await indexesOf(server)).toEqual([]), { withinMs: 60_000 });
});

test('a service that is deleted with Restore drops what nobody holds, and an Event names what stays and as it was', async () => {
  await using server = await startTuned({ version: '18' });
  await makeTables(server, 100);
  await server.query('CREATE TABLE others (size int)');
  await server.query('ALTER TABLE others OWNER TO app');
  await using world = await startWorld({ operator: false, secrets: ['postgres'] });
  await using operator = await startClockedReconcilers(world);
  const indexes = [
    { name: 'by_size', table: 'workflows', columns: [{ name: 'size' }] },
    { name: 'others_size', table: 'others', columns: [{ name: 'size' }] },
  ];
  await declare(world, server, { deletionPolicy: 'Restore', overrides: { postgres: { indexes } } });
  const valid = { name: 'by_size', valid: true };
  await world.eventually(async () => expect(await indexesOf(server)).toContainEqual(expect.objectContaining(valid)), {
    withinMs: 60_000,
  });
  await world.eventually(async () => expect(await indexesOf(server, 'others')).toHaveLength(1), { withinMs: 60_000 });
  await using holder = await session(server, ...reading);
  await world.delete(generationServices, 'generation');
  await eventually(async () => expect(await indexesOf(server, 'others')).toEqual([]));
  operator.putForward(120_000);
  await gone(world);
  expect(await indexesOf(server)).toContainEqual(expect.objectContaining(valid));
  const notes = () => eventNotes(world, 'RestoreGivenUp');
  await world.eventually(async () =>
    expect(await notes()).toEqual([
      expect.stringMatching(
        /^postgresql-indexes\/main: not put back: index .*by_size valid → dropped.*: saw the table of/,
      ),
    ]),
  );
  expect((await notes())[0]).toContain(`SELECT pg_terminate_backend(${holder.pid})`);
});
