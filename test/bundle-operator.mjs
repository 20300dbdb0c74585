import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from '../hack/image/bundle.ts';

const folder = join(import.meta.dirname, '../.cache/test');

/** The operator in one file, as its image has it, once for all tests of a run: it starts in half the time of its sources. test/world/operator-process.ts starts it. */
export default async function bundleOperator() {
  await mkdir(folder, { recursive: true });
  const unfinished = join(folder, `genops.${process.pid}`);
  await writeFile(unfinished, await bundle('operator/main.ts'));
  await rename(unfinished, join(folder, 'genops.mjs')); // runs side by side never see half of it
}
