import { connectKube, type Kube } from '../kube/client.ts';
import { loadConfig } from '../kube/config.ts';
import { keyOf, type Key } from '../kube/object.ts';
import { UsageError } from './command.ts';
import { versionNumber } from './version.ts';

interface ClusterValues {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

/** The cluster that the options of a command name, and the namespace in it. */
export function connect({ kubeconfig, context, namespace }: ClusterValues): {
  readonly kube: Kube;
  readonly namespace: string;
} {
  const config = configOf(kubeconfig, context);
  return {
    kube: connectKube(config, { userAgent: `genops/${versionNumber}` }),
    namespace: namespace ?? config.namespace,
  };
}

function configOf(kubeconfig: string | undefined, context: string | undefined) {
  try {
    return loadConfig({ kubeconfig, context });
  } catch (error) {
    throw new UsageError(Error.isError(error) ? error.message : String(error), { cause: error });
  }
}

/** The one object that a command is about. */
export function keyFrom(positionals: readonly string[], namespace: string, usage: string): Key {
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0)
    throw new UsageError(
      `saw ${positionals.length === 0 ? 'no name' : positionals.join(' ')}; wanted one name: ${usage}`,
    );
  return keyOf({ metadata: { namespace, name } });
}
