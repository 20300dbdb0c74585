import { expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { configMaps, generationServices } from '../../operator/reconcilers/kinds.ts';
import { projectState } from '../../operator/reconcilers/state.ts';
import { withholdingProxy, type WithholdingProxy } from '../integration/withholding-proxy.ts';
import { deployment, generationService, hpa } from '../world/builders.ts';
import { startOperator } from '../world/operator-process.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';
import { apiServerProxy } from './api-server-proxy.ts';

const patient = { withinMs: 60_000 };
const flags = ['--no-leader-elect'];

/** Of a Redis and an HPA that were there before us, and what is written down of them. */
interface Found {
  readonly maxmemory?: string;
  readonly replicas?: readonly [min: number, max: number] | undefined;
  /** Of each unit: what is about to be done, or that it is in force. */
  readonly remembered?: Readonly<Record<string, 'intended' | 'confirmed'>>;
}

interface Moment {
  readonly name: string;
  /** The first request to this server that holds this word, or only its answer, hangs, and the operator is killed. */
  readonly at: readonly [server: 'redis' | 'apiServer', word: string, loss: 'Request' | 'Answer'];
  /** What the killed operator has left: that it was this moment and no other. */
  readonly left: Found;
  /** Made by us unless another is given. */
  readonly autoscaler?: keyof typeof autoscalers;
}

const maxmemory = '33554432';
const tuned = '1073741824';
/** The HPA of the component, before, and as it is to be: made by us, given to us, or only its floor. */
const autoscalers = {
  Made: { name: 'generation-workflow-hpa', before: undefined, after: [2, 20], generation: 1 },
  Adopted: { name: 'by-hand', before: [2, 5], after: [2, 20], generation: 2 },
  Lent: { name: 'by-hand', before: [2, 5], after: [3, 5], generation: 2 },
} as const;

const finalizer = '/generationservices/generation HTTP/';
const firstState = '/configmaps?fieldManager=';
const nextState = '/configmaps/generation-genops-state?fieldManager=';
const made = '/horizontalpodautoscalers/generation-workflow-hpa?fieldManager=genops ';
const adopted = '/horizontalpodautoscalers/by-hand?fieldManager=genops&';
const lent = '/horizontalpodautoscalers/by-hand?fieldManager=genops-scaler&';
const untouched = { maxmemory, replicas: undefined };
const done = { maxmemory: tuned, replicas: autoscalers.Made.after };
const intended = { 'redis/cache': 'intended' } as const;
const confirmed = { 'redis/cache': 'confirmed' } as const;

async function found(world: World, hpaName: string): Promise<Required<Found>> {
  const autoscaler = await world.get(horizontalPodAutoscalers, hpaName);
  const state = await world.get(configMaps, 'generation-genops-state');
  const units = Object.entries(state === undefined ? {} : projectState(state).state.levers);
  return {
    maxmemory: (await world.redis[0]?.configGet('maxmemory')) ?? '',
    replicas: autoscaler && [autoscaler.spec.minReplicas ?? 1, autoscaler.spec.maxReplicas],
    remembered: Object.fromEntries(
      units.map(([unit, { unconfirmed }]) => [unit, unconfirmed === undefined ? 'confirmed' : 'intended']),
    ),
  };
}

/** How often the server has taken a CONFIG SET. What the operator sends only to be refused is not among them. */
async function writesTo(redis: World['redis'][number] | undefined): Promise<number> {
  const stats = String(await redis?.command('INFO', 'commandstats'));
  const [, calls, failed] = /cmdstat_config\|set:calls=(\d+),.*failed_calls=(\d+)/.exec(stats) ?? [];
  return Number(calls) - Number(failed);
}

/** Between the operator and its servers: Redis by its Secret, the API server by a kubeconfig of its own. */
async function openProxies(world: World) {
  await using stack = new AsyncDisposableStack();
  const redisPort = world.redis[0]?.port ?? 0;
  const redis = stack.use(await withholdingProxy(() => connect(redisPort, '127.0.0.1')));
  const stringData = { host: '127.0.0.1', port: String(redis.port) };
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'redis' }, stringData });
  const apiServer = stack.use(await apiServerProxy());
  const owned = stack.move();
  const proxies: Readonly<Record<Moment['at'][0], WithholdingProxy>> = { redis, apiServer };
  const { kubeconfig } = apiServer;
  return { ...proxies, kubeconfig, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const declare = (world: World, autoscaler: keyof typeof autoscalers): Promise<void> =>
  world.apply(
    generationService(
      {
        deletionPolicy: 'Restore',
        redis: [{ name: 'cache', secretRef: { name: 'redis' } }],
        ...(autoscaler === 'Lent' ? { overrides: { horizontal: { mode: 'FloorOnly', minReplicas: 3 } } } : {}),
      },
      { annotations: autoscaler === 'Adopted' ? { 'genops.dev/adopt': 'hpa' } : {} },
    ),
  );

test.each<Moment>([
  {
    name: 'the finalizer stands, and nobody has said so',
    at: ['apiServer', finalizer, 'Answer'],
    left: { ...untouched, remembered: {} },
  },
  {
    name: 'what is about to be done is on its way to be written down',
    at: ['apiServer', firstState, 'Request'],
    left: { ...untouched, remembered: {} },
  },
  {
    name: 'what is about to be done is written down, and nobody has said so',
    at: ['apiServer', firstState, 'Answer'],
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
    at: ['apiServer', made, 'Request'],
    left: { replicas: undefined, remembered: intended },
  },
  {
    name: 'the HPA is made, and nobody has said so',
    at: ['apiServer', made, 'Answer'],
    left: { replicas: autoscalers.Made.after, remembered: intended },
  },
  {
    name: 'all is done, and that it is in force is on its way to be written down',
    at: ['apiServer', nextState, 'Request'],
    left: { ...done, remembered: intended },
  },
  {
    name: 'that it is in force is written down, and nobody has said so',
    at: ['apiServer', nextState, 'Answer'],
    left: { ...done, remembered: confirmed },
  },
  {
    name: 'taking over an HPA of somebody else is on its way',
    at: ['apiServer', adopted, 'Request'],
    autoscaler: 'Adopted',
    left: { replicas: autoscalers.Adopted.before },
  },
  {
    name: 'an HPA of somebody else is taken over, and nobody has said so',
    at: ['apiServer', adopted, 'Answer'],
    autoscaler: 'Adopted',
    left: { replicas: autoscalers.Adopted.after },
  },
  {
    name: 'the apply of a lent floor is on its way',
    at: ['apiServer', lent, 'Request'],
    autoscaler: 'Lent',
    left: { replicas: autoscalers.Lent.before },
  },
  {
    name: 'a lent floor is moved, and nobody has said so',
    at: ['apiServer', lent, 'Answer'],
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
