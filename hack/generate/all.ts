/** Writes every generated file; with --check says which ones are not what their source gives, and fails. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { apiReference } from './api-reference.ts';
import { chartCrds } from './chart.ts';
import { cliReference } from './cli-reference.ts';
import { conditionsReference } from './conditions-reference.ts';
import { crds } from './crds.ts';
import { loadBalancerSchema } from './load-balancer-schema.ts';
import { metricsReference } from './metrics-reference.ts';
import { monitoring } from './monitoring.ts';
import { openapiReference } from './openapi.ts';
import { runtimeSchema } from './runtime-schema.ts';

const root = path.resolve(import.meta.dirname, '../..');
const files = new Map([
  ...crds(),
  ...apiReference(),
  ...conditionsReference(),
  ...chartCrds(),
  ...metricsReference(),
  ...monitoring(),
  ...cliReference(),
  ...openapiReference(),
  ...runtimeSchema(),
  ...loadBalancerSchema(),
]);

async function write(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), text);
}

async function isCurrent(file: string, text: string): Promise<boolean> {
  const found = await readFile(path.join(root, file), 'utf8').catch(() => undefined);
  return found === text;
}

if (process.argv.includes('--check')) {
  const results = await Promise.all(
    [...files].map(async ([file, text]) => ((await isCurrent(file, text)) ? [] : [file])),
  );
  const stale = results.flat();
  for (const file of stale) console.error(`${file} is not what its source gives: run make generate`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  await Promise.all([...files].map(async ([file, text]) => write(file, text)));
  console.log(`wrote ${files.size} files`);
}
