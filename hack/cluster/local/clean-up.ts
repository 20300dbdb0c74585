import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { exists } from '../../cache.ts';
import { waitUntil } from '../ready.ts';
import { cgroupProcesses, removeCgroup } from './cgroup.ts';
import { markedProcesses } from './daemons.ts';
import { startTicksOf } from './keeper.ts';
import { systemPrograms } from './packages.ts';
import type { ClusterPlan } from './plan.ts';

const run = promisify(execFile);

/**
 * Ends everything that a cluster has on this machine, in whatever state it is.
 *
 * Mounts, links of Pods and packet filter rules are in namespaces that exist as long as a process is in them, so ending the processes is most of the work.
 */
export async function cleanUp(plan: ClusterPlan, signal: AbortSignal): Promise<void> {
  const killed = new Set<number>();
  const end = async (): Promise<boolean> => {
    const daemons = (await markedProcesses(plan.folder)).map(({ pid }) => pid);
    const pids = mayHaveNode() ? [...daemons, ...(await cgroupProcesses(plan.linkName))] : daemons;
    for (const pid of pids) kill(pid);
    for (const pid of pids) killed.add(pid);
    return pids.length === 0 && (await Promise.all([...killed].map(hasEnded))).every(Boolean);
  };
  const options = { timeoutMs: 30_000, signal };
  await waitUntil(`every process of ${plan.folder} ended`, end, options);
  if (mayHaveNode()) await removeNodeTraces(plan, options);
  await rm(plan.folder, { recursive: true, force: true, maxRetries: 5 });
}

async function removeNodeTraces({ linkName }: ClusterPlan, options: Parameters<typeof waitUntil>[2]): Promise<void> {
  const isUnlinked = async (within: AbortSignal): Promise<boolean> => {
    const hasLink = (): Promise<boolean> => exists(`/sys/class/net/${linkName}`);
    if (!(await hasLink())) return true;
    // With the namespace at its other end it would go by itself: on a busy machine the kernel takes more than half a minute for that.
    const { env } = await systemPrograms();
    await run('ip', ['link', 'delete', linkName], { env, signal: within });
    return !(await hasLink());
  };
  await waitUntil(`link ${linkName} gone`, isUnlinked, options);
  const isRemoved = async (): Promise<boolean> => {
    await removeCgroup(linkName); // busy for a moment after its last process
    return true;
  };
  await waitUntil(`cgroup ${linkName} removed`, isRemoved, options);
}

/** Only root's clusters have one. The link and the cgroup of another user's slot number are root's, and none of theirs. */
function mayHaveNode(): boolean {
  return process.getuid?.() === 0;
}

/** A process on its way out has lost its environment, and with it our mark, before it has closed its files and ports. */
async function hasEnded(pid: number): Promise<boolean> {
  return (await startTicksOf(pid)) === undefined;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!Error.isError(error) || !('code' in error) || error.code !== 'ESRCH') throw error;
  }
}
