import { rm } from 'node:fs/promises';
import { exists } from '../../servers/cache.ts';
import { waitUntil } from '../ready.ts';
import { cgroupProcesses, removeCgroup } from './cgroup.ts';
import { markedProcesses } from './daemons.ts';
import type { ClusterPlan } from './plan.ts';

/**
 * Ends everything that a cluster has on this machine, in whatever state it is.
 *
 * Mounts, links and packet filter rules are in namespaces that exist as long as a process is in them, so ending the processes is most of the work.
 */
export async function cleanUp(plan: ClusterPlan, signal: AbortSignal): Promise<void> {
  const end = async (): Promise<boolean> => {
    const daemons = (await markedProcesses(plan.folder)).map(({ pid }) => pid);
    const pids = [...daemons, ...(await cgroupProcesses(plan.linkName))];
    for (const pid of pids) kill(pid);
    return pids.length === 0;
  };
  const options = { timeoutMs: 30_000, signal };
  await waitUntil(`every process of ${plan.folder} ended`, end, options);
  const isUnlinked = async (): Promise<boolean> => !(await exists(`/sys/class/net/${plan.linkName}`));
  await waitUntil(`link ${plan.linkName} gone`, isUnlinked, options); // the kernel removes it with the namespace at its other end
  const removed = async (): Promise<boolean> => {
    await removeCgroup(plan.linkName); // busy for a moment after its last process
    return true;
  };
  await waitUntil(`cgroup ${plan.linkName} removed`, removed, options);
  await rm(plan.folder, { recursive: true, force: true, maxRetries: 5 });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!Error.isError(error) || !('code' in error) || error.code !== 'ESRCH') throw error;
  }
}
