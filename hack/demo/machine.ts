import { readFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';

/** What a machine had to do at one moment. */
export interface MachineLook {
  readonly cores: number;
  /** Processes that ran or waited to, over the last minute. */
  readonly load: number;
  /** Since the machine's start, in ticks; absent where nobody counts them. */
  readonly cpu?: { readonly total: number; readonly stolen: number };
}

export async function lookAtMachine(): Promise<MachineLook> {
  const [load = 0] = loadavg();
  const stat = await readFile('/proc/stat', 'utf8').catch(() => '');
  const ticks = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number).slice(0, 8); // the two of guests are in those of users
  const cpu = ticks && { total: ticks.reduce((sum, count) => sum + count, 0), stolen: ticks[7] ?? 0 };
  return { cores: availableParallelism(), load, ...(cpu && { cpu }) };
}

/** Processes a core: as the demo begins all of them are others'; at its end most are its own. And the share of time that the host took. */
const tooMuch = { loadBefore: 1, loadAfter: 4, stolen: 0.1 };

/** Undefined: the machine had room. Else why what the demo claims may not have happened in time. */
export function machineWords(before: MachineLook, after: MachineLook): string | undefined {
  const stolen =
    before.cpu === undefined || after.cpu === undefined || after.cpu.total === before.cpu.total
      ? 0
      : (after.cpu.stolen - before.cpu.stolen) / (after.cpu.total - before.cpu.total);
  const isOverloaded =
    before.load > tooMuch.loadBefore * before.cores ||
    after.load > tooMuch.loadAfter * after.cores ||
    stolen > tooMuch.stolen;
  if (!isOverloaded) return undefined;
  const taken = stolen > tooMuch.stolen ? `, and its host took ${Math.round(stolen * 100)} % of its time` : '';
  return `saw a load of ${before.load.toFixed(1)} as the demo began and ${after.load.toFixed(1)} at its end, on ${before.cores} cores${taken}; wanted room for a cluster, a workload and its load; next: this may be the machine and not the product: try again when nothing else runs`;
}
