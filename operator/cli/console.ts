import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connectKube } from '../kube/client.ts';
import { clusterConfig } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, UsageError } from './command.ts';
import { serveConsoleProxy } from './console-proxy.ts';
import { credentialsFor, operatorHelp, operatorOptions, operatorService } from './operator-views.ts';
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
    ...operatorOptions,
    open: { type: 'boolean', default: false },
  },
  help: {
    ...clusterHelp,
    namespace: 'the services of this one only, and where the ServiceAccount is; else all, and that of the context',
    ...operatorHelp,
    open: 'start the browser',
  },
  async run({ values, positionals, out, signal }) {
    if (positionals.length > 0) throw new UsageError(`saw ${positionals.join(' ')}; wanted options only`);
    const operator = operatorService(values.operator);
    const config = await clusterConfig(values);
    await using kube = connectKube(config, { userAgent: `genops/${versionNumber} console` });
    const [account, namespace] = [values['service-account'], values.namespace ?? config.namespace];
    const credentials = credentialsFor({ kube, config, account, namespace });
    await credentials(signal); // what is wrong with them is said here, not in the browser
    await using proxy = await serveConsoleProxy({ kube, operator, credentials });
    const page = values.namespace === undefined ? '' : `#/${values.namespace}`;
    out.write(`${proxy.url}${page}\n`);
    if (values.open) await openBrowser(`${proxy.urlOnce}${page}`);
    if (!signal.aborted) await once(signal, 'abort');
    return exit.yes;
  },
});

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
