import { parseArgs } from 'node:util';
import { connectKube } from '../kube/client.ts';
import { loadConfig } from '../kube/config.ts';
import { resource } from '../kube/resource.ts';
import { generationServices } from '../reconcilers/kinds.ts';
import { candidates, withoutEquals, type Candidates } from './candidates.ts';
import type { ClusterValues } from './cluster.ts';
import { clusterOptions, exit, type Call, type Command } from './command.ts';
import { versionNumber } from './version.ts';

/** The word with which the scripts of `genops completion`, and kubectl for its plugins, ask; no command for people. */
export const completeWord = '__complete';

const namespaces = resource({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false });
/** Of Cobra, which kubectl understands: the shell adds names of files, or nothing. */
const directives = { files: ':0', nothing: ':4' } as const;

/** A person waits for it with each Tab: an API server that cannot be reached must not hold up the shell. */
const timeoutMs = 1_500;

/** A line for each word that may stand in the place of the last one, and what the shell may add. What cannot be looked up is left out. */
export async function complete(
  commands: Readonly<Record<string, Command>>,
  given: readonly string[],
  { env, out, signal }: Pick<Call<typeof clusterOptions>, 'env' | 'out' | 'signal'>,
): Promise<number> {
  const words = withoutEquals(given);
  const { words: known, also } = candidates(commands, words);
  const looked = await lookedUp(also, clusterOf(words, env), signal);
  const fitting = [...known, ...looked.filter((name) => name.startsWith(words.at(-1) ?? ''))];
  out.write([...fitting, also === 'files' ? directives.files : directives.nothing, ''].join('\n'));
  return exit.yes;
}

async function lookedUp(
  also: Candidates['also'],
  cluster: ClusterValues,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (also === undefined || also === 'files') return [];
  try {
    const config = await loadConfig(cluster);
    await using kube = connectKube(config, { userAgent: `genops/${versionNumber}`, timeoutMs });
    const { namespace = config.namespace } = cluster;
    const found =
      also === 'namespaces'
        ? await kube.list(namespaces, {}, signal)
        : await kube.list(generationServices, { namespace }, signal);
    return found.map(({ metadata }) => metadata.name);
  } catch {
    return []; // no cluster, no rights: a message would land in the middle of the command line
  }
}

/** What is said before the cursor or, as with every command, in the environment. */
export function clusterOf(words: readonly string[], env: Call<typeof clusterOptions>['env']): ClusterValues {
  const args = words.slice(0, -1);
  const { values } = parseArgs({ args, options: clusterOptions, strict: false, allowPositionals: true });
  const of = (flag: keyof typeof clusterOptions): string | undefined => {
    const value = values[flag] ?? env[`GENOPS_${flag.toUpperCase()}`];
    return typeof value === 'string' ? value : undefined; // true where the value would be the last word
  };
  return { kubeconfig: of('kubeconfig'), context: of('context'), namespace: of('namespace') };
}
