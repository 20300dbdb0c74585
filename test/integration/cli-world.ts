import { afterAll } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { main } from '../../operator/cli/main.ts';
import { kubeconfigPath, type World } from '../world/world.ts';

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Of the test file that asks for it. */
export const directory = await mkdtemp(path.join(tmpdir(), 'genops-cli-'));
afterAll(() => rm(directory, { recursive: true }));

/** `genops ARGS` in the namespace of a world. */
export async function genops(world: World, ...args: readonly string[]): Promise<Answer> {
  let [out, err] = ['', ''];
  const code = await main({
    args: [
      ...args,
      ...(args.includes('--kubeconfig') ? [] : ['--kubeconfig', kubeconfigPath()]),
      '-n',
      world.namespace,
    ],
    env: {},
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    signal: world.signal,
  });
  return { code, out, err };
}

export const run = promisify(execFile);
/** `genops ARGS` as a process of its own. */
export const program = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  run(process.execPath, ['operator/main.ts', ...args], {
    env: { PATH: process.env['PATH'], HOME: directory, ...env },
    timeout: 30_000,
  });

export const redis = [{ name: 'cache', secretRef: { name: 'redis' } }];
