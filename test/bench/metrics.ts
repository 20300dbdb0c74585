import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Progress } from '../../hack/cluster/progress.ts';
import type { LineName, Measured } from './lines.ts';
import { endedSeconds, machineSeconds } from './usage.ts';

/** Programs beside this file, which print what they measured and send it to who forked them. */
const programs = {
  text: 'exposition.ts',
  scrape: 'scrape.ts',
  windows: 'windows.ts',
  'roll-ups': 'roll-ups.ts',
} as const satisfies Partial<Record<LineName, string>>;

/** What reading, scraping and keeping figures of Pods costs: without a cluster, one after the other, each in a process of its own. */
export async function* metrics(progress: Progress, signal: AbortSignal): AsyncGenerator<Measured> {
  for (const [line, program] of Object.entries(programs) as [keyof typeof programs, string][]) {
    const before = await read();
    const figures = await progress.step(`metrics: ${line}`, () => figuresOf(program, signal));
    const after = await read();
    const foreignCores = Math.max(
      0,
      (after.machine - before.machine - after.own + before.own) / (after.at - before.at),
    );
    yield { line, figures: { ...figures, foreignCores }, requests: {} };
  }
}

/** Seconds: of CPU of the machine, of this process with those that it started, and of the clock. */
async function read() {
  const { user, system } = process.cpuUsage();
  return {
    machine: await machineSeconds(),
    own: (user + system) / 1e6 + (await endedSeconds()),
    at: performance.now() / 1_000,
  };
}

async function figuresOf(program: string, signal: AbortSignal): Promise<Readonly<Record<string, number>>> {
  // What it prints is no part of the report on standard output.
  const stdio = ['ignore', 'pipe', 'inherit', 'ipc'] as const;
  const child = fork(join(import.meta.dirname, program), { execArgv: ['--expose-gc'], stdio: [...stdio], signal });
  child.stdout?.pipe(process.stderr, { end: false });
  let said: unknown;
  child.on('message', (message) => (said = message));
  const [[code]] = (await Promise.all([once(child, 'exit'), once(child, 'disconnect')])) as [[number | null], unknown];
  if (code !== 0 || said === undefined) throw new Error(`${program} measured nothing, exit code ${code}`);
  return said as Readonly<Record<string, number>>;
}
