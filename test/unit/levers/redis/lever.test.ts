import { expect, test } from '@jest/globals';
import { redis } from '../../../../operator/levers/redis/lever.ts';
import { alone, e1, seen, unitWith } from './observations.ts';

const lever = redis({ readSecret: () => Promise.resolve(undefined), memoryLimit: () => Promise.resolve(undefined) });

test.each([
  ['that was just changed', seen()],
  ['that had it all already', seen({ config: e1 })],
])('a server %s is known again by its process and, after a restart, by its address', (_, node) => {
  const observed = alone(node);
  const { changes, remember } = lever.plan({ unit: unitWith(), observed, memory: undefined, now: 0 });
  const remembered = remember ?? changes.at(-1)?.remember;
  expect(remembered).toMatchObject({ serverRun: 'run-1', address: 'redis.ai.svc:6379' });
  expect(lever.serverOf?.(observed)).toEqual([remembered?.serverRun, remembered?.address]);
  const restarted = lever.serverOf?.(alone({ ...node, serverId: 'run-2' }));
  expect(restarted).toContain(remembered?.address);
});
