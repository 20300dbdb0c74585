import { isLease, isWrite, type AuditedRequest, type AuditLog } from './audit-log.ts';
import { cpuSeconds, machineSeconds } from './usage.ts';

/** What was used and asked between two laps. Requests are the operator's; its Lease is in `leaseRequests` only. */
export interface Lap {
  readonly seconds: number;
  readonly operatorCpu: number;
  readonly apiServerCpu: number;
  /** Cores that programs took which are no party of the benchmark. */
  readonly foreignCores: number;
  readonly requests: readonly AuditedRequest[];
  readonly leaseRequests: number;
  readonly writes: number;
}

export interface Meter {
  /** Everything since the last lap. */
  lap(signal: AbortSignal): Promise<Lap>;
}

export interface Parties {
  readonly operator: () => number | undefined;
  readonly apiServer: () => number;
  /** The rest of ours: etcd, the controller manager. */
  readonly others: () => readonly number[];
}

interface Reading {
  readonly at: number;
  readonly machine: number;
  readonly self: number;
  readonly perProcess: ReadonlyMap<number, number>;
}

async function read({ operator, apiServer, others }: Parties): Promise<Reading> {
  const pids = [operator(), apiServer(), ...others()].filter((pid) => pid !== undefined);
  const perProcess = new Map(await Promise.all(pids.map(async (pid) => [pid, await cpuSeconds(pid)] as const)));
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), machine: await machineSeconds(), self: (user + system) / 1e6, perProcess };
}

export async function startMeter(parties: Parties, log: AuditLog, signal: AbortSignal): Promise<Meter> {
  await log.lap(signal);
  let before = await read(parties);
  return {
    async lap(until) {
      const after = await read(parties);
      const asked = await log.lap(until);
      const since = (pid: number | undefined): number =>
        pid === undefined ? 0 : (after.perProcess.get(pid) ?? 0) - (before.perProcess.get(pid) ?? 0);
      const ours = [...after.perProcess.keys()].reduce((sum, pid) => sum + since(pid), after.self - before.self);
      const seconds = (after.at - before.at) / 1000;
      const requests = asked.filter((request) => !isLease(request));
      const lap = {
        seconds,
        operatorCpu: since(parties.operator()),
        apiServerCpu: since(parties.apiServer()),
        foreignCores: Math.max(0, after.machine - before.machine - ours) / seconds,
        requests,
        leaseRequests: asked.length - requests.length,
        writes: requests.filter(isWrite).length,
      };
      before = after;
      return lap;
    },
  };
}
