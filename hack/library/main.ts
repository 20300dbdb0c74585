import { resolve } from 'node:path';
import { runScript } from '../script.ts';
import { buildLibrary } from './build.ts';

const folder = resolve(import.meta.dirname, '../../.cache/library');

await runScript(async (_, signal) => {
  const packages = await buildLibrary(folder, signal);
  process.stdout.write(`${folder}: genops/runtime, which needs ${packages.join(', ')}; next: npm pack ${folder}\n`);
  return 0;
});
