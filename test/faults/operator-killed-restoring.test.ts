import { expect, test } from '@jest/globals';
import { watch } from '../../operator/kube/watch.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { configMaps, generationServices, type ConfigMap } from '../../operator/reconcilers/kinds.ts';
import { projectState, stateLabel } from '../../operator/reconcilers/state.ts';
import { deployment, hpa } from '../world/builders.ts';
import { startOperator } from '../world/operator-process.ts';
import { eventNotes, expectCondition, startWorld, type World } from '../world/world.ts';
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
  readonly left: Pick<Found, 'maxmemory' | 'replicas'> & Partial<Awaited<ReturnType<typeof held>>>;
  readonly autoscaler?: 'Adopted' | 'Lent';
  /** What somebody sets while there is no operator. */
  readonly theirs?: Pick<Found, 'maxmemory' | 'replicas'>;
  /** How often it is told that Redis has its settings back; absent: that depends on how far the Event had come. */
  readonly told?: 0 | 1;
}

const isWaiting = { service: true, state: true };
const isBack = { maxmemory, replicas: autoscalers.Adopted.before };
const theirLimit = '50331648';

/** Whether our finalizer keeps the service, and its state. */
async function held(world: World) {
  const service = await world.get(generationServices, 'generation');
  const state = await world.get(configMaps, 'generation-genops-state');
  return { service: (service?.metadata.finalizers ?? []).length > 0, state: state && projectState(state).isHeld };
}

/** All that the Redis is set to, and all that the HPA says. */
async function settings(world: World) {
  const [redis] = world.redis;
  const reply = (await redis?.command('CONFIG', 'GET', '*')) as readonly string[];
  const names = reply.filter((_, at) => at % 2 === 0);
  const autoscaler = await world.get(horizontalPodAutoscalers, 'by-hand');
  return {
    config: Object.fromEntries(names.map((name, at) => [name, reply[2 * at + 1]])),
    spec: autoscaler?.spec,
  };
}

/** What becomes of the state from now on: each version that there is of it, and its end. */
async function followState(world: World) {
  const read = await world.get(configMaps, 'generation-genops-state');
  if (read === undefined) throw new Error('there is no state');
  const seen: object[] = [];
  const opened = Promise.withResolvers<void>();
  const followed = {
    kube: world.kube,
    resource: configMaps,
    query: { namespace: world.namespace, labelSelector: stateLabel },
    resourceVersion: read.metadata.resourceVersion,
    timeoutSeconds: 300,
    silenceMs: 300_000,
    onOpen: opened.resolve,
    onEvent: ({ type, object }: { readonly type: string; readonly object: object }) => {
      if (type !== 'BOOKMARK') seen.push({ type, ...remembered(object as ConfigMap) });
    },
  };
  void watch(followed, world.signal);
  await opened.promise;
  return { ...remembered(read), seen };
}

function remembered(configMap: ConfigMap) {
  const { isHeld, state } = projectState(configMap);
  return { isHeld, levers: state.levers };
}

async function setBySomebody(world: World, { maxmemory: limit, replicas }: NonNullable<Moment['theirs']>) {
  if (limit !== undefined) await world.redis[0]?.configSet('maxmemory', limit);
  if (replicas !== undefined) await world.apply(hpa('by-hand', { minReplicas: replicas[0], maxReplicas: replicas[1] }));
}

const gone = (world: World) =>
  world.eventually(async () => {
    expect(await world.get(generationServices, 'generation')).toBeUndefined();
    expect(await world.get(configMaps, 'generation-genops-state')).toBeUndefined();
  }, patient);

const toldOfRedis = async (world: World) =>
  (await eventNotes(world, 'SettingsRestored')).filter((note) => note.startsWith('redis cache: '));

