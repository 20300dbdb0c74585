import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { debianPackages } from './debian.ts';
import { onFreePort } from './free-port.ts';
import { launchServer, stopServer } from './process.ts';

export interface PrometheusOptions {
  /** The text of prometheus.yml; its relative paths start at the server's folder. */
  readonly config: string;
  /** Behind TLS and a login: https on localhost. */
  readonly web?: {
    /** The text of its web.yml. */
    readonly config: string;
    /** Files that it names, in the server's folder. */
    readonly files: Readonly<Record<string, string>>;
    /** How to speak to it: authority and client certificate. */
    readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  };
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
export async function startPrometheus({ config, web }: PrometheusOptions): Promise<PrometheusServer> {
  const binary = await prometheusProgram('prometheus');
  const folder = await mkdtemp(join(tmpdir(), 'genops-prometheus-'));
  try {
    await writeFile(join(folder, 'prometheus.yml'), config);
    const files: Record<string, string> = web === undefined ? {} : { ...web.files, 'web.yml': web.config };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await onFreePort((port) => startIn(folder, port, { binary, web }));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The path of a program of Debian's package, fetched on first use. */
export async function prometheusProgram(name: 'prometheus' | 'promtool'): Promise<string> {
  return join(await debianPackages('prometheus', ['prometheus']), 'usr/bin', name);
}

async function startIn(
  folder: string,
  port: number,
  { binary, web }: { readonly binary: string; readonly web: PrometheusOptions['web'] | undefined },
): Promise<PrometheusServer> {
  const url = web === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  const launch = () =>
    launchServer({
      binary,
      args: [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        ...(web === undefined ? [] : [`--web.config.file=${join(folder, 'web.yml')}`]),
      ],
      cwd: folder,
      logFile: join(folder, 'server.log'),
      ready: (signal) => ready(url, web?.tls, signal),
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

/** One that wants a login says so as soon as it is there. */
async function ready(url: string, tls: { readonly ca: string } | undefined, signal: AbortSignal): Promise<void> {
  const agent = new Agent({ connect: tls ?? {} });
  const { statusCode, body } = await request(`${url}/-/ready`, { dispatcher: agent, signal });
  await body.dump();
  await agent.close();
  if (statusCode !== 200 && statusCode !== 401) throw new Error(`/-/ready answers ${statusCode}`);
}
