import { Problem } from '../api/problem.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { openCollection } from '../kube/collection.ts';
import type { KubeObject } from '../kube/object.ts';
import type { Resource } from '../kube/resource.ts';
import { horizontalPodAutoscalers } from '../levers/horizontal/hpa.ts';
import { openCaches, watched, type Caches } from '../reconcilers/caches.ts';
import { deployments, generationServices, performancePolicies, statefulSets } from '../reconcilers/kinds.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { installedWay, type InstalledWay } from './installed-way.ts';

/** What a plan is made from, as far as the user may read it. */
export interface DiffView extends AsyncDisposable, InstalledWay {
  /** Of the service's namespace. */
  readonly caches: Caches;
  /** Whose a server is: of all namespaces, or of the service's own where the user may not read others. */
  readonly claims: Pick<Caches, 'services' | 'states'>;
  readonly seesAllNamespaces: boolean;
}

const timeoutMs = 20_000;

/** @throws {ApiError} 403 for what a plan cannot do without, {Problem} when it is not read in time. */
export async function openDiffView(kube: Kube, namespace: string, signal: AbortSignal): Promise<DiffView> {
  const needed = [generationServices, performancePolicies, horizontalPodAutoscalers, deployments, statefulSets];
  await Promise.all(needed.map((of) => kube.listPage<KubeObject>(of, { namespace, limit: 1 }, signal))); // a cache would ask again and again
  const seesAllNamespaces =
    (await mayListAll(kube, watched.services, signal)) && (await mayListAll(kube, watched.states, signal));
  await using stack = new AsyncDisposableStack();
  const logger = createLogger({ level: 'error', format: 'text' });
  const caches = stack.use(openCaches({ kube, namespaces: [namespace], watchApiServices: false, logger }));
  const claims = seesAllNamespaces ? stack.use(openClaims(kube, logger)) : caches;
  const { services, policies, hpas, states } = caches;
  const read = [services, policies, hpas, caches.deployments, caches.statefulSets, states];
  await allSynced([...read, claims.services, claims.states], signal);
  const way = await installedWay(kube, signal);
  const owned = stack.move();
  return { caches, claims, seesAllNamespaces, ...way, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Services and their states wherever they are: a server may be tuned from another namespace. */
function openClaims(kube: Kube, logger: Logger): Pick<Caches, 'services' | 'states'> & AsyncDisposable {
  const services = openCollection({ kube, logger, ...watched.services });
  const states = openCollection({ kube, logger, ...watched.states });
  return {
    services,
    states,
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all([services[Symbol.asyncDispose](), states[Symbol.asyncDispose]()])),
  };
}

async function allSynced(collections: readonly Caches['all'][number][], signal: AbortSignal): Promise<void> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    await Promise.all(collections.map((collection) => collection.synced(inTime)));
  } catch (error) {
    signal.throwIfAborted();
    const late = collections.map((collection) => collection.problem()).filter((problem) => problem !== undefined);
    throw new Problem('Unreachable', {
      saw: late.join('; '),
      wanted: `everything listed within ${timeoutMs / 1000} s`,
      next: 'look at the API server, then try again',
      cause: error,
    });
  }
}

async function mayListAll(
  kube: Kube,
  { resource: of, labelSelector }: { readonly resource: Resource; readonly labelSelector?: string },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await kube.listPage<KubeObject>(of, { labelSelector, limit: 1 }, signal);
    return true;
  } catch (error) {
    if (isForbidden(error)) return false;
    throw error;
  }
}

const isForbidden = (error: unknown): boolean => error instanceof ApiError && error.status === 403;
