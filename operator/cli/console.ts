import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ApiError } from '../kube/api-error.ts';
import { connectKube } from '../kube/client.ts';
import { clusterConfig } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, UsageError } from './command.ts';
import { serveConsoleProxy } from './console-proxy.ts';
import {
  credentialsOfAccount,
  credentialsOfUser,
  operatorHelp,
  operatorOptions,
  operatorService,
  refusedText,
} from './operator-views.ts';
import { versionNumber } from './version.ts';

export const openConsole = command({
  summary: 'open the console: every service with its charts, as a web page of this machine',
  usage: '(--service-account NAME | --own-token) [-n NAMESPACE] [--open]',
  examples: [
    'genops console -n ai --service-account viewer --open   # with a token that is made for it; ends with Ctrl-C',
    'genops console --own-token   # with the token of the kubeconfig, which the operator then sees',
  ],
  options: {
    ...clusterOptions,
    ...operatorOptions,
    'own-token': { type: 'boolean', default: false },
    open: { type: 'boolean', default: false },
  },
  help: {
    ...clusterHelp,
    namespace: 'the services of this one only, and where the ServiceAccount is; else all, and that of the context',
    ...operatorHelp,
    'own-token': 'ask with the token of the kubeconfig: whatever stands behind the Service of the operator sees it',
    open: 'start the browser',
  },
  async run({ values, positionals, out, signal }) {
    if (positionals.length > 0) throw new UsageError(`saw ${positionals.join(' ')}; wanted options only`);
    const operator = operatorService(values.operator);
    const config = await clusterConfig(values);
    await using kube = connectKube(config, { userAgent: `genops/${versionNumber} console` });
    const namespace = values.namespace ?? config.namespace;
    const { 'own-token': isOwn, audience } = values;
    const account = isOwn ? undefined : { namespace, name: accountName(values), audience };
    const credentials = account === undefined ? credentialsOfUser(config) : credentialsOfAccount(kube, account);
    await credentials(signal).catch((error: unknown) => {
      if (account === undefined || !(error instanceof ApiError)) throw error;
      throw new UsageError(refusedText(error, { operator, account }), { cause: error });
    }); // what is wrong with them is said here, not in the browser
    await using proxy = await serveConsoleProxy({ kube, operator, credentials });
    const page = values.namespace === undefined ? '' : `#/${values.namespace}`;
    out.write(`${proxy.url}${page}\n`);
    if (values.open) await openBrowser(`${proxy.urlOnce}${page}`);
    if (!signal.aborted) await once(signal, 'abort');
    return exit.yes;
  },
});

/** @throws {UsageError} Nobody's token leaves without being asked for. */
function accountName({ 'service-account': name }: { readonly 'service-account'?: string | undefined }): string {
  if (name !== undefined) return name;
  throw new UsageError(
    'saw nobody to ask the operator as; wanted --service-account NAME, of one that may get and list generationservices/views, or --own-token, with which the operator sees the token of your kubeconfig',
  );
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
