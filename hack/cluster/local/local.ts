import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { exists } from '../../cache.ts';
import { freePort } from '../../servers/free-port.ts';
import { controlPlaneIdentities, writeCredentials } from '../authority.ts';
import type { Cluster, ClusterOptions } from '../cluster.ts';
import {
  apiServerArguments,
  auditPolicy,
  controllerManagerArguments,
  controlPlaneEnv,
  credentialsFolder,
  etcdArguments,
  schedulerArguments,
  serverUrl,
  type ControlPlaneLayout,
} from '../control-plane-commands.ts';
import { clusterFolder } from '../folder.ts';
import type { Progress } from '../progress.ts';
import { GaveUp, isServerReady, waitUntil } from '../ready.ts';
import { askedMinor, containerdPrograms, kubernetesPrograms } from '../tools.ts';
import { cleanUp } from './clean-up.ts';
import { markedProcesses, startDaemon } from './daemons.ts';
import { isGone, thisProcess } from './keeper.ts';
import { tryLock, withLock } from '../lock.ts';
import { importImage, makeNamespaces, nodeReady, startNode, type Inside, type NodeContext } from './node.ts';
import { nodeIdentities } from './node-commands.ts';
import { systemPrograms, type SystemPrograms } from './packages.ts';
import type { ClusterPlan } from './plan.ts';
import { claimSlot, lockName, registered, writeRecord, type ClusterRecord, type Registered } from './registry.ts';

const controlPlanePrograms = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
const nodePrograms = ['containerd', 'coredns', 'kubelet', 'kube-proxy', 'metrics-server'] as const;

type Identity = Pick<ClusterRecord, 'name' | 'checkout'>;

/** Brings the cluster up where it is not, with the real programs on this machine. */
export async function upLocal(identity: Identity, options: ClusterOptions, signal: AbortSignal): Promise<Cluster> {
  const onWait = (): void =>
    options.progress.line(`  waiting for another process that starts or ends ${identity.name}`);
  return withLock({ name: lockName(identity), onWait }, () => bringUp(identity, options, signal), signal);
}

async function bringUp(identity: Identity, options: ClusterOptions, signal: AbortSignal): Promise<Cluster> {
  const { progress } = options;
  const found = await find(identity);
  if (found !== undefined && (await isUp(found))) {
    refuseOtherOptions(found.record, options);
    progress.line(`cluster ${identity.name} is up`);
    return clusterOf(found, signal);
  }
  await progress.step('removing what an earlier run left', () => removeLeftovers(found, signal));
  const node = options.node ?? process.getuid?.() === 0;
  const binDir = await kubernetesPrograms(progress, signal);
  const containerdDir = node ? await containerdPrograms(progress, signal) : '';
  const system = node ? await progress.step('Debian packages for the node', systemPrograms) : undefined;
  const { audit = false, autoscalerSyncPeriod = '15s', keep = false } = options;
  const starting = {
    ...identity,
    binDir,
    kubernetes: askedMinor() ?? '',
    containerdDir,
    node,
    audit,
    autoscalerSyncPeriod,
    phase: 'starting',
    ...(keep ? {} : { keeper: await thisProcess() }),
  } as const;
  const plan = await claimSlot(starting);
  try {
    await start(plan, { ...starting, progress, system }, signal);
    for (const program of await missingPrograms(plan, node)) throw new Error(await lastWords(plan, program));
    const record: ClusterRecord = { ...starting, phase: 'ready' };
    await writeRecord(plan.folder, record);
    return await clusterOf({ plan, record }, signal);
  } catch (error) {
    await cleanUp(plan, AbortSignal.timeout(60_000)); // the caller's own signal may be what ended the start
    throw error;
  }
}

/** A test that asked for an audit log should hear that there is none, not find an empty one. */
function refuseOtherOptions(record: ClusterRecord, { node, audit, autoscalerSyncPeriod }: ClusterOptions): void {
  const wanted = Object.entries({ node, audit, autoscalerSyncPeriod, kubernetes: askedMinor() ?? '' });
  const differing = wanted.filter(
    ([option, value]) => value !== undefined && value !== record[option as keyof ClusterRecord],
  );
  if (differing.length === 0) return;
  const list = differing.map(([option, value]) => `${option} ${value || 'newest'}`).join(', ');
  throw new Error(`cluster ${record.name} is up, but not with ${list}; end it first, or choose another name`);
}

/** Ends the cluster, and what others left: nothing of it is left on the machine. False where there was none. */
export async function downLocal(identity: Identity, signal: AbortSignal): Promise<boolean> {
  const endAll = async (): Promise<boolean> => {
    const found = await find(identity);
    await removeLeftovers(found, signal);
    return found !== undefined;
  };
  return withLock({ name: lockName(identity), onWait: () => undefined }, endAll, signal);
}

/** The cluster, where it is up. */
export async function findLocal(identity: Identity, signal: AbortSignal): Promise<Cluster | undefined> {
  const found = await find(identity);
  return found !== undefined && (await isUp(found)) ? clusterOf(found, signal) : undefined;
}

async function find({ name, checkout }: Identity): Promise<Registered | undefined> {
  return (await registered()).find(({ record }) => record.name === name && record.checkout === checkout);
}

/** Whether it was started to the end, everything still runs, and somebody wants it. */
async function isUp({ plan, record }: Registered): Promise<boolean> {
  return !(await isForgotten(record)) && (await missingPrograms(plan, record.node)).length === 0;
}

