import { jest } from '@jest/globals';
import { createQueue, type Queue } from '../../../operator/kube/queue.ts';
import { horizontalPodAutoscalers } from '../../../operator/levers/horizontal/hpa.ts';
import { deployments, generationServices, performancePolicies } from '../../../operator/reconcilers/kinds.ts';
import { wire } from '../../../operator/reconcilers/wiring.ts';
import { deployment, generationService, hpa, performancePolicy } from '../../world/builders.ts';
import { feedCaches, type Fed } from './fed-caches.ts';

const never = new AbortController().signal;

/** Service `a` with policy `standard` on Deployment `web-a`, `b` with no policy on `web-b`; each Deployment has its HPA. */
export async function openWiring() {
  await using stack = new AsyncDisposableStack();
  const { caches, put, remove } = stack.use(await feedCaches());
  await put(performancePolicies, performancePolicy());
  for (const name of ['a', 'b']) {
    await put(deployments, deployment(`web-${name}`));
    await put(horizontalPodAutoscalers, autoscaler(name));
    await put(generationServices, serviceOn(name));
  }
  const queues = {
    services: createQueue({ name: 'services' }),
    policies: createQueue({ name: 'policies' }),
    scaler: createQueue({ name: 'scaler' }),
    objectives: createQueue({ name: 'objectives' }),
    optimizer: createQueue({ name: 'optimizer' }),
  };
  const unwire = wire(caches, queues);
  /** What was woken since the last call, by queue; a queue without keys is left out. */
  const woken = async (): Promise<Readonly<Record<string, readonly string[]>>> => {
    const all = await Promise.all(
      Object.entries(queues).map(async ([name, queue]) => [name, await drain(queue)] as const),
    );
    return Object.fromEntries(all.filter(([, keys]) => keys.length > 0));
  };
  const atFirst = await woken();
  const owned = stack.move();
  return { caches, put, remove, unwire, woken, atFirst, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function drain(queue: Queue): Promise<readonly string[]> {
  const keys: string[] = [];
  while (queue.depth > 0) {
    const key = await queue.take(never);
    queue.done(key);
    keys.push(key);
  }
  return keys.toSorted();
}

/** What is put off, so that many changes become one run. */
export const later = (): Promise<void> => jest.advanceTimersByTimeAsync(5_100);

export function serviceOn(
  name: string,
  { target = `web-${name}`, ...metadata }: Partial<Fed['metadata']> & { readonly target?: string } = {},
): Fed {
  const { spec, ...rest } = generationService({
    components: [{ name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target } }],
  });
  return {
    ...rest,
    spec: name === 'a' ? { ...spec, policyRef: { name: 'standard' } } : spec,
    metadata: { name, ...metadata },
  };
}
export const autoscaler = (name: string, minReplicas = 2): Fed => {
  const { spec, ...rest } = hpa(`hpa-${name}`, { minReplicas, maxReplicas: 9 });
  return { ...rest, spec: { ...spec, scaleTargetRef: { ...spec.scaleTargetRef, name: `web-${name}` } } };
};
export const pod = (name: string, app: string, labels: Readonly<Record<string, string>> = {}): Fed => ({
  metadata: { name, labels: { app, ...labels } },
  spec: { containers: [] },
});
export const state = (service: string, data = '{}'): Fed => ({
  metadata: {
    name: `${service}-genops-state`,
    ownerReferences: [{ apiVersion: 'genops.dev/v1alpha1', kind: 'GenerationService', name: service, uid: service }],
  },
  data: { 'state.json': data },
});
