import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianPackages } from './debian.ts';
import { onFreePort } from './free-port.ts';
import { launchServer, stopServer } from './process.ts';

export interface PrometheusOptions {
  /** The text of prometheus.yml; its relative paths start at the server's folder. */
  readonly config: string;
}

/** A real Prometheus 2.42 of a test's own, in a folder of its own. */
export interface PrometheusServer extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  pid(): number;
  /** SIGKILL. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** The same port and data. */
  restart(): Promise<void>;
  log(): Promise<string>;
}

/** Starts a server and waits until /-/ready. `await using` ends it and removes its folder. */
export async function startPrometheus({ config }: PrometheusOptions): Promise<PrometheusServer> {
  const binary = await prometheusProgram('prometheus');
  const folder = await mkdtemp(join(tmpdir(), 'genops-prometheus-'));
  try {
    await writeFile(join(folder, 'prometheus.yml'), config);
    return await onFreePort((port) => startIn(folder, port, binary));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The path of a program of Debian's package, fetched on first use. */
export async function prometheusProgram(name: 'prometheus' | 'promtool'): Promise<string> {
  return join(await debianPackages('prometheus', ['prometheus']), 'usr/bin', name);
}

async function startIn(folder: string, port: number, binary: string): Promise<PrometheusServer> {
  const url = `http://127.0.0.1:${port}`;
  const launch = () =>
    launchServer({
      binary,
      args: [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      cwd: folder,
      logFile: join(folder, 'server.log'),
      ready: (signal) => ready(url, signal),
    });
  let child = await launch();
  const stop = () => stopServer(child);
  return {
    url,
    folder,
    pid: () => child.pid ?? Number.NaN,
    kill: () => stopServer(child, 0, 'SIGKILL'),
    stop,
    restart: async () => {
      await stop();
      child = await launch();
    },
    log: () => readFile(join(folder, 'server.log'), 'utf8'),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ready(url: string, signal: AbortSignal): Promise<void> {
  const { ok, status } = await fetch(`${url}/-/ready`, { signal });
  if (!ok) throw new Error(`/-/ready answers ${status}`);
}
