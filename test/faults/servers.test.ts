import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { startClockedReconcilers } from '../world/clocked-reconcilers.ts';
import { eventNotes, expectCondition, startWorld } from '../world/world.ts';

const spec = { redis: [{ name: 'cache', secretRef: { name: 'redis' } }] };
const patient = { withinMs: 60_000 };

test.each([
  { fault: 'down', strike: 'kill', heal: 'restart' },
  { fault: 'hanging', strike: 'freeze', heal: 'thaw' },
] as const)(
  'a Redis that is $fault is said to be Unreachable, holds up nothing, and is tuned again when it is back',
  async ({ strike, heal }) => {
    await using world = await startWorld({ redis: [{}] });
    const [redis] = world.redis;
    await redis?.[strike]();
    await world.apply(deployment());
    await world.apply(generationService(spec));
    await world.eventually(async () =>
      expectCondition(await world.service(), 'RedisApplied', { status: 'False', reason: 'Unreachable' }),
    );
    await world.eventually(async () =>
      expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Applied' }),
    );
    await redis?.[heal]();
    await world.eventually(
      async () => expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
      patient,
    );
    expect(await redis?.configGet('maxmemory')).toBe('1073741824');
  },
);

const places = 16; // of the loop of services

/** Accepts connections and never answers, however many come at once. */
async function hangingServer() {
  const open = new Set<Socket>();
  const full = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    open.add(socket);
    if (open.size === places) full.resolve();
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    socket.resume(); // else nobody sees its end
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    port: address.port,
    /** Resolves when every place of the loop waits for it at once. */
    full: full.promise,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('twenty services whose Redis hangs take every place of the loop, and one that comes then is Ready as soon as it has had its turns', async () => {
  await using hanging = await hangingServer();
  await using world = await startWorld({ redis: [{}], secrets: ['hanging'], operator: false });
  const stringData = { host: '127.0.0.1', port: String(hanging.port) };
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hanging' }, stringData });
  const names = Array.from({ length: 20 }, (_, index) => `hanging-${index + 1}`);
  for (const name of names) {
    const components = [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } }];
    await world.apply(deployment(name));
    await world.apply(
      generationService({ components, redis: [{ name: 'cache', secretRef: { name: 'hanging' } }] }, { name }),
    );
  }
  await world.apply(deployment());
  const comesThen = async () => {
    await hanging.full;
    await world.apply(generationService(spec));
  };
  await Promise.all([comesThen(), world.restartOperator()]);
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }), {
    // A look at what hangs ends after 2 s, and 21 services have 16 places: 4 s for a turn, two of them are enough, and the machine may be busy.
    withinMs: 20_000,
  });
  for (const name of names) {
    await world.eventually(async () => {
      expectCondition(await world.service(name), 'RedisApplied', { status: 'False', reason: 'Unreachable' });
      expectCondition(await world.service(name), 'HorizontalApplied', { status: 'True', reason: 'Applied' });
    });
  }
});

test('a Redis that restarts forgets its settings: they are put back as a restart, not as somebody’s drift', async () => {
  await using world = await startWorld({ redis: [{}] });
  const [redis] = world.redis;
  await world.apply(deployment());
  await world.apply(generationService(spec));
  await world.eventually(async () =>
    expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
  );
  await redis?.restart();
  expect(await redis?.configGet('maxmemory')).toBe('0');
  await world.eventually(async () => expect(await redis?.configGet('maxmemory')).toBe('1073741824'), patient);
  expect(await world.operator.counter('genops_drift_total', { lever: 'redis' })).toBe(0);
});

test('a service with Restore waits two minutes for a Redis that stays down, then it goes and an Event says what was not put back', async () => {
  await using world = await startWorld({ redis: [{}], operator: false });
  await using operator = await startClockedReconcilers(world);
  await world.apply(deployment());
  await world.apply(generationService({ ...spec, deletionPolicy: 'Restore' }));
  await world.eventually(async () =>
    expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
  );
  const first = expect.stringMatching(/^redis cache: \d+ set as the policy declares: .*maxmemory 0 → 1073741824/);
  await world.eventually(async () => expect(await eventNotes(world, 'SettingsChanged')).toEqual([first]));
  await world.redis[0]?.kill();
  await world.delete(generationServices, 'generation');
  const waiting = expect.stringMatching(/^redis\/cache: .*127\.0\.0\.1/);
  await world.eventually(async () => expect(await eventNotes(world, 'RestoreWaiting')).toEqual([waiting]));
  await world.eventually(async () =>
    expectCondition(await world.service(), 'Ready', { status: 'False', reason: 'RestoreWaiting' }),
  );
  const told = await world.service();
  expect(told.status).toMatchObject({ observedGeneration: told.metadata.generation, redis: [{ name: 'cache' }] });

  const { deletionTimestamp = '' } = told.metadata;
  operator.putForward(110_000 - (Date.now() - Date.parse(deletionTimestamp))); // whatever the test itself has taken: not yet two minutes
  await world.consistently(
    async () => {
      expect((await world.service()).status).toEqual(told.status); // said once, not at each look
      expect(await eventNotes(world, 'RestoreWaiting')).toEqual([waiting]);
    },
    6_000, // longer than between two looks
  );

  operator.putForward(10_000);
  await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
  const left = expect.stringMatching(/^redis\/cache: not put back: .*maxmemory 1073741824 → 0.*127\.0\.0\.1/);
  await world.eventually(async () => expect(await eventNotes(world, 'RestoreGivenUp')).toEqual([left]));
});
