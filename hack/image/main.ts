import { runScript } from '../script.ts';
import type { Image } from './archive.ts';
import { buildImage } from './build.ts';
import { nginxImage } from './nginx.ts';
import { operatorImage } from './operator.ts';
import { postgresImage } from './postgres.ts';
import { redisImage } from './redis.ts';
import { workloadImage } from './workload.ts';

const images: Readonly<Record<string, (signal: AbortSignal) => Promise<Image>>> = {
  operator: operatorImage,
  workload: workloadImage,
  redis: redisImage,
  postgres: postgresImage,
  nginx: nginxImage,
};

const usage = `node hack/image/main.ts build ${[...Object.keys(images), 'all'].join('|')}`;

await runScript(main);

async function main([verb, ...names]: readonly string[], signal: AbortSignal): Promise<number> {
  const wanted = names.includes('all') ? Object.keys(images) : names;
  if (verb !== 'build' || wanted.length === 0 || !wanted.every((name) => Object.hasOwn(images, name))) {
    console.error(usage);
    return 2;
  }
  for (const name of wanted) await build(name, signal);
  return 0;
}

async function build(name: string, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const describe = images[name];
  if (describe === undefined) throw new Error(usage);
  console.log(`==> image of the ${name}`);
  const built = await buildImage(await describe(signal), signal);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const megabytes = (built.sizeBytes / 1e6).toFixed(1);
  console.log(`    ${built.name} ${built.digest}`);
  console.log(`    ${built.tarPath} (${megabytes} MB, ${built.isNew ? 'built' : 'unchanged'} in ${seconds} s)`);
}
