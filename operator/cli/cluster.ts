import type { GenerationService } from '../api/generation-service.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import { connectKube, type Kube } from '../kube/client.ts';
import { loadConfig, type ClusterConfig } from '../kube/config.ts';
import { keyOf, splitKey, type Key, type KubeObject } from '../kube/object.ts';
import { generationServices, performancePolicies } from '../reconcilers/kinds.ts';
import { UsageError } from './command.ts';
import { versionNumber } from './version.ts';

/** What the options say of the cluster. */
export interface ClusterValues {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
}

/** The one object that a command is about, and the cluster that its options name. @throws {UsageError} */
export async function connectFor(
  [name, ...rest]: readonly string[],
  { namespace: asked, ...values }: ClusterValues,
  usage: string,
): Promise<{ readonly kube: Kube; readonly namespace: string; readonly key: Key }> {
  if (name === undefined || rest.length > 0)
    throw new UsageError(
      `saw ${name === undefined ? 'no name' : [name, ...rest].join(' ')}; wanted one name: ${usage}`,
    );
  const config = await clusterConfig(values);
  const namespace = asked ?? config.namespace;
  return {
    kube: connectKube(config, { userAgent: `genops/${versionNumber}` }),
    namespace,
    key: keyOf({ metadata: { namespace, name } }),
  };
}

/** The service of a command. @throws {UsageError} where there is none. */
export async function serviceOf(kube: Kube, key: Key, signal: AbortSignal): Promise<GenerationService & KubeObject> {
  const service = await kube.get(generationServices, key, signal);
  if (service === undefined)
    throw new UsageError(
      `saw no GenerationService ${key}; wanted one of: kubectl get gensvc -n ${splitKey(key).namespace}`,
    );
  return service;
}

/** The policy that a service names; undefined where it names none. @throws {UsageError} where it is not there. */
export async function policyOf(
  kube: Kube,
  { metadata: { namespace }, spec: { policyRef } }: GenerationService,
  signal: AbortSignal,
): Promise<(PerformancePolicy & KubeObject) | undefined> {
  if (policyRef === undefined) return undefined;
  const policy = await kube.get(performancePolicies, `${namespace}/${policyRef.name}`, signal);
  if (policy === undefined)
    throw new UsageError(
      `saw no PerformancePolicy ${namespace}/${policyRef.name}; wanted the one that spec.policyRef.name names`,
    );
  return policy;
}

/** Where the client library looks when there is nothing to be found: no API server has listened there for years. */
const nowhere = 'http://localhost:8080';

/** @throws {UsageError} where there is no kubeconfig, or one that cannot be used. */
export async function clusterConfig({ kubeconfig, context }: Omit<ClusterValues, 'namespace'>): Promise<ClusterConfig> {
  try {
    const config = await loadConfig({ kubeconfig, context });
    if (kubeconfig !== undefined || config.server !== nowhere) return config;
  } catch (error) {
    throw new UsageError(Error.isError(error) ? error.message : String(error), { cause: error });
  }
  throw new UsageError(
    'saw no kubeconfig; wanted --kubeconfig FILE, $KUBECONFIG, ~/.kube/config or the service account of a Pod',
  );
}
