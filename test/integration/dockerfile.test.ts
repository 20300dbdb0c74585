import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Image } from '../../hack/image/archive.ts';
import { buildImage } from '../../hack/image/build.ts';
import { operatorImage } from '../../hack/image/operator.ts';
import { startTime } from '../../hack/image/start.ts';
import { stageImage, treeLine, treeOf, type TreeEntry } from '../../hack/image/tree.ts';

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0 ? test : test.skip; // chroot
const root = resolve(import.meta.dirname, '../..');
const patience = (): AbortSignal => AbortSignal.timeout(100_000);
let stages: readonly (readonly Instruction[])[];
let image: Image;
let staged: string;
beforeAll(async () => {
  image = await operatorImage(patience());
  stages = stagesOf(await readFile(join(root, 'Dockerfile'), 'utf8'));
  staged = await mkdtemp(join(tmpdir(), 'genops-dockerfile-'));
  await chmod(staged, 0o755); // as the root of a file system is
  await stage(operandsOf(stages.at(-2) ?? [], 'RUN'));
}, 200_000);
afterAll(() => rm(staged, { recursive: true }));

type Instruction = readonly [name: string, operands: string];

/** The stages of a Dockerfile, each with its FROM first. */
function stagesOf(dockerfile: string): readonly (readonly Instruction[])[] {
  const instructions = dockerfile
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): Instruction => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]);
  const starts = instructions.flatMap(([name], index) => (name === 'FROM' ? [index] : []));
  return starts.map((start, index) => instructions.slice(start, starts[index + 1]));
}

const operandsOf = (instructions: readonly Instruction[], wanted: string): readonly string[] =>
  instructions.filter(([name]) => name === wanted).map(([, operands]) => operands);

/** What an engine sends to the build of `.dockerignore`: here a list of what is let through. */
async function contextOf(target: string): Promise<void> {
  const lines = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n').filter((line) => /^[^#]/.test(line));
  const [first, ...others] = lines;
  expect([first, others.filter((line) => !/^![\w./-]+$/.test(line))]).toEqual(['*', []]);
  for (const name of others.map((line) => line.slice(1)))
    await cp(join(root, name), join(target, name), { recursive: true });
}

/** Runs the steps of the Dockerfile's first stage but for the network: what `npm ci` installs is in this checkout, by the same lock file. */
async function stage([install = '', step = '']: readonly string[]): Promise<void> {
  expect(install).toMatch(/^npm ci /);
  expect(step).toMatch(/ \/image$/);
  // Beside node_modules, with links to their files: the bundle says where each source is from.
  await mkdir(join(root, '.cache'), { recursive: true });
  const context = await mkdtemp(join(root, '.cache/dockerfile-'));
  try {
    await contextOf(context);
    await run('cp', ['-al', join(root, 'node_modules'), context]);
    await run('sh', ['-c', step.replace(/\/image$/, staged)], { cwd: context, signal: patience() });
  } finally {
    await rm(context, { recursive: true });
  }
}

/** The tree that a folder becomes when an engine copies it with `--chown=0:0`. */
async function copied(from: string): Promise<readonly TreeEntry[]> {
  const names = await readdir(from, { recursive: true });
  const entries = names.map(async (name): Promise<TreeEntry> => {
    const stats = await lstat(join(from, name));
    const entry = { path: `/${name}${stats.isDirectory() ? '/' : ''}`, mode: stats.mode & 0o7777, uid: 0, gid: 0 };
    if (stats.isDirectory()) return entry;
    expect(stats.isFile()).toBe(true);
    return { ...entry, digest: createHash('sha256').update(await readFile(join(from, name))).digest('hex') }; // prettier-ignore
  });
  return Promise.all(entries);
}

const lines = (tree: readonly TreeEntry[]): readonly string[] => tree.map(treeLine).toSorted();

test('the Dockerfile makes the image that is built without an engine: the same files, user, environment and entry point', async () => {
  const [files = [], last = []] = stages.slice(-2);
  expect(operandsOf(files, 'COPY')).toEqual(['. .']);
  const { tarPath } = await buildImage(image, patience());
  expect(lines(await copied(staged))).toEqual(lines(await treeOf(tarPath, patience())));
  const { env = {}, workingDir, user, entrypoint } = image.config;
  expect(last.map(([name, operands]) => (name === 'ENTRYPOINT' ? [name, JSON.parse(operands)] : [name, operands]))).toEqual([
    ['FROM', 'scratch'],
    ['COPY', `--from=${operandsOf(files, 'FROM')[0]?.split(' AS ')[1]} --chown=0:0 /image/ /`],
    ['ENV', Object.entries(env).map(([name, value]) => `${name}=${value}`).join(' ')],
    ['WORKDIR', workingDir],
    ['USER', user],
    ['ENTRYPOINT', entrypoint],
  ]); // prettier-ignore
});

asRoot(
  'the image needs nothing but its own files: as its own user, to whom none of them belongs, and with nothing mounted it answers',
  async () => {
    const { entrypoint, user = '', env = {} } = image.config;
    const { stdout } = await run('chroot', [`--userspec=${user}`, staged, ...entrypoint, 'version'], { env: { ...process.env, ...env }, signal: patience() }); // prettier-ignore
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string };
    expect(stdout).toContain(version);
  },
);

test('how long it takes to start is measured by its own program, which has to answer', async () => {
  expect(await startTime(image, staged, ['version'], patience())).toBeGreaterThan(20);
  await expect(startTime(image, staged, ['frobnicate'], patience())).rejects.toThrow('frobnicate');
});

test('a folder with something in it is not staged into: that would be in the image too', async () => {
  await expect(stageImage(image, staged, patience())).rejects.toThrow(`saw files in ${staged}; wanted an empty folder`);
});
