import { beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { progressOn } from '../../hack/cluster/progress.ts';
import { actionlintProgram } from '../../hack/cluster/tools.ts';

const run = promisify(execFile);

let program: string;
beforeAll(async () => {
  program = join(await actionlintProgram(progressOn(process.stderr), AbortSignal.timeout(300_000)), 'actionlint');
}, 300_000);

/** What actionlint says of workflow files; '' where they are as GitHub takes them. */
async function wrongWith(...files: readonly string[]): Promise<string> {
  try {
    return (await run(program, ['-shellcheck=', '-pyflakes=', '-oneline', ...files])).stdout;
  } catch (error) {
    if (Error.isError(error) && 'stdout' in error && error.stdout !== '') return String(error.stdout);
    throw error;
  }
}

test('every workflow file is one that GitHub takes: keys, expressions, inputs of actions', async () => {
  const files = globSync('.github/workflows/*.yaml');
  expect(files).not.toEqual([]);
  expect(await wrongWith(...files)).toBe('');

  const folder = await mkdtemp(join(tmpdir(), 'genops-workflow-'));
  try {
    const broken = join(folder, 'broken.yaml');
    await writeFile(broken, (await readFile(files[0] ?? '', 'utf8')).replace('matrix.kind', 'matrix.knid'));
    expect(await wrongWith(broken)).toMatch(/property "knid" is not defined/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
