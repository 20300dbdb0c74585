import { expect, test } from '@jest/globals';
import { plan } from '../../../../operator/levers/redis/plan.ts';
import { e1, seen, unitWith, type Seen } from './observations.ts';

const gib = 2 ** 30;
/** With `e1`, a limit of 1 GiB. */
const using = (times: number, aboveLimitMs: number | undefined): Seen => ({
  config: e1,
  usedMemoryBytes: gib * times,
  aboveLimitMs,
});

test.each<{ name: string; server: Seen; role?: 'Primary' | 'Replica'; reason: string }>([
  { name: 'five seconds above its limit', server: using(1.02, 5_000), reason: 'EvictionBehind' },
  { name: 'for a moment', server: using(1.02, 4_999), reason: 'Applied' },
  { name: 'at its limit, where writes keep it', server: using(1.01, 60_000), reason: 'Applied' },
  { name: '5 % above, of which nobody tells how long (6.2)', server: using(1.06, undefined), reason: 'EvictionBehind' },
  { name: 'a little above, of which nobody tells how long', server: using(1.05, undefined), reason: 'Applied' },
  {
    name: 'a replica, which throws out what its primary does',
    server: using(2, 60_000),
    role: 'Replica',
    reason: 'Applied',
  },
])('evictions that fall behind: $name is $reason', ({ server, role = 'Primary', reason }) => {
  const { condition } = plan({ unit: unitWith(), observed: { ...seen(server), role }, memory: undefined, now: 0 });
  expect(condition).toMatchObject({ status: 'True', reason });
});

test('a server without a limit is above none', () => {
  const server: Seen = { config: { ...e1, maxmemory: '0' }, usedMemoryBytes: gib, aboveLimitMs: 60_000 };
  const unit = unitWith({ maxMemory: '0' });
  expect(plan({ unit, observed: seen(server), memory: undefined, now: 0 }).condition.reason).toBe('Applied');
});
