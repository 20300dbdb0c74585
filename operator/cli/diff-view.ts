import { Problem } from '../api/problem.ts';
import type { PodsMetricsWay } from '../decide/resolve.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { openCollection } from '../kube/collection.ts';
import type { KubeObject } from '../kube/object.ts';
import { resource, type Resource } from '../kube/resource.ts';
import { horizontalPodAutoscalers } from '../levers/horizontal/hpa.ts';
import { openCaches, type Caches } from '../reconcilers/caches.ts';
import {
  apiServices,
  configMaps,
  deployments,
  generationServices,
  performancePolicies,
  statefulSets,
} from '../reconcilers/kinds.ts';
import { podsMetricsWay } from '../reconcilers/pods-metrics.ts';
import { projectState, serversOf, stateLabel } from '../reconcilers/state.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';

/** What a plan is made from, as far as the user may read it. */
export interface DiffView extends AsyncDisposable {
  /** Of the service's namespace. */
  readonly caches: Caches;
  /** Whose a server is: of all namespaces, or of the service's own where the user may not read others. */
  readonly claims: Pick<Caches, 'services' | 'states'>;
  readonly seesAllNamespaces: boolean;
  readonly podsMetrics: PodsMetricsWay;
}

const timeoutMs = 20_000;
const stateSelector = `${stateLabel}=true`;

/** @throws {ApiError} 403 for what a plan cannot do without, {Problem} when it is not read in time. */
export async function openDiffView(kube: Kube, namespace: string, signal: AbortSignal): Promise<DiffView> {
  const needed = [generationServices, performancePolicies, horizontalPodAutoscalers, deployments, statefulSets];
  await Promise.all(needed.map((of) => kube.listPage<KubeObject>(of, { namespace, limit: 1 }, signal))); // a cache would ask again and again
  const seesAllNamespaces =
    (await mayListAll(kube, generationServices, undefined, signal)) &&
    (await mayListAll(kube, configMaps, stateSelector, signal));
  await using stack = new AsyncDisposableStack();
  const logger = createLogger({ level: 'error', format: 'text' });
  const caches = stack.use(openCaches({ kube, namespaces: [namespace], watchApiServices: false, logger }));
  const claims = seesAllNamespaces ? stack.use(openClaims(kube, logger)) : caches;
  const { services, policies, hpas, states } = caches;
  const read = [services, policies, hpas, caches.deployments, caches.statefulSets, states];
  await allSynced([...read, claims.services, claims.states], signal);
  const podsMetrics = await installedWay(kube, signal);
  const owned = stack.move();
  return { caches, claims, seesAllNamespaces, podsMetrics, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Services and their states wherever they are: a server may be tuned from another namespace. */
function openClaims(kube: Kube, logger: Logger): Pick<Caches, 'services' | 'states'> & AsyncDisposable {
  const services = openCollection({ kube, logger, resource: generationServices, project: (service) => service });
  const states = openCollection({
    kube,
    logger,
    resource: configMaps,
    labelSelector: stateSelector,
    project: projectState,
    indexes: { server: serversOf },
  });
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
  of: Resource,
  labelSelector: string | undefined,
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

const coreServices = resource<KubeObject>({
  group: '',
  version: 'v1',
  plural: 'services',
  kind: 'Service',
  namespaced: true,
});

/** How the installed operator gives Pods metrics to HPAs: through its metrics API when the whole group leads to a Service of ours. */
async function installedWay(kube: Kube, signal: AbortSignal): Promise<PodsMetricsWay> {
  try {
    const all = await kube.list(apiServices, {}, signal);
    const service = all.find(({ spec }) => spec.group === 'custom.metrics.k8s.io')?.spec.service;
    if (service?.namespace === undefined || service.name === undefined) return 'Shadow';
    const { namespace, name } = service;
    const object = await kube.get(coreServices, `${namespace}/${name}`, signal);
    const isOurs = object?.metadata.labels?.['app.kubernetes.io/name'] === 'genops';
    return podsMetricsWay(all, isOurs ? { namespace, name } : undefined);
  } catch (error) {
    if (isForbidden(error)) return 'Shadow'; // may not look: as without the API
    throw error;
  }
}
