import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { buildLibrary } from '../../hack/library/build.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const program = (name: string) => join(root, 'node_modules/.bin', name);

/** A project of its own that has installed the package; what that needs is where Node looks for it, further up. */
async function project() {
  await mkdir(join(root, '.cache/test'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache/test/library-'));
  const installed = join(folder, 'node_modules/genops');
  const packages = await buildLibrary(installed, AbortSignal.timeout(60_000));
  return { folder, installed, packages, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

const start = /^```ts\n(.*?)^```/ms.exec(await readFile(join(root, 'operator/runtime/README.md'), 'utf8'))?.[1] ?? '';

/** What the admin example of docs/runtime.md stands on. */
const around = `import { createAdmin, type Cache, type CacheWarmer, type MemoryOptimizer, type PushedSettings } from 'genops/runtime';
declare const settings: PushedSettings;
declare const memory: MemoryOptimizer;
declare const cache: Cache;
declare const warmer: CacheWarmer;
declare const { method, path, headers, text }: { method: string; path: string; headers: NodeJS.Dict<string>; text: string };
`;
const guide = await readFile(join(root, 'docs/runtime.md'), 'utf8');
const admin = around + (/^```ts\n(const admin = .*?)^```/ms.exec(guide)?.[1] ?? 'missing');

const main = `import { createSettings, defaultSettings, openPools, type ConcurrencyPool } from 'genops/runtime';
using pools = openPools(createSettings(defaultSettings));
const pool: ConcurrencyPool = pools.of('ai_api');
const answer: number = await pool.run(() => Promise.resolve(pool.running));
console.log(JSON.stringify({ limit: pool.limit, answer }));
`;
const compilerOptions = {
  strict: true,
  skipLibCheck: true,
  module: 'nodenext',
  target: 'esnext',
  types: ['node'],
  noEmit: true,
};

test('the start in its README has ten lines', () => {
  expect(start.split('\n').filter((line) => line !== '')).toHaveLength(10);
});

test('the library that is published has types, runs, brings nothing of the operator, and of it a bundle only what is used', async () => {
  await using user = await project();
  const files = {
    'main.ts': main,
    'start.ts': start,
    'admin.ts': admin,
    'wrong.ts': main.replace('answer: number', 'answer: string'),
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['main.ts', 'start.ts', 'admin.ts', 'wrong.ts'] }),
    'package.json': JSON.stringify({ type: 'module' }),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(user.folder, name), text);
  const checked = await run(program('tsc'), ['-p', user.folder], { cwd: user.folder }).catch((error: unknown) => error);
  const { stdout: complaints } = checked as { readonly stdout: string };
  expect(complaints.trim().split('\n')).toEqual([
    expect.stringMatching(/^wrong\.ts.*Type 'number' is not assignable to type 'string'\.$/),
  ]);
  const { stdout } = await run(program('node'), [join(user.folder, 'main.ts')]);
  expect(JSON.parse(stdout)).toEqual({ limit: 5, answer: 1 });

  const manifest = JSON.parse(await readFile(join(user.installed, 'package.json'), 'utf8')) as {
    readonly dependencies: object;
  };
  expect(user.packages).toEqual(['ioredis', 'lru-cache', 'pg', 'piscina', 'prom-client', 'typebox', 'undici']);
  expect(Object.keys(manifest.dependencies)).toEqual(expect.arrayContaining(['@types/pg', 'undici']));

  const { metafile } = await build({
    absWorkingDir: user.folder,
    entryPoints: ['main.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  const used = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  expect(used.map(([file]) => file).filter((file) => !file.includes('genops/dist'))).toEqual(['main.ts']);
  expect(output?.bytes).toBeLessThan(20_000);
}, 240_000);
