import { expect, test } from '@jest/globals';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, hpa } from '../world/builders.ts';
import { startOperator } from '../world/operator-process.ts';
import { expectCondition, startWorld } from '../world/world.ts';
import {
  autoscalers,
  declare,
  flags,
  found,
  maxmemory,
  openProxies,
  patient,
  tuned,
  words,
  writesTo,
  type At,
  type Found,
} from './killed-service.ts';

interface Moment {
  readonly name: string;
  readonly at: At;
  /** What the killed operator has left: that it was this moment and no other. */
  readonly left: Found;
  /** Made by us unless another is given. */
  readonly autoscaler?: keyof typeof autoscalers;
}

const untouched = { maxmemory, replicas: undefined };
const done = { maxmemory: tuned, replicas: autoscalers.Made.after };
const intended = { 'redis/cache': 'intended' } as const;
const confirmed = { 'redis/cache': 'confirmed' } as const;

test.each<Moment>([
  {
    name: 'the finalizer stands, and nobody has said so',
    at: ['apiServer', words.finalizer, 'Answer'],
    left: { ...untouched, remembered: {} },
  },
  {
    name: 'what is about to be done is on its way to be written down',
    at: ['apiServer', words.firstState, 'Request'],
    left: { ...untouched, remembered: {} },
  },
  {
    name: 'what is about to be done is written down, and nobody has said so',
    at: ['apiServer', words.firstState, 'Answer'],
    left: { ...untouched, remembered: intended },
  },
  {
    name: 'the CONFIG SET is on its way',
    at: ['redis', 'allkeys-lru', 'Request'],
    left: { maxmemory, remembered: intended },
  },
  {
    name: 'Redis has its new settings, and has not said so',
    at: ['redis', 'allkeys-lru', 'Answer'],
    left: { maxmemory: tuned, remembered: intended },
  },
  {
    name: 'the first apply of the HPA is on its way',
    at: ['apiServer', words.made, 'Request'],
    left: { replicas: undefined, remembered: intended },
  },
  {
    name: 'the HPA is made, and nobody has said so',
    at: ['apiServer', words.made, 'Answer'],
    left: { replicas: autoscalers.Made.after, remembered: intended },
  },
  {
    name: 'all is done, and that it is in force is on its way to be written down',
    at: ['apiServer', words.nextState, 'Request'],
    left: { ...done, remembered: intended },
  },
  {
    name: 'that it is in force is written down, and nobody has said so',
    at: ['apiServer', words.nextState, 'Answer'],
    left: { ...done, remembered: confirmed },
  },
  {
    name: 'taking over an HPA of somebody else is on its way',
    at: ['apiServer', words.adopted, 'Request'],
    autoscaler: 'Adopted',
    left: { replicas: autoscalers.Adopted.before },
  },
  {
    name: 'an HPA of somebody else is taken over, and nobody has said so',
    at: ['apiServer', words.adopted, 'Answer'],
    autoscaler: 'Adopted',
    left: { replicas: autoscalers.Adopted.after },
  },
  {
    name: 'the apply of a lent floor is on its way',
    at: ['apiServer', words.lent, 'Request'],
    autoscaler: 'Lent',
    left: { replicas: autoscalers.Lent.before },
  },
  {
    name: 'a lent floor is moved, and nobody has said so',
    at: ['apiServer', words.lent, 'Answer'],
    autoscaler: 'Lent',
    left: { replicas: autoscalers.Lent.after },
  },
])(
  'kill -9 while $name: no original setting is lost, no write repeated, nothing taken for drift',
  async ({ at: [server, word, loss], left, autoscaler = 'Made' }) => {
    const { name, before, after, generation } = autoscalers[autoscaler];
    await using world = await startWorld({ redis: [{ config: { maxmemory } }], operator: false });
    await using proxies = await openProxies(world);
    await world.apply(deployment());
    if (before !== undefined) await world.apply(hpa(name, { minReplicas: before[0], maxReplicas: before[1] }));
    await using operator = await startOperator({ kubeconfig: proxies.kubeconfig, namespace: world.namespace, flags });
    proxies[server].arm(word, loss);
    await declare(world, autoscaler);
    await proxies[server].lost;
    await operator.kill();
    expect(await found(world, name)).toMatchObject(left);

    await world.restartOperator(flags);
    await world.eventually(async () => {
      const { remembered, ...rest } = await found(world, name);
      expect(rest).toEqual({ maxmemory: tuned, replicas: after });
      expect(new Set(Object.values(remembered ?? {}))).toEqual(new Set(['confirmed']));
    }, patient);
    for (const type of ['RedisApplied', 'HorizontalApplied'])
      await world.eventually(async () => expectCondition(await world.service(), type, { status: 'True' }), patient);
    expect((await world.get(horizontalPodAutoscalers, name))?.metadata.generation).toBe(generation);
    expect(await writesTo(world.redis[0])).toBe(1);
    expect(await world.operator.counter('genops_drift_total', { lever: 'redis' })).toBe(0);

    await world.delete(generationServices, 'generation');
    await world.eventually(
      async () => expect(await found(world, name)).toEqual({ maxmemory, replicas: before, remembered: {} }),
      patient,
    );
    expect(await world.get(generationServices, 'generation')).toBeUndefined();
  },
);
