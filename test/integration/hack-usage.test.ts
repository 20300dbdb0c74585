import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const run = promisify(execFile);
const checkout = resolve(import.meta.dirname, '../..');

test.each(['hack/cluster/main.ts', 'hack/demo/main.ts'])(
  '%s --help shows on stdout how it is called from the checkout, and is 0',
  async (script) => {
    const { stdout, stderr } = await run(process.execPath, [script, '--help'], { cwd: checkout });
    expect(stderr).toBe('');
    expect(stdout.startsWith(`node_modules/.bin/node ${script} `)).toBe(true);
    expect(stdout).not.toMatch(/(?<!\.bin\/)\bnode hack\//); // the Node of this checkout, not whichever is on the PATH
  },
);

test('hack/cluster/main.ts says which word is no command of it, above those that are', async () => {
  const call = run(process.execPath, ['hack/cluster/main.ts', 'statsu', '--name', 'nope'], { cwd: checkout });
  await expect(call).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^saw statsu; wanted a COMMAND of these\n\nnode_modules\/\.bin\/node hack\/cluster/),
  });
});
