import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../../cache.ts';

const root = '/sys/fs/cgroup';

/** By cgroup version 1 and 2: four times what one process beside it has. With as much as one, a few busy processes of the machine starve every Pod. */
const cpuWeight = { 'cpu.shares': '4096', 'cpu.weight': '400' };

/** Makes the cgroup below which the kubelet puts its Pods, in every hierarchy: two kubelets would each end the Pods of the other as orphans. */
export async function makeCgroup(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const folder = join(hierarchy, name);
    if (hierarchy === root) await enableControllers();
    await mkdir(folder, { recursive: true });
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      // version 1: empty in a new group, and nothing can run in it until they are set
      if (hierarchy.endsWith('/cpuset')) await writeFile(join(folder, file), await readFile(join(hierarchy, file)));
    }
    for (const [file, weight] of Object.entries(cpuWeight)) {
      if (await exists(join(folder, file))) await writeFile(join(folder, file), weight);
    }
  }
}

/** Version 2: a group has the controllers that its parent hands down, and the kubelet wants all. */
async function enableControllers(): Promise<void> {
  const controllers = (await readFile(join(root, 'cgroup.controllers'), 'utf8')).trim().split(' ');
  await writeFile(join(root, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
}

/** Every process of every Pod below the cgroup. */
export async function cgroupProcesses(name: string): Promise<readonly number[]> {
  const pids = new Set<number>();
  for (const hierarchy of await hierarchies()) {
    for (const folder of await descendants(join(hierarchy, name))) {
      const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
      for (const line of text.split('\n')) if (line !== '') pids.add(Number(line));
    }
  }
  return [...pids];
}

/** Removes the cgroup, which must have no process left. */
export async function removeCgroup(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    for (const folder of await descendants(join(hierarchy, name))) await rmdir(folder);
  }
}

/** Version 2 has one hierarchy, version 1 one for each controller. */
async function hierarchies(): Promise<readonly string[]> {
  if (await exists(join(root, 'cgroup.controllers'))) return [root];
  const entries = await readdir(root, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name)); // the links are second names
}

/** Deepest first, the folder itself last; none where it is not there. */
async function descendants(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [];
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map(({ name }) => descendants(join(folder, name))),
  );
  return [...below.flat(), folder];
}
