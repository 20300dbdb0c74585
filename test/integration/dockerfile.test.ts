import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, lstat, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { buildImage } from '../../hack/image/build.ts';
import { operatorImage } from '../../hack/image/operator.ts';
import { stageImage, treeLine, treeOf, type TreeEntry } from '../../hack/image/tree.ts';

const run = promisify(execFile);
const asRoot = process.getuid?.() === 0 ? test : test.skip; // chroot
const root = resolve(import.meta.dirname, '../..');
const patience = (): AbortSignal => AbortSignal.timeout(100_000);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-dockerfile-'));
});
afterAll(() => rm(folder, { recursive: true }));

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

const operandsOf = (stage: readonly Instruction[], wanted: string): readonly string[] =>
  stage.filter(([name]) => name === wanted).map(([, operands]) => operands);

/** What an engine sends to the build of `.dockerignore`: here a list of what is let through. */
async function contextOf(target: string): Promise<void> {
  const lines = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n').filter((line) => /^[^#]/.test(line));
  const [first, ...others] = lines;
  expect([first, others.filter((line) => !/^![\w./-]+$/.test(line))]).toEqual(['*', []]);
  for (const name of others.map((line) => line.slice(1)))
    await cp(join(root, name), join(target, name), { recursive: true });
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
  const stages = stagesOf(await readFile(join(root, 'Dockerfile'), 'utf8'));
  const [files, image] = [stages.at(-2) ?? [], stages.at(-1) ?? []];
  expect(operandsOf(files, 'COPY')).toEqual(['. .']);

  const [context, staged] = [join(folder, 'context'), join(folder, 'staged')];
  await contextOf(context);
  await symlink(join(root, 'node_modules'), join(context, 'node_modules'));
  const [install = '', stage = ''] = operandsOf(files, 'RUN');
  expect(install).toMatch(/^npm ci /); // what it installs is in this checkout by the same lock file
  expect(stage).toMatch(/ \/image$/);
  await run('sh', ['-c', stage.replace(/\/image$/, staged)], { cwd: context, signal: patience() });

  const wanted = await operatorImage(patience());
  const { tarPath } = await buildImage(wanted, patience());
  expect(lines(await copied(staged))).toEqual(lines(await treeOf(tarPath, patience())));
  expect(image.map(([name, operands]) => (name === 'ENTRYPOINT' ? [name, JSON.parse(operands)] : [name, operands]))).toEqual([
    ['FROM', 'scratch'],
    ['COPY', `--from=${operandsOf(files, 'FROM')[0]?.split(' AS ')[1]} --chown=0:0 /image/ /`],
    ['ENV', Object.entries(wanted.config.env ?? {}).map(([name, value]) => `${name}=${value}`).join(' ')],
    ['WORKDIR', wanted.config.workingDir],
    ['USER', wanted.config.user],
    ['ENTRYPOINT', wanted.config.entrypoint],
  ]); // prettier-ignore
});

asRoot(
  'the image needs nothing but its own files: as its own user, to whom none of them belongs, and with nothing mounted it answers',
  async () => {
    const image = await operatorImage(patience());
    const staged = join(folder, 'root');
    await stageImage(image, staged, patience());
    const { entrypoint, user = '', env = {} } = image.config;
    const { stdout } = await run('chroot', [`--userspec=${user}`, staged, ...entrypoint, 'version'], { env: { ...process.env, ...env }, signal: patience() }); // prettier-ignore
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string };
    expect(stdout).toContain(version);
  },
);

test('a folder with something in it is not staged into: that would be in the image too', async () => {
  const image = { name: 'x:dev', files: [{ path: '/x', content: '' }], config: { entrypoint: ['/x'] } };
  const target = join(folder, 'twice');
  await stageImage(image, target, patience());
  await expect(stageImage(image, target, patience())).rejects.toThrow(`saw files in ${target}; wanted an empty folder`);
});
