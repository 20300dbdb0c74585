import { dirname, join } from 'node:path';
import { redis7 } from '../servers/redis-binary.ts';
import type { Image } from './archive.ts';
import { baseFiles, nonroot } from './base.ts';
import { sharedLibraries } from './shared-libraries.ts';

/** Redis 7.0 with redis-cli, as Debian ships it. `/data` is meant for a volume; arguments of the container are those of redis-server. */
export async function redisImage(signal: AbortSignal): Promise<Image> {
  const { binary, libraryPath } = await redis7();
  const cli = join(dirname(binary), 'redis-cli');
  const libraries = [
    ...(await sharedLibraries(binary, libraryPath, signal)),
    ...(await sharedLibraries(cli, libraryPath, signal)),
  ];
  return {
    name: 'genops-redis:dev',
    files: [
      ...baseFiles(),
      { path: '/usr/bin/redis-server', from: binary, mode: 0o755 },
      { path: '/usr/bin/redis-cli', from: cli, mode: 0o755 },
      { path: '/data', folder: true, mode: 0o1777 },
      ...new Map(libraries.map((file) => [file.path, file])).values(),
    ],
    config: { entrypoint: ['/usr/bin/redis-server'], user: nonroot, workingDir: '/data', exposedPorts: [6379] },
  };
}
