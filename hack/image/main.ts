import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runScript } from '../script.ts';
import type { Image } from './archive.ts';
import { buildImage } from './build.ts';
import { nginxImage } from './nginx.ts';
import { operatorImage, sbomOf } from './operator.ts';
import { postgresImage } from './postgres.ts';
import { redisImage } from './redis.ts';
import { startTime } from './start.ts';
import { stageImage, treeLine, treeOf } from './tree.ts';
import { workloadImage } from './workload.ts';

const images: Readonly<Record<string, (signal: AbortSignal) => Promise<Image>>> = {
  operator: operatorImage,
  workload: workloadImage,
  redis: redisImage,
  postgres: postgresImage,
  nginx: nginxImage,
};

const names = Object.keys(images).join('|');
const usage = `node_modules/.bin/node hack/image/main.ts COMMAND

  build ${names}|all
      write a docker-archive, without a container engine, and say where it lies
  tree ${names}
      what is in the image, a line each: mode, owner, SHA-256, path
  stage ${names} FOLDER
      write its files into a folder, for the Dockerfile to copy
  sbom
      what the operator's image is made of, as CycloneDX
  start
      how long the operator's program takes to start
`;

await runScript(main);

async function main([command, ...operands]: readonly string[], signal: AbortSignal): Promise<number> {
  const wanted = command === 'build' && operands.includes('all') ? Object.keys(images) : operands;
  const [name, folder] = wanted;
  if (command === 'build' && wanted.length > 0 && wanted.every(isKnown)) {
    for (const one of wanted) await build(one, signal);
  } else if (command === 'tree' && isKnown(name) && folder === undefined) await tree(name, signal);
  else if (command === 'stage' && isKnown(name) && folder !== undefined)
    await stageImage(await described(name, signal), folder, signal);
  else if (command === 'sbom' && name === undefined) process.stdout.write(await sbomOf(signal));
  else if (command === 'start' && name === undefined) await start(signal);
  else {
    process.stderr.write(usage);
    return 2;
  }
  return 0;
}

function isKnown(name = ''): name is string {
  return Object.hasOwn(images, name);
}

function described(name: string, signal: AbortSignal): Promise<Image> {
  const describe = images[name];
  if (describe === undefined) throw new RangeError(usage);
  return describe(signal);
}

async function build(name: string, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  console.log(`==> image of the ${name}`);
  const built = await buildImage(await described(name, signal), signal);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const megabytes = (built.sizeBytes / 1e6).toFixed(1);
  console.log(`    ${built.name} ${built.digest}`);
  console.log(`    ${built.tarPath} (${megabytes} MB, ${built.isNew ? 'built' : 'unchanged'} in ${seconds} s)`);
}

async function tree(name: string, signal: AbortSignal): Promise<void> {
  const { tarPath } = await buildImage(await described(name, signal), signal);
  for (const entry of await treeOf(tarPath, signal)) process.stdout.write(`${treeLine(entry)}\n`);
}

async function start(signal: AbortSignal): Promise<void> {
  const args = ['manager', '--help'];
  const folder = await mkdtemp(join(tmpdir(), 'genops-image-'));
  try {
    const image = await operatorImage(signal);
    await stageImage(image, folder, signal);
    const milliseconds = await startTime(image, folder, args, signal);
    console.log(`    starts in ${Math.round(milliseconds)} ms: \`genops ${args.join(' ')}\` from its files, median`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
