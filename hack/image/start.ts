import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Image } from './archive.ts';

const run = promisify(execFile);
const rounds = 7;

/**
 * How long an image's program takes from its start to the end of a call with these arguments, by the image's own files on this machine: no engine, no Pod around it.
 *
 * @param folder Where stageImage() has written them.
 * @returns Milliseconds, the median of some rounds; the first one, which reads the files from disk, is not counted.
 */
export async function startTime(
  { config }: Image,
  folder: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const inFolder = (word: string): string => (word.startsWith('/') ? join(folder, word) : word);
  const [program = '', ...own] = config.entrypoint.map(inFolder);
  const times: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const started = performance.now();
    await run(program, [...own, ...args], { env: { ...process.env, ...config.env }, signal });
    times.push(performance.now() - started);
  }
  return times.slice(1).toSorted((a, b) => a - b)[(rounds - 1) / 2] ?? Number.NaN;
}
