import { expect, test } from '@jest/globals';
import { deployment, generationService } from '../world/builders.ts';
import { expectCondition, startWorld } from '../world/world.ts';

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
    expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Applied' });
    await redis?.[heal]();
    await world.eventually(
      async () => expectCondition(await world.service(), 'RedisApplied', { status: 'True', reason: 'Applied' }),
      patient,
    );
    expect(await redis?.configGet('maxmemory')).toBe('1073741824');
  },
);

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
