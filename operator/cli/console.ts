import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connectKube, type Kube } from '../kube/client.ts';
import type { ClusterConfig } from '../kube/config.ts';
import { clusterConfig } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, UsageError } from './command.ts';
import { serveConsoleProxy } from './console-proxy.ts';
import { versionNumber } from './version.ts';

export const openConsole = command({
  summary: 'open the console: every service with its charts, as a web page of this machine',
  usage: '[-n NAMESPACE] [--open]',
  examples: [
    'genops console --open   # with the token of the kubeconfig; ends with Ctrl-C',
    'genops console -n ai --service-account viewer   # with a token of that ServiceAccount, where the kubeconfig has a certificate',
  ],
  options: {
    ...clusterOptions,
    operator: { type: 'string', default: 'genops-system/genops' },
    'service-account': { type: 'string' },
    open: { type: 'boolean', default: false },
  },
  help: {
    ...clusterHelp,
    namespace: 'the services of this one only, and where the ServiceAccount is; else all, and that of the context',
    operator: 'NAMESPACE/NAME of the Service of the operator',
    'service-account': 'ask as this ServiceAccount, for whom a token is made; else as the user of the kubeconfig',
    open: 'start the browser',
  },
  async run({ values, positionals, out, signal }) {
    if (positionals.length > 0) throw new UsageError(`saw ${positionals.join(' ')}; wanted options only`);
    const [namespace, name, ...rest] = values.operator.split('/');
    if (!namespace || !name || rest.length > 0)
      throw new UsageError(`saw --operator ${values.operator}; wanted NAMESPACE/NAME`);
    const config = await clusterConfig(values);
    await using kube = connectKube(config, { userAgent: `genops/${versionNumber} console` });
    const account = values['service-account'];
    const credentials =
      account === undefined
        ? credentialsOfUser(config)
        : credentialsOfAccount(kube, values.namespace ?? config.namespace, account);
    await credentials(signal); // what is wrong with them is said here, not in the browser
    await using proxy = await serveConsoleProxy({ kube, operator: { namespace, name }, credentials });
    const page = values.namespace === undefined ? '' : `#/${values.namespace}`;
    out.write(`${proxy.url}${page}\n`);
    if (values.open) await openBrowser(`${proxy.urlOnce}${page}`);
    if (!signal.aborted) await once(signal, 'abort');
    return exit.yes;
  },
});

/** Authorization, as the operator is to see it. */
export type Credentials = (signal: AbortSignal) => Promise<string>;

/** A certificate says who somebody is to the API server only: it cannot be passed on. */
const credentialsOfUser = (config: ClusterConfig) => async (): Promise<string> => {
  const { headers } = await config.identity();
  const [, authorization] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization') ?? [];
  if (authorization?.startsWith('Bearer ') === true) return authorization;
  throw new UsageError(
    'saw a kubeconfig without a token; wanted one, which the operator can ask the cluster about; next: genops console --service-account NAME -n NAMESPACE, for one that may get and list generationservices/views',
  );
};

const tokenSeconds = 3_600;

/** Made anew when half of its time is over. */
function credentialsOfAccount(kube: Kube, namespace: string, account: string): Credentials {
  let made: { readonly authorization: Promise<string>; readonly at: number } | undefined;
  const make = async (signal: AbortSignal): Promise<string> => {
    const request = {
      method: 'POST',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(account)}/token`,
      target: `token of ServiceAccount ${namespace}/${account}`,
      verb: 'create',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: tokenSeconds },
      },
    } as const;
    const { status } = (await kube.raw(request, signal)) as { readonly status: { readonly token: string } };
    return `Bearer ${status.token}`;
  };
  return (signal) => {
    if (made !== undefined && performance.now() - made.at < tokenSeconds * 500) return made.authorization;
    const next = { authorization: make(signal), at: performance.now() };
    made = next;
    next.authorization.catch(() => {
      if (made === next) made = undefined;
    });
    return next.authorization;
  };
}

const browsers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** @throws {UsageError} where there is none to be started: the address is printed already. */
async function openBrowser(url: string): Promise<void> {
  const [program, ...args] = browsers[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new UsageError(`saw no ${program} to start a browser with; next: without --open, and open the address`, {
      cause: error,
    });
  }
  child.unref();
}
