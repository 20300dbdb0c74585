import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { clientPrograms } from './client-programs.ts';
import type { Cluster, ClusterOptions } from './cluster.ts';
import { clusterFolder } from './folder.ts';
import type { Progress } from './progress.ts';

const run = promisify(execFile);

/** Whether kind can be used: both programs are there and the engine answers. */
export async function hasKind(signal: AbortSignal): Promise<boolean> {
  try {
    await run('kind', ['version'], { signal });
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { signal, timeout: 5000 });
    return true;
  } catch {
    return false; // not there, or no engine behind it: both mean "not this way"
  }
}

/** kind's configuration: one node, and the controller flags that the local provider has too. */
export function kindConfiguration(autoscalerSyncPeriod: string) {
  return {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    nodes: [{ role: 'control-plane' }],
    kubeadmConfigPatchesJSON6902: [
      {
        group: 'kubeadm.k8s.io',
        version: 'v1beta4', // what kind writes for Kubernetes 1.36 and later
        kind: 'ClusterConfiguration',
        patch: stringify([
          {
            op: 'add', // to the list: a merge would take away the flags that kind itself sets
            path: '/controllerManager/extraArgs/-',
            value: { name: 'horizontal-pod-autoscaler-sync-period', value: autoscalerSyncPeriod },
          },
        ]),
      },
    ],
  };
}

export function kindName(name: string): string {
  return `genops-${name}`;
}

interface Identity {
  readonly name: string;
  readonly checkout: string;
}

/** Makes the cluster where kind has it not. */
export async function upKind(
  identity: Identity,
  { progress, autoscalerSyncPeriod = '15s' }: ClusterOptions,
  signal: AbortSignal,
): Promise<Cluster> {
  const name = kindName(identity.name);
  const folder = clusterFolder(identity);
  await mkdir(folder, { recursive: true });
  if (!(await isMade(identity.name, signal))) {
    const configPath = join(folder, 'kind.yaml');
    await writeFile(configPath, stringify(kindConfiguration(autoscalerSyncPeriod)));
    const create = ['create', 'cluster', '--name', name, '--config', configPath, '--wait', '3m'];
    await progress.step('kind create cluster', () => run('kind', create, { signal }));
  }
  return clusterOf(identity, progress, signal);
}

/** The cluster, where kind has it. */
export async function findKind(
  identity: Identity,
  progress: Progress,
  signal: AbortSignal,
): Promise<Cluster | undefined> {
  return (await isMade(identity.name, signal)) ? clusterOf(identity, progress, signal) : undefined;
}

/** Ends the cluster. False where there was none. */
export async function downKind(name: string, signal: AbortSignal): Promise<boolean> {
  if (!(await isMade(name, signal))) return false;
  await run('kind', ['delete', 'cluster', '--name', kindName(name)], { signal });
  return true;
}

async function isMade(name: string, signal: AbortSignal): Promise<boolean> {
  const { stdout } = await run('kind', ['get', 'clusters'], { signal });
  return stdout.split('\n').includes(kindName(name));
}

async function clusterOf(identity: Identity, progress: Progress, signal: AbortSignal): Promise<Cluster> {
  const name = kindName(identity.name);
  const folder = clusterFolder(identity);
  const kubeconfigPath = join(folder, 'kubeconfig');
  const binDir = await clientPrograms(folder, progress, signal);
  await run('kind', ['export', 'kubeconfig', '--name', name, '--kubeconfig', kubeconfigPath], { signal });
  return {
    name: identity.name,
    kubeconfigPath,
    binDir,
    loadImage: async (tarPath, within) => {
      await run('kind', ['load', 'image-archive', tarPath, '--name', name], { signal: within });
    },
    stop: async () => {
      await downKind(identity.name, AbortSignal.timeout(60_000));
    },
  };
}
