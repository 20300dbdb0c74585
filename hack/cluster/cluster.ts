import { resolve } from 'node:path';
import { clientPrograms } from './client-programs.ts';
import { clusterFolder } from './folder.ts';
import { downKind, findKind, hasKind, upKind } from './kind.ts';
import { downLocal, findLocal, upLocal } from './local/local.ts';
import { silent, type Progress } from './progress.ts';
import { askedMinor } from './tools.ts';

export interface ClusterOptions {
  readonly progress: Progress;
  /** False: API server and controllers alone, which need no root. By default a node where the user is root. */
  readonly node?: boolean;
  /** How often the HPA controller looks: `--horizontal-pod-autoscaler-sync-period`. Kubernetes' own is 15s. */
  readonly autoscalerSyncPeriod?: string;
  /** Log the metadata of each request to `auditLogPath` (local provider). */
  readonly audit?: boolean;
  /** It is a person's, who ends it. By default it is this process's: however that ends, the next start, or `make cluster-down`, ends what it left (local provider). */
  readonly keep?: boolean;
}

export interface Cluster {
  readonly name: string;
  /** Of an administrator. */
  readonly kubeconfigPath: string;
  /** The folder with kubectl and helm. */
  readonly binDir: string;
  /** This machine as the Pods reach it, and as an EndpointSlice may name it; only the local provider with a node knows it. */
  readonly hostAddress?: string;
  readonly auditLogPath?: string;
  /** With `<program>.log` of each program; local provider. */
  readonly logFolder?: string;
  /** Loads a docker-archive: its Pods need `imagePullPolicy: Never` or `IfNotPresent`. */
  loadImage(tarPath: string, signal: AbortSignal): Promise<void>;
  /** Ends the cluster, and what it had on this machine is gone. A given cluster is left alone. */
  stop(): Promise<void>;
}

const checkout = resolve(import.meta.dirname, '../..');

/** A cluster of somebody else's, or one of those that we start. */
type Provider = 'given' | (typeof ourProviders)[number];
const ourProviders = ['kind', 'local'] as const;

/**
 * A cluster from the first provider to be had: the one of `GENOPS_TEST_KUBECONFIG`, kind, or the real programs on this machine.
 * One that is up already is used as it is. It outlives this process: `stop()`, `make cluster-down` or, without `keep`, the next start ends it.
 */
export async function startCluster(
  { name = 'default', progress = silent, ...options }: Partial<ClusterOptions> & { readonly name?: string },
  signal: AbortSignal,
): Promise<Cluster> {
  const identity = { name, checkout };
  const settled: ClusterOptions = { ...options, progress };
  const provider = await chooseProvider(signal);
  if (provider === 'given') return givenCluster(name, progress, signal);
  return provider === 'local' ? upLocal(identity, settled, signal) : upKind(identity, settled, signal);
}

/** Ends the cluster; false where there was none. */
export async function stopCluster(name: string, signal: AbortSignal): Promise<boolean> {
  const provider = await chooseProvider(signal);
  if (provider === 'given') return false;
  return provider === 'local' ? downLocal({ name, checkout }, signal) : downKind(name, signal);
}

/** The cluster where it is up; undefined where it is not. Starts nothing; for one that is not of this machine kubectl may have to be built, which `progress` tells. */
export async function findCluster(
  { name = 'default', progress = silent }: { readonly name?: string; readonly progress?: Progress },
  signal: AbortSignal,
): Promise<Cluster | undefined> {
  const identity = { name, checkout };
  const provider = await chooseProvider(signal);
  if (provider === 'given') return givenCluster(name, progress, signal);
  return provider === 'local' ? findLocal(identity, signal) : findKind(identity, progress, signal);
}

async function chooseProvider(signal: AbortSignal): Promise<Provider> {
  const asked = process.env['GENOPS_CLUSTER_PROVIDER'] ?? '';
  const named = ourProviders.find((provider) => provider === asked);
  if (named === undefined && asked !== '')
    throw new Error(
      `saw GENOPS_CLUSTER_PROVIDER=${asked}; wanted ${ourProviders.join(' or ')}; next: correct it, or leave it out`,
    );
  if (process.env['GENOPS_TEST_KUBECONFIG'] !== undefined) return 'given';
  if (askedMinor() === undefined) return named ?? ((await hasKind(signal)) ? 'kind' : 'local');
  if (named === 'kind')
    throw new Error(
      `saw GENOPS_KUBERNETES=${askedMinor()} and kind; wanted the local provider: a release of kind has the Kubernetes that it has; next: leave out GENOPS_CLUSTER_PROVIDER`,
    );
  return 'local';
}

async function givenCluster(name: string, progress: Progress, signal: AbortSignal): Promise<Cluster> {
  return {
    name,
    kubeconfigPath: resolve(process.env['GENOPS_TEST_KUBECONFIG'] ?? ''),
    binDir: await clientPrograms(clusterFolder({ name, checkout }), progress, signal),
    loadImage: async (tarPath) => {
      throw new Error(
        `images cannot be loaded into the cluster of GENOPS_TEST_KUBECONFIG; push ${tarPath} to a registry that it pulls from`,
      );
    },
    stop: async () => undefined,
  };
}
