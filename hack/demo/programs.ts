import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Cluster } from '../cluster/cluster.ts';

/** kubectl and helm as a person would call them, against one cluster. */
export interface Programs {
  /**
   * @param input What `-f -` reads.
   * @returns What it printed, without the last line break.
   * @throws Error with the command line and what it complained of.
   */
  kubectl(args: readonly string[], signal: AbortSignal, input?: string): Promise<string>;
  helm(args: readonly string[], signal: AbortSignal): Promise<string>;
}

export function programsOf({ binDir, kubeconfigPath }: Pick<Cluster, 'binDir' | 'kubeconfigPath'>): Programs {
  const env = { ...process.env, KUBECONFIG: kubeconfigPath };
  return {
    kubectl: (args, signal, input) => run({ program: join(binDir, 'kubectl'), args, env, input }, signal),
    helm: (args, signal) => run({ program: join(binDir, 'helm'), args, env, input: undefined }, signal),
  };
}

interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly input: string | undefined;
}

async function run({ program, args, env, input }: Command, signal: AbortSignal): Promise<string> {
  const child = spawn(program, args, { env, signal, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  child.stdin.on('error', () => undefined); // it ended without reading: its own complaint says more
  child.stdin.end(input ?? '');
  const [code, out, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code === 0) return out.trimEnd();
  throw new Error(`${program} ${args.join(' ')}: ${complaint.trim() || `ended with ${code}`}`);
}
