import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { libraryManifest, packagesIn, type Checkout } from './manifest.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** The package `genops` with its library, as it is published: JavaScript and types, since Node strips no types under node_modules. @returns What a user installs with it. */
export async function buildLibrary(folder: string, signal: AbortSignal): Promise<readonly string[]> {
  const dist = join(folder, 'dist');
  await rm(dist, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const tsc = join(root, 'node_modules/.bin/tsc');
  await run(tsc, ['-p', join(root, 'operator/runtime/tsconfig.json'), '--outDir', dist], { signal });
  const packages = packagesIn(await textsIn(dist));
  const checkout = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Checkout;
  await writeFile(
    join(folder, 'package.json'),
    `${JSON.stringify(libraryManifest(checkout, packages), undefined, 2)}\n`,
  );
  await copyFile(join(root, 'operator/runtime/README.md'), join(folder, 'README.md'));
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  return packages;
}

async function textsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(files.map(async ({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')));
}
