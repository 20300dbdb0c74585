import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findOnPath } from '../../../hack/cluster/client-programs.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-path-'));
  for (const [name, mode] of [
    ['plain', 0o644],
    ['first', 0o755],
    ['second', 0o755],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'kubectl'), '');
    await chmod(join(folder, name, 'kubectl'), mode);
  }
});

afterAll(async () => rm(folder, { recursive: true }));

describe('findOnPath()', () => {
  test('takes the first that can be executed', async () => {
    const path = ['plain', 'none', 'first', 'second'].map((name) => join(folder, name)).join(':');
    expect(await findOnPath('kubectl', path)).toBe(join(folder, 'first/kubectl'));
  });

  test('finds nothing in the current folder for an empty entry', async () => {
    expect(await findOnPath('package.json', '::')).toBeUndefined();
  });
});
