import { describe, expect, test } from '@jest/globals';
import { memoryOf, persistsThen } from '../../../../operator/levers/redis/container.ts';
import { alone, e1, planned, seen, unitWith, type Seen } from './observations.ts';

const gib = 2 ** 30;
const mib = 2 ** 20;
const workloadRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'redis' };
const clamped = (server: Seen, redis = {}) => planned(server, redis, { isClamped: true, workloadRef });
const sent = ({ changes }: ReturnType<typeof planned>): string | undefined =>
  changes.flatMap(({ differences }) => differences).find(({ field }) => field === 'maxmemory')?.to;

describe('a maxmemory for which the container has no room, where it may be lowered', () => {
  test.each<{ name: string; server: Seen; redis?: object; to: string | undefined; reason?: string }>([
    { name: 'is 75 % of it with saving', server: { memoryLimitBytes: gib }, to: String(0.75 * gib) },
    {
      name: 'and 85 % without',
      server: { memoryLimitBytes: gib },
      redis: { parameters: { save: '' } },
      to: String(Math.floor(0.85 * gib)),
    },
    { name: 'is as declared where there is room', server: { memoryLimitBytes: 2 * gib }, to: String(gib) },
    {
      name: 'stays as it is where a key would have to go for it',
      server: { memoryLimitBytes: gib, usedMemoryBytes: 0.75 * gib + 1 },
      to: undefined,
      reason: 'OutOfBounds',
    },
    {
      name: 'and where no limit at all is declared',
      server: { memoryLimitBytes: gib },
      redis: { maxMemory: '0' },
      to: undefined,
      reason: 'OutOfBounds',
    },
    {
      name: 'is in force, though the server hovers above it',
      server: {
        memoryLimitBytes: gib,
        config: { ...e1, maxmemory: String(0.75 * gib) },
        usedMemoryBytes: 0.751 * gib,
      },
      to: undefined,
    },
  ])('$name', ({ server, redis, to, reason = 'Applied' }) => {
    const plan = clamped(server, redis);
    expect(sent(plan)).toBe(to);
    expect(plan.condition.reason).toBe(reason);
  });

  test('is named in status, and is not without that', () => {
    const { status } = clamped({ memoryLimitBytes: gib });
    expect(status).toMatchObject({ boundBy: 'StatefulSet/redis memory limit' });
    expect(clamped({ memoryLimitBytes: 2 * gib }).status).not.toHaveProperty('boundBy');
    expect(sent(planned({ memoryLimitBytes: gib }))).toBeUndefined();
    expect(planned({ memoryLimitBytes: gib }).condition.reason).toBe('OutOfBounds');
  });
});

test('memoryOf(): of the node with least room; lowered only where it is really set', () => {
  const unit = unitWith({}, { isClamped: true, workloadRef });
  const nodes = [
    seen({ memoryLimitBytes: gib, config: { save: '' } }),
    seen({ memoryLimitBytes: gib, appendOnly: true }),
  ];
  const observed = { ...alone(seen()), nodes };
  const unsaved = { ...unit, policy: { ...unit.policy, parameters: {} } };
  expect(memoryOf(unsaved, observed)).toEqual({
    declaredBytes: gib,
    limitBytes: gib,
    persists: true,
    loweredTo: 768 * mib,
  });
  expect(memoryOf({ ...unit, mode: 'DryRun' }, observed)).toMatchObject({ loweredTo: undefined });
  expect(memoryOf(unit, alone(seen({ memoryLimitBytes: gib, access: 'Read' })))).toMatchObject({
    loweredTo: undefined,
  });
  expect(memoryOf(unit, alone(seen()))).toBeUndefined();
});

test('persistsThen(): by what will be in force', () => {
  const saves = (wanted: Readonly<Record<string, string>>, server: Seen = {}) =>
    persistsThen(new Map(Object.entries(wanted)), seen(server).server);
  expect(saves({})).toBe(true);
  expect(saves({ save: '' })).toBe(false);
  expect(saves({ save: '' }, { appendOnly: true })).toBe(true);
  expect(saves({ save: '900 1' }, { config: { save: '' } })).toBe(true);
  expect(saves({}, { config: { save: '' } })).toBe(false);
});