test.each<Moment>([
  {
    name: 'the CONFIG SET is on its way',
    at: ['redis', 'noeviction', 'Request'],
    left: { maxmemory: tuned, ...isWaiting },
    told: 1,
  },
  {
    name: 'the CONFIG SET is on its way, and somebody sets another limit',
    at: ['redis', 'noeviction', 'Request'],
    left: { maxmemory: tuned, ...isWaiting },
    theirs: { maxmemory: theirLimit },
    told: 1,
  },
  {
    name: 'Redis has its own settings back, and has not said so',
    at: ['redis', 'noeviction', 'Answer'],
    left: { maxmemory, ...isWaiting },
    told: 0,
  },
  {
    name: 'Redis has its own settings back, and has not said so, and somebody sets another limit',
    at: ['redis', 'noeviction', 'Answer'],
    left: { maxmemory, ...isWaiting },
    theirs: { maxmemory: theirLimit },
    told: 0,
  },
  {
    name: 'the old spec of an HPA that was taken over is on its way',
    at: ['apiServer', words.restored, 'Request'],
    left: { replicas: autoscalers.Adopted.after, ...isWaiting },
  },
  {
    name: 'an HPA that was taken over has its old spec back, and nobody has said so',
    at: ['apiServer', words.restored, 'Answer'],
    left: { replicas: autoscalers.Adopted.before, ...isWaiting },
  },
  {
    name: 'a lent floor is back, and nobody has said so',
    at: ['apiServer', words.lent, 'Answer'],
    autoscaler: 'Lent',
    left: { replicas: autoscalers.Lent.before, ...isWaiting },
  },
  {
    name: 'a lent floor is back, and nobody has said so, and somebody sets another',
    at: ['apiServer', words.lent, 'Answer'],
    autoscaler: 'Lent',
    left: { replicas: autoscalers.Lent.before, ...isWaiting },
    theirs: { replicas: [4, 5] },
  },
  {
    name: 'all is back, and that its state may go is on its way',
    at: ['apiServer', words.nextState, 'Request'],
    left: { ...isBack, ...isWaiting },
  },
  {
    name: 'its state may go, and nobody has said so',
    at: ['apiServer', words.nextState, 'Answer'],
    left: { ...isBack, service: true, state: false },
  },
  {
    name: 'that the service may go is on its way, and somebody sets another limit',
    at: ['apiServer', words.finalizer, 'Request'],
    left: { ...isBack, service: true, state: false },
    theirs: { maxmemory: theirLimit },
  },
  {
    name: 'the service is gone, and nobody has said so',
    at: ['apiServer', words.finalizer, 'Answer'],
    left: { ...isBack, service: false },
  },
])(
  'kill -9 of who puts back, while $name: all is as it was, each write is made once, and what is remembered goes as it was',
  async ({ at: [server, word, loss], left, autoscaler = 'Adopted', theirs = {}, told }) => {
    const { before: range, after, generation } = autoscalers[autoscaler];
    await using world = await startWorld({ redis: [{ config: { maxmemory } }], operator: false });
    await using proxies = await openProxies(world);
    await world.apply(deployment());
    await world.apply(hpa('by-hand', { minReplicas: range[0], maxReplicas: range[1] }));
    const before = await settings(world);
    await using operator = await startOperator({ kubeconfig: proxies.kubeconfig, namespace: world.namespace, flags });
    await declare(world, autoscaler);
    for (const type of ['RedisApplied', 'HorizontalApplied'])
      await world.eventually(async () => expectCondition(await world.service(), type, { status: 'True' }), patient);
    await world.eventually(async () =>
      expect(await found(world, 'by-hand')).toMatchObject({ maxmemory: tuned, replicas: after }),
    );
    const { seen, levers } = await followState(world);
    proxies[server].arm(word, loss);
    await world.delete(generationServices, 'generation');
    await proxies[server].lost;
    await operator.kill();
    expect({ ...(await found(world, 'by-hand')), ...(await held(world)) }).toMatchObject(left);
    await setBySomebody(world, theirs);

    await world.restartOperator(flags);
    await gone(world);
    const { config, spec } = await settings(world);
    expect(config).toEqual({ ...before.config, ...(theirs.maxmemory && { maxmemory: theirs.maxmemory }) });
    expect(spec).toEqual({ ...before.spec, ...(theirs.replicas && { minReplicas: theirs.replicas[0] }) });
    await world.eventually(() => expect(seen.at(-1)).toMatchObject({ type: 'DELETED' }));
    expect(seen).toEqual(['MODIFIED', 'DELETED'].map((type) => ({ type, isHeld: false, levers })));
    expect(await writesTo(world.redis[0])).toBe(theirs.maxmemory === undefined ? 2 : 3);
    expect((await world.get(horizontalPodAutoscalers, 'by-hand'))?.metadata.generation).toBe(
      theirs.replicas === undefined ? generation + 1 : generation + 2,
    );
    if (told !== undefined) await world.eventually(async () => expect(await toldOfRedis(world)).toHaveLength(told));
  },
);

test('kill -9 once Redis has its new settings, and the service is deleted before there is another operator: all is as it was', async () => {
  await using world = await startWorld({ redis: [{ config: { maxmemory } }], operator: false });
  await using proxies = await openProxies(world);
  await world.apply(deployment());
  await world.apply(hpa('by-hand', { minReplicas: 2, maxReplicas: 5 }));
  const before = await settings(world);
  await using operator = await startOperator({ kubeconfig: proxies.kubeconfig, namespace: world.namespace, flags });
  proxies.redis.arm('allkeys-lru', 'Answer');
  await declare(world, 'Adopted');
  await proxies.redis.lost;
  await operator.kill();
  expect(await found(world, 'by-hand')).toMatchObject({ maxmemory: tuned, remembered: { 'redis/cache': 'intended' } });
  await world.delete(generationServices, 'generation');

  await world.restartOperator(flags);
  await gone(world);
  expect(await settings(world)).toEqual(before);
  expect(await writesTo(world.redis[0])).toBe(2);
  await world.eventually(async () => expect(await toldOfRedis(world)).toHaveLength(1));
});
