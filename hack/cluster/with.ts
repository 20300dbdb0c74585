import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findCluster, startCluster } from './cluster.ts';
import { progressOn } from './progress.ts';
import { askedMinor } from './tools.ts';

/**
 * Runs a command with a cluster around it, named to it by GENOPS_CLUSTER. The one of that name is used where it is up, and left alone; else one
 * is started and ended again, also when the command fails or is interrupted. What a kill -9 left behind, the next start ends.
 * With GENOPS_KUBERNETES it is always one that comes and goes.
 *
 * @returns Exit code of the command; 1 where a signal ended it.
 */
export async function runWithCluster(
  [program, ...args]: readonly string[],
  { name: kept, node }: { readonly name: string; readonly node?: false },
  signal: AbortSignal,
): Promise<number> {
  if (program === undefined) throw new RangeError('saw no command; wanted: hack/cluster/main.ts with -- COMMAND');
  const progress = progressOn(process.stdout);
  const minor = askedMinor();
  if (minor === undefined && (await findCluster({ name: kept, progress }, signal)) !== undefined)
    return run(program, args, kept);
  const passing = kept === 'default' ? 'test' : kept; // `default` is the developer's own
  const name = minor === undefined ? passing : `${passing}-${minor}`;
  // The HPA controller looks three times as often as Kubernetes has it look: tests wait for it.
  const options = { name, progress, autoscalerSyncPeriod: '5s', ...(node === undefined ? {} : { node }) };
  const cluster = await startCluster(options, signal);
  try {
    return await run(program, args, name);
  } finally {
    await cluster.stop();
  }
}

/** Ctrl-C reaches the command by itself: it is in the terminal's foreground too. A SIGTERM does not. */
async function run(program: string, args: readonly string[], name: string): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, GENOPS_CLUSTER: name } });
  const passOn = (): void => void child.kill('SIGTERM');
  process.once('SIGTERM', passOn);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 1;
  } finally {
    process.off('SIGTERM', passOn);
  }
}
