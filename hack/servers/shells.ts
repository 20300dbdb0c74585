import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { debianPackages } from './debian.ts';

const run = promisify(execFile);

/** Runs the shell with arguments and environment; resolves to its stdout, rejects with its stderr. */
type Shell = (args: readonly string[], env: Readonly<Record<string, string>>) => Promise<string>;

/** zsh and fish of this Debian, fetched the first time: what is written for a shell is tried in it. */
export async function shells(): Promise<{ readonly zsh: Shell; readonly fish: Shell }> {
  const root = await debianPackages('shells', ['zsh', 'zsh-common', 'fish', 'fish-common', 'libpcre2-32-0']);
  const shell =
    (binary: string, own: Readonly<Record<string, string>>): Shell =>
    async (args, env) => {
      const all = { LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu'), ...own, ...env };
      return (await run(join(root, binary), args, { env: all, timeout: 30_000 })).stdout;
    };
  return { zsh: shell('bin/zsh', {}), fish: shell('usr/bin/fish', {}) };
}
