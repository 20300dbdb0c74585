import { execFile } from 'node:child_process';
import { mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { pauseImage } from '../../image/pause.ts';
import { credentialsFolder } from '../control-plane-commands.ts';
import { waitUntil } from '../ready.ts';
import { makeCgroup } from './cgroup.ts';
import { startDaemon } from './daemons.ts';
import {
  insideCommands,
  kubeletArguments,
  metricsObjects,
  metricsServerArguments,
  outsideCommands,
} from './node-commands.ts';
import { containerdSocket, dnsReadyPort, nodeFiles } from './node-files.ts';
import type { SystemPrograms } from './packages.ts';
import type { ClusterPlan } from './plan.ts';

const run = promisify(execFile);

export interface NodeContext {
  readonly plan: ClusterPlan;
  /** With the Kubernetes programs. */
  readonly binDir: string;
  /** With containerd, its shim and ctr. */
  readonly containerdDir: string;
  readonly system: SystemPrograms;
  readonly signal: AbortSignal;
}

/** A command that runs another in the node's network and mount namespaces. It replaces itself, so the pid stays. */
export type Inside = readonly [string, ...string[]];

/** Makes the node's namespaces and the way to them. They last as long as one process is in them. */
export async function makeNamespaces({ plan, system, signal }: NodeContext): Promise<Inside> {
  await mkdir('/var/lib/kubelet', { recursive: true }); // only as a place to mount on
  const holder = await startDaemon(plan.folder, {
    name: 'namespaces',
    command: ['unshare', '--net', '--mount', '--propagation', 'private', '--', 'sleep', 'infinity'],
    env: system.env,
  });
  const ours = await readlink('/proc/self/ns/net');
  const isOwn = async (): Promise<boolean> =>
    (await readlink(`/proc/${holder}/ns/net`)) !== ours &&
    (await readFile(`/proc/${holder}/comm`, 'utf8')) === 'sleep\n';
  await waitUntil('namespaces of the node', isOwn, { timeoutMs: 10_000, signal });
  const inside: Inside = ['nsenter', `--target=${holder}`, '--net', '--mount', '--'];
  await runAll(['sh', '-ec'], outsideCommands(plan, holder), system, signal);
  await runAll([...inside, 'sh', '-ec'], insideCommands(plan), system, signal);
  await makeCgroup(plan.linkName);
  return inside;
}

async function runAll(
  [program = 'sh', ...args]: readonly string[],
  commands: readonly string[],
  { env }: SystemPrograms,
  signal: AbortSignal,
): Promise<void> {
  await run(program, [...args, commands.join('\n')], { env, signal });
}

/** Starts containerd, gives it the sandbox image, starts the kubelet, kube-proxy, DNS and metrics-server; waits until the node takes Pods. */
export async function startNode(context: NodeContext, inside: Inside): Promise<void> {
  const { plan, binDir, containerdDir, system, signal } = context;
  for (const [name, contents] of Object.entries(nodeFiles(plan, system))) {
    await mkdir(dirname(join(plan.folder, name)), { recursive: true });
    await writeFile(join(plan.folder, name), contents);
  }
  const start = (name: string, program: string, args: readonly string[]): Promise<number> => {
    const [first, ...rest] = inside;
    const env = { ...system.env, PATH: `${containerdDir}:${system.env['PATH'] ?? ''}` };
    return startDaemon(plan.folder, { name, command: [first, ...rest, program, ...args], env });
  };
  await start('containerd', join(containerdDir, 'containerd'), ['--config', join(plan.folder, 'containerd.toml')]);
  await start('coredns', join(binDir, 'coredns'), [join(plan.folder, 'Corefile')]);
  await start('kube-proxy', join(binDir, 'kube-proxy'), [`--config=${join(plan.folder, 'kube-proxy.yaml')}`]);
  const answers = async (): Promise<boolean> => (await ctr(context, ['version'])) !== '';
  await waitUntil('containerd', answers, { timeoutMs: 30_000, signal });
  const pauseTar = join(plan.folder, 'pause.tar');
  await pauseImage(pauseTar, signal);
  await importImage(context, pauseTar);
  await start('kubelet', join(binDir, 'kubelet'), kubeletArguments(plan));
  await start('metrics-server', join(binDir, 'metrics-server'), metricsServerArguments(plan));
  await applyObjects(context);
}

/** Waits until Pods can be scheduled, names are resolved and metrics.k8s.io answers. */
export async function nodeReady(context: NodeContext): Promise<void> {
  const { plan, signal } = context;
  const wait = (resource: string, condition: string) => async (): Promise<boolean> =>
    (await kubectl(context, ['wait', resource, `--for=condition=${condition}`, '--timeout=2s'])) !== '';
  await waitUntil('node Ready', wait(`node/${plan.nodeName}`, 'Ready'), { timeoutMs: 90_000, signal });
  const dns = async (): Promise<boolean> => {
    const within = AbortSignal.any([signal, AbortSignal.timeout(2000)]);
    return (await fetch(`http://${plan.nodeAddress}:${dnsReadyPort}/ready`, { signal: within })).ok;
  };
  await waitUntil('cluster DNS', dns, { timeoutMs: 30_000, signal });
  const metrics = wait('apiservice/v1beta1.metrics.k8s.io', 'Available');
  await waitUntil('metrics.k8s.io', metrics, { timeoutMs: 90_000, signal });
}

async function applyObjects(context: NodeContext): Promise<void> {
  const { plan } = context;
  const authority = await readFile(join(credentialsFolder(plan), 'ca.crt'), 'utf8');
  const path = join(plan.folder, 'objects.json');
  const items = metricsObjects(plan, authority);
  await writeFile(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await kubectl(context, ['apply', '--server-side', '-f', path]);
}

async function kubectl({ plan, binDir, signal }: NodeContext, args: readonly string[]): Promise<string> {
  const kubeconfig = join(credentialsFolder(plan), 'admin.kubeconfig');
  const { stdout } = await run(join(binDir, 'kubectl'), ['--kubeconfig', kubeconfig, ...args], { signal, env: {} });
  return stdout;
}

type Runtime = Pick<NodeContext, 'plan' | 'containerdDir' | 'signal'>;

async function ctr({ plan, containerdDir, signal }: Runtime, args: readonly string[]): Promise<string> {
  const options = ['--address', containerdSocket(plan), '--namespace', 'k8s.io'];
  const { stdout } = await run(join(containerdDir, 'ctr'), [...options, ...args], { signal });
  return stdout;
}

/** Loads a docker-archive. */
export async function importImage(runtime: Runtime, tarPath: string): Promise<void> {
  await ctr(runtime, ['images', 'import', tarPath]);
}
