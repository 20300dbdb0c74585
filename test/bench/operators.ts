import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitUntil } from '../../hack/cluster/ready.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { hasEnded, spawnServer, stopServer } from '../../hack/servers/process.ts';

/** An operator that can be measured: how it is started as a process of its own. */
export interface Contestant {
  readonly name: 'genops' | 'go';
  readonly binary: string;
  /** Those of every operator follow: --kubeconfig, --lease-namespace, --health-probe-bind-address. */
  readonly args: readonly string[];
}

export interface Operator extends AsyncDisposable {
  pid(): number | undefined;
  /** Resolves when /readyz says so. */
  start(signal: AbortSignal): Promise<void>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface OperatorOptions {
  readonly folder: string;
  readonly kubeconfigPath: string;
  readonly leaseNamespace: string;
}

export async function prepareOperator(
  { name, binary, args }: Contestant,
  { folder, kubeconfigPath, leaseNamespace }: OperatorOptions,
): Promise<Operator> {
  const probes = `127.0.0.1:${await freePort()}`;
  const logFile = join(folder, `${name}.log`);
  const all = [
    ...args,
    `--kubeconfig=${kubeconfigPath}`,
    `--lease-namespace=${leaseNamespace}`,
    `--health-probe-bind-address=${probes}`,
  ];
  let child: ChildProcess | undefined;
  const isReady = async (signal: AbortSignal): Promise<boolean> => {
    if (child === undefined || hasEnded(child)) return false;
    const answer = await fetch(`http://${probes}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(2000)]),
    });
    await answer.bytes();
    return answer.ok;
  };
  return {
    pid: () => child?.pid,
    async start(signal) {
      child = await spawnServer({ binary, args: all, cwd: folder, env: { NODE_ENV: 'production' }, logFile });
      await waitUntil(`${name} ready`, isReady, { timeoutMs: 30_000, signal }).catch(async (error: unknown) => {
        const log = (await readFile(logFile, 'utf8')).split('\n').slice(-20).join('\n');
        throw new Error(`${name} did not become ready; it said:\n${log}`, { cause: error });
      });
    },
    async kill() {
      if (child === undefined || hasEnded(child)) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    async [Symbol.asyncDispose]() {
      if (child !== undefined) await stopServer(child);
    },
  };
}
