import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import type { Manifest } from '../../operator/kube/object.ts';

const run = promisify(execFile);

/**
 * A CustomResourceDefinition as a release has it: Go keeps the whole module in its cache, with what is no Go.
 *
 * @param release `module@version`
 * @param file Its path in the module.
 */
export async function releasedKind(release: string, file: string): Promise<Manifest> {
  const { stdout } = await run('go', ['mod', 'download', '-json', release], { cwd: tmpdir() });
  const { Dir: folder } = JSON.parse(stdout) as { readonly Dir: string };
  return parse(await readFile(join(folder, file), 'utf8')) as Manifest;
}
