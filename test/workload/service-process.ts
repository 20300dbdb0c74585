import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../hack/servers/free-port.ts';
import { spawnServer, stopServer } from '../../hack/servers/process.ts';
import { eventually } from '../world/eventually.ts';

/** The reference service as a process of its own, on free ports of loopback. */
export interface ServiceProcess extends AsyncDisposable {
  readonly url: string;
  readonly metricsUrl: string;
  /** SIGTERM, as the kubelet sends it; resolves with the exit code when the process has ended. */
  terminate(): Promise<number | null>;
  log(): Promise<string>;
}

/** Starts it with these variables and waits until it is ready. */
export async function startService(env: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'genops-workload-'));
  const logFile = join(folder, 'service.log');
  const [port, metricsPort] = [await freePort(), await freePort()];
  const child = await spawnServer({
    binary: process.execPath,
    args: [join(import.meta.dirname, 'service/main.ts')],
    cwd: folder,
    env: { ...env, PORT: String(port), METRICS_PORT: String(metricsPort) },
    logFile,
  });
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await stopServer(child);
    await rm(folder, { recursive: true, force: true });
  };
  const explain = () => readFile(logFile, 'utf8');
  try {
    await eventually(async () => (await fetch(`${url}/readyz`)).ok || Promise.reject(new Error('not ready')), {
      explain,
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    async terminate() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      return child.exitCode;
    },
    log: explain,
    [Symbol.asyncDispose]: stop,
  };
}
