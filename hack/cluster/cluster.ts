import { join, resolve } from 'node:path';
import { clientPrograms } from './client-programs.ts';
import { downKind, hasKind, upKind } from './kind.ts';
import { downLocal, findLocal, upLocal } from './local/local.ts';
import { silent, type Progress } from './progress.ts';

export interface ClusterOptions {
  readonly progress: Progress;
  /** False: API server and controllers alone, which need no root. By default a node where the user is root. */
  readonly node?: boolean;
  /** How often the HPA controller looks: `--horizontal-pod-autoscaler-sync-period`. Kubernetes' own is 15s. */
  readonly autoscalerSyncPeriod?: string;
  /** Log the metadata of each request to `auditLogPath` (local provider). */
  readonly audit?: boolean;
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

/** `GENOPS_CLUSTER_PROVIDER` names one for those who have both. */
type Provider = 'given' | 'kind' | 'local';

/**
 * A cluster from the first provider to be had: the one of `GENOPS_TEST_KUBECONFIG`, kind, or the real programs on this machine.
 * One that is up already is used as it is. It outlives this process: `stop()` or `make cluster-down` ends it.
 */
export async function startCluster(
  { name = 'default', progress = silent, ...options }: Partial<ClusterOptions> & { readonly name?: string },
  signal: AbortSignal,
): Promise<Cluster> {
  const settled: ClusterOptions = { ...options, progress };
  const provider = await chooseProvider(signal);
  if (provider === 'given') return givenCluster(name, progress, signal);
  if (provider === 'local') return upLocal({ name, checkout }, settled, signal);
  const binDir = await clientPrograms(clusterFolder(name), progress, signal);
  return upKind({ name, folder: clusterFolder(name), binDir }, settled, signal);
}

/** Ends the cluster; false where there was none. */
export async function stopCluster(name: string, signal: AbortSignal): Promise<boolean> {
  const provider = await chooseProvider(signal);
  if (provider === 'local') return downLocal({ name, checkout }, signal);
  if (provider === 'kind') await downKind(name, signal);
  return provider === 'kind';
}

/** The cluster where it is up; undefined where it is not. Starts nothing. */
export async function findCluster(name: string, signal: AbortSignal): Promise<Cluster | undefined> {
  const provider = await chooseProvider(signal);
  return provider === 'local' ? findLocal({ name, checkout }, signal) : startCluster({ name }, signal);
}

async function chooseProvider(signal: AbortSignal): Promise<Provider> {
  if (process.env['GENOPS_TEST_KUBECONFIG'] !== undefined) return 'given';
  if (process.env['GENOPS_CLUSTER_PROVIDER'] === 'local') return 'local';
  return (await hasKind(signal)) ? 'kind' : 'local';
}

async function givenCluster(name: string, progress: Progress, signal: AbortSignal): Promise<Cluster> {
  return {
    name,
    kubeconfigPath: resolve(process.env['GENOPS_TEST_KUBECONFIG'] ?? ''),
    binDir: await clientPrograms(clusterFolder(name), progress, signal),
    loadImage: async (tarPath) => {
      throw new Error(
        `images cannot be loaded into the cluster of GENOPS_TEST_KUBECONFIG; push ${tarPath} to a registry that it pulls from`,
      );
    },
    stop: async () => undefined,
  };
}

function clusterFolder(name: string): string {
  return join(checkout, '.cache', name === 'default' ? 'cluster' : `cluster-${name}`);
}