async function missingPrograms({ folder }: ClusterPlan, node: boolean): Promise<readonly string[]> {
  const running = new Set((await markedProcesses(folder)).map(({ program }) => program));
  const wanted = node ? [...controlPlanePrograms, ...nodePrograms] : controlPlanePrograms;
  return wanted.filter((program) => !running.has(program));
}

/** Of this cluster, and of all that nobody wants any more. */
async function removeLeftovers(own: Registered | undefined, signal: AbortSignal): Promise<void> {
  if (own !== undefined) await end(own, signal);
  for (const { record } of await registered()) {
    if (!(await isForgotten(record))) continue;
    await using free = await tryLock(lockName(record)); // somebody who starts or ends it holds it
    const left = free && (await find(record));
    if (left !== undefined && (await isForgotten(left.record))) await end(left, signal); // a start may have come to its end since
  }
}

/** Of a start that was killed, of a command that is gone, or of a checkout that is. */
async function isForgotten({ phase, keeper, checkout }: ClusterRecord): Promise<boolean> {
  return phase === 'starting' || (keeper !== undefined && (await isGone(keeper))) || !(await exists(checkout));
}

async function end({ plan, record }: Registered, signal: AbortSignal): Promise<void> {
  await cleanUp(plan, signal);
  await rm(clusterFolder(record), { recursive: true, force: true });
}

interface Parts extends ClusterRecord {
  readonly progress: Progress;
  /** Absent without a node. */
  readonly system: SystemPrograms | undefined;
}

async function start(plan: ClusterPlan, parts: Parts, signal: AbortSignal): Promise<void> {
  const { progress, system } = parts;
  const context: NodeContext | undefined = system && { ...parts, plan, system, signal };
  const layout: ControlPlaneLayout = {
    folder: plan.folder,
    address: context === undefined ? '127.0.0.1' : plan.nodeAddress,
    port: context === undefined ? await freePort() : 6443,
    serviceRange: plan.serviceRange,
    advertised: context !== undefined,
    audit: parts.audit,
  };
  const kubernetesService = plan.serviceRange.replace(/\d+\/\d+$/, '1');
  const identities = {
    ...controlPlaneIdentities([layout.address, kubernetesService]),
    ...(context && nodeIdentities(plan)),
  };
  await writeCredentials(credentialsFolder(plan), identities, serverUrl(layout));
  await writeFile(join(plan.folder, 'audit-policy.yaml'), stringify(auditPolicy));
  const inside = context && (await progress.step('namespaces of the node', () => makeNamespaces(context)));
  await progress.step('control plane', () => startControlPlane(layout, plan, parts, inside, signal));
  if (context !== undefined && inside !== undefined) {
    await progress.step('starting the node', () => startNode(context, inside));
    await progress.step('node and metrics.k8s.io ready', () => nodeReady(context));
  }
}

async function startControlPlane(
  layout: ControlPlaneLayout,
  plan: ClusterPlan,
  parts: Parts,
  inside: Inside | undefined,
  signal: AbortSignal,
): Promise<void> {
  const commands: Record<(typeof controlPlanePrograms)[number], readonly string[]> = {
    etcd: etcdArguments(layout),
    'kube-apiserver': apiServerArguments(layout),
    'kube-controller-manager': controllerManagerArguments(layout, { ...parts, podRange: plan.podRange }),
    'kube-scheduler': schedulerArguments(layout),
  };
  const env = { ...(parts.system?.env ?? { PATH: process.env['PATH'] ?? '' }), ...controlPlaneEnv };
  for (const program of controlPlanePrograms) {
    const [first, ...rest] = [...(inside ?? []), join(parts.binDir, program), ...commands[program]];
    if (first === undefined) continue;
    const pid = await startDaemon(plan.folder, { name: program, command: [first, ...rest], env });
    if (program === 'kube-apiserver') await apiServerReady(layout, pid, signal);
  }
}

async function apiServerReady(layout: ControlPlaneLayout, pid: number, signal: AbortSignal): Promise<void> {
  const isReady = async (within: AbortSignal): Promise<boolean> => {
    if (!(await exists(`/proc/${pid}`))) {
      throw new GaveUp(new Error(await lastWords(layout, 'kube-apiserver')));
    }
    return isServerReady(serverUrl(layout), join(credentialsFolder(layout), 'ca.crt'), within);
  };
  await waitUntil('kube-apiserver ready', isReady, { timeoutMs: 60_000, signal });
}

async function lastWords({ folder }: Pick<ClusterPlan, 'folder'>, program: string): Promise<string> {
  const log = await readFile(join(folder, `${program}.log`), 'utf8');
  return `${program} ended:\n${log.split('\n').slice(-20).join('\n')}`;
}

async function clusterOf({ plan, record }: Registered, signal: AbortSignal): Promise<Cluster> {
  const { name, binDir, containerdDir, node } = record;
  const kubeconfigPath = join(clusterFolder(record), 'kubeconfig');
  await mkdir(clusterFolder(record), { recursive: true });
  signal.throwIfAborted();
  const contents = await readFile(join(credentialsFolder(plan), 'admin.kubeconfig'));
  await writeFile(kubeconfigPath, contents, { mode: 0o600 });
  return {
    name,
    kubeconfigPath,
    binDir,
    ...(node ? { hostAddress: plan.hostAddress } : {}),
    auditLogPath: join(plan.folder, 'audit.log'),
    logFolder: plan.folder,
    loadImage: async (tarPath, within) => {
      if (!node) throw new Error(`cluster ${name} has no node to load ${tarPath} into; it needs Linux and root`);
      await importImage({ plan, containerdDir, signal: within }, tarPath);
    },
    stop: async () => {
      await downLocal(record, AbortSignal.timeout(60_000));
    },
  };
}
