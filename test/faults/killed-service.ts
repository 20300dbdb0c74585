import { connect } from 'node:net';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { projectState } from '../../operator/reconcilers/state.ts';
import { withholdingProxy, type WithholdingProxy } from '../integration/withholding-proxy.ts';
import { generationService } from '../world/builders.ts';
import type { World } from '../world/world.ts';
import { apiServerProxy } from './api-server-proxy.ts';

export const patient = { withinMs: 60_000 };
export const flags = ['--no-leader-elect'];

/** The first request to this server that holds this word, or only its answer, hangs, and the operator is killed. */
export type At = readonly [server: 'redis' | 'apiServer', word: string, loss: 'Request' | 'Answer'];

/** Of a Redis and an HPA that were there before us, and what is written down of them. */
export interface Found {
  readonly maxmemory?: string;
  readonly replicas?: readonly [min: number, max: number] | undefined;
  /** Of each unit: what is about to be done, or that it is in force. */
  readonly remembered?: Readonly<Record<string, 'intended' | 'confirmed'>>;
}

/** Of the Redis, before, and as it is to be. */
export const maxmemory = '33554432';
export const tuned = '1073741824';
/** The HPA of the component, before, and as it is to be: made by us, given to us, or only its floor. */
export const autoscalers = {
  Made: { name: 'generation-workflow-hpa', before: undefined, after: [2, 20], generation: 1 },
  Adopted: { name: 'by-hand', before: [2, 5], after: [2, 20], generation: 2 },
  Lent: { name: 'by-hand', before: [2, 5], after: [3, 5], generation: 2 },
} as const;

/** What a request has in it. */
export const words = {
  finalizer: '/generationservices/generation HTTP/',
  firstState: '/configmaps?fieldManager=',
  nextState: '/configmaps/generation-genops-state?fieldManager=',
  made: '/horizontalpodautoscalers/generation-workflow-hpa?fieldManager=genops ',
  adopted: '/horizontalpodautoscalers/by-hand?fieldManager=genops&',
  lent: '/horizontalpodautoscalers/by-hand?fieldManager=genops-scaler&',
  restored: '/horizontalpodautoscalers/by-hand?fieldManager=genops ',
} as const;

export async function found(world: World, hpaName: string): Promise<Required<Found>> {
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
export async function writesTo(redis: World['redis'][number] | undefined): Promise<number> {
  const stats = String(await redis?.command('INFO', 'commandstats'));
  const [, calls, failed] = /cmdstat_config\|set:calls=(\d+),.*failed_calls=(\d+)/.exec(stats) ?? [];
  return Number(calls) - Number(failed);
}

/** Between the operator and its servers: Redis by its Secret, the API server by a kubeconfig of its own. */
export async function openProxies(world: World) {
  await using stack = new AsyncDisposableStack();
  const redisPort = world.redis[0]?.port ?? 0;
  const redis = stack.use(await withholdingProxy(() => connect(redisPort, '127.0.0.1')));
  const stringData = { host: '127.0.0.1', port: String(redis.port) };
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'redis' }, stringData });
  const apiServer = stack.use(await apiServerProxy());
  const owned = stack.move();
  const proxies: Readonly<Record<At[0], WithholdingProxy>> = { redis, apiServer };
  const { kubeconfig } = apiServer;
  return { ...proxies, kubeconfig, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export const declare = (world: World, autoscaler: keyof typeof autoscalers): Promise<void> =>
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
