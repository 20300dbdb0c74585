import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Keeper } from './keeper.ts';
import { clusterPlan, slots, type ClusterPlan } from './plan.ts';

/** What the machine knows of a cluster: `cluster.json` in the folder of its slot. */
export interface ClusterRecord {
  readonly name: string;
  /** The checkout that started it: two checkouts may both have a `default`. */
  readonly checkout: string;
  /** `starting` with nobody holding its lock is what a killed harness left. */
  readonly phase: 'starting' | 'ready';
  /** The command that it is for; without one it is a person's, who ends it. */
  readonly keeper?: Keeper;
  readonly binDir: string;
  /** The minor that was asked for; empty: the newest. */
  readonly kubernetes: string;
  /** Empty without a node. */
  readonly containerdDir: string;
  /** False: the API server and the controllers alone. */
  readonly node: boolean;
  readonly audit: boolean;
  readonly autoscalerSyncPeriod: string;
}

export interface Registered {
  readonly plan: ClusterPlan;
  readonly record: ClusterRecord;
}

/** The folder of all clusters. Root's survive a change of the temporary folder; others have no place with a short name but that. */
export function baseFolder(): string {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? '/var/lib/genops' : join(tmpdir(), `genops-${uid}`);
}

export function lockName({ name, checkout }: Pick<ClusterRecord, 'name' | 'checkout'>): string {
  return `cluster-${createHash('sha256').update(`${checkout}\n${name}`).digest('hex').slice(0, 16)}`;
}

export async function registered(): Promise<readonly Registered[]> {
  const all = await Promise.all(
    slots.map(async (slot) => {
      const plan = clusterPlan(baseFolder(), slot);
      const record = await readRecord(plan.folder);
      return record === undefined ? [] : [{ plan, record }];
    }),
  );
  return all.flat();
}

/** Takes a slot that nobody has. Its folder appears with the record in it: a folder that nobody knows of would take a slot for ever. */
export async function claimSlot(record: ClusterRecord): Promise<ClusterPlan> {
  await mkdir(baseFolder(), { recursive: true, mode: 0o755 });
  const folder = await mkdtemp(join(baseFolder(), '.new-'));
  await chmod(folder, 0o755);
  await writeRecord(folder, record);
  for (const slot of slots) {
    const plan = clusterPlan(baseFolder(), slot);
    if (await renamed(folder, plan.folder)) return plan;
  }
  await rm(folder, { recursive: true });
  throw new Error(`all ${slots.length} slots in ${baseFolder()} are taken; end a cluster with \`make cluster-down\``);
}

/** False where something is there already. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (Error.isError(error) && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))
      return false;
    throw error;
  }
}

export async function writeRecord(folder: string, record: ClusterRecord): Promise<void> {
  const path = join(folder, 'cluster.json');
  await writeFile(`${path}.new`, JSON.stringify(record, undefined, 2));
  await rename(`${path}.new`, path);
}

async function readRecord(folder: string): Promise<ClusterRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, 'cluster.json'), 'utf8')) as ClusterRecord;
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
