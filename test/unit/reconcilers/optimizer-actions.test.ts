import { describe, expect, test } from '@jest/globals';
import type { AdminAction } from '../../../operator/api/admin-actions.ts';
import type { OptimizerAction } from '../../../operator/api/optimizer.ts';
import type { AdminAsk, AdminReply } from '../../../operator/levers/runtime/admin.ts';
import type { RedisUnit } from '../../../operator/levers/redis/unit.ts';
import type { PodView } from '../../../operator/metrics/pod-view.ts';
import { makeAction } from '../../../operator/reconcilers/optimizer-actions.ts';
import { sweepAll } from '../../../operator/reconcilers/optimizer-sweep.ts';
import { podView } from '../../world/pod-view.ts';

const admin = { port: 'admin', scheme: 'HTTP', secretRef: { name: 'generation-admin', key: 'key' } } as const;
const figures = { beforeBytes: 2 ** 30, afterBytes: 2 ** 29, freedBytes: 2 ** 29, heapFreedBytes: 0, entries: 1 };

/** An action on so many Ready Pods, of which the first `done` take it and nobody else is asked. */
async function made(action: OptimizerAction, ready: number, done = ready, above: readonly string[] = []) {
  let pace: AdminAsk<AdminAction>['pace'];
  const ask = (asked: AdminAsk<AdminAction>): Promise<readonly AdminReply<AdminAction>[]> => {
    ({ pace } = asked);
    return Promise.resolve(
      asked.pods.map((pod, n) =>
        n < done ? { pod, kind: 'done', result: figures as never } : { pod, kind: 'notAsked' },
      ),
    );
  };
  const pods: readonly PodView[] = Array.from({ length: ready }, (_, n) => podView(`workflow-${n}`));
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' } as const;
  const selector = [{ key: 'other', operator: 'DoesNotExist', values: [] }] as const;
  const { kind, message } = await makeAction(
    { ...about, action },
    {
      key: 'ai/generation',
      namespace: 'ai',
      component: {
        spec: { name: 'workflow', targetRef, admin },
        target: { kind: 'found', replicas: ready, selector },
      },
      threshold: 1,
      redis: [],
    },
    {
      admin: { ask },
      sweep: () => Promise.resolve([]),
      caches: { pods: { list: () => pods.values(), by: () => [] } },
      collector: { podFigures: () => above.map((name) => ({ name, state: 'Ready', memoryBytes: 2 })) },
    },
    new AbortController().signal,
  );
  return { kind, message, pace };
}
const about = {
  component: 'workflow',
  rule: 'gc',
  metric: 'memory',
  operator: 'GreaterThan',
  begunAt: 0,
  settleMs: 0,
  windowMs: 0,
} as const;

describe('makeAction()', () => {
  test.each([
    { ready: 1, atOnce: 1 },
    { ready: 7, atOnce: 1 },
    { ready: 8, atOnce: 2 },
    { ready: 100, atOnce: 25 },
  ])('of $ready Ready Pods $atOnce collect garbage at once', async ({ ready, atOnce }) => {
    expect((await made('CollectGarbage', ready)).pace).toEqual({ atOnce, withinMs: 15_000 });
  });

  test('what stops nobody is asked of all at once', async () => {
    expect((await made('ClearExpiredCache', 8)).pace).toBeUndefined();
  });

  test('says how many were not asked in time', async () => {
    expect(await made('CollectGarbage', 4, 3)).toMatchObject({
      kind: 'done',
      message: '1536Mi freed in 3 of 4 Pods; 1 not asked, since the others took 15 s',
    });
  });
});

test('a collection in a part of the Pods says that these were the ones above the value', async () => {
  expect(await made('CollectGarbage', 6, 2, ['workflow-0', 'workflow-1'])).toMatchObject({
    message: '1024Mi freed in 2 of 2 Pods above the value',
  });
});

test('sweepAll() says that it saw no primary, as in a fail-over', async () => {
  const [servers, { signal }] = [[{ name: 'cache' } as RedisUnit], new AbortController()];
  expect(await sweepAll(servers, () => Promise.resolve([]), signal)).toEqual({
    kind: 'failed',
    message: 'saw no primary that could be asked (a fail-over?)',
  });
});
