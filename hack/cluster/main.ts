import { delimiter } from 'node:path';
import { parseArgs } from 'node:util';
import { findCluster, startCluster, stopCluster, type Cluster } from './cluster.ts';
import { progressOn } from './progress.ts';
import { runScript } from '../script.ts';
import { runWithCluster } from './with.ts';

const usage = `node_modules/.bin/node hack/cluster/main.ts COMMAND [--name NAME]

  up           start the cluster where it is not up; prints its kubeconfig
               --control-plane-only              no node: needs no root
               --audit                           log the metadata of each request
               --autoscaler-sync-period 5s       how often the HPA controller looks (15s)
  down         end it, and what a command that was killed left
  status       whether it is up (exit code 0) or not (1)
  load-image   TAR: give a docker-archive to the node
  with         -- COMMAND: run it with a cluster around it, the one that is up or one that comes and goes
               --control-plane-only              the latter: no node
  env          lines for a shell: eval "$(node_modules/.bin/node hack/cluster/main.ts env)"

GENOPS_KUBERNETES=1.34 starts that minor instead of the newest; its programs are built once, which takes minutes.
`;

/** Beside the output, which a shell may evaluate. */
const progress = progressOn(process.stderr);

const options = {
  name: { type: 'string', default: 'default' },
  'control-plane-only': { type: 'boolean', default: false },
  audit: { type: 'boolean' },
  'autoscaler-sync-period': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Values = ReturnType<typeof parse>['values'];

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [command, ...operands] = positionals;
  switch (command) {
    case 'up':
      return up(values, signal);
    case 'down':
      process.stdout.write(
        `cluster ${values.name} ${(await stopCluster(values.name, signal)) ? 'ended' : 'was not there'}\n`,
      );
      return 0;
    case 'status':
      return withCluster(values.name, describe, signal);
    case 'env':
      return withCluster(values.name, exportLines, signal);
    case 'load-image':
      return loadImage(values.name, operands, signal);
    case 'with':
      return runWithCluster(operands, { name: values.name, ...nodeOption(values) }, signal);
    case undefined:
    default:
      process.stderr.write(command === undefined ? usage : `saw ${command}; wanted a COMMAND of these\n\n${usage}`);
      return 2;
  }
}

async function up(values: Values, signal: AbortSignal): Promise<number> {
  const started = performance.now();
  const period = values['autoscaler-sync-period'];
  const cluster = await startCluster(
    {
      name: values.name,
      ...(values.audit === undefined ? {} : { audit: values.audit }),
      ...(period === undefined ? {} : { autoscalerSyncPeriod: period }),
      progress: progressOn(process.stdout),
      ...nodeOption(values),
      keep: true,
    },
    signal,
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${describe(cluster)}up after ${seconds} s\n`);
  return 0;
}

function nodeOption(values: Values): { readonly node?: false } {
  return values['control-plane-only'] ? { node: false } : {};
}

async function loadImage(name: string, [tarPath]: readonly string[], signal: AbortSignal): Promise<number> {
  const cluster = await findCluster({ name, progress }, signal);
  if (cluster === undefined || tarPath === undefined) {
    process.stderr.write(tarPath === undefined ? usage : notUp(name));
    return 2;
  }
  await cluster.loadImage(tarPath, signal);
  return 0;
}

function notUp(name: string): string {
  const starts =
    name === options.name.default ? 'make cluster-up' : `node_modules/.bin/node hack/cluster/main.ts up --name ${name}`;
  return `cluster ${name} is not up; \`${starts}\` starts it\n`;
}

async function withCluster(name: string, print: (cluster: Cluster) => string, signal: AbortSignal): Promise<number> {
  const cluster = await findCluster({ name, progress }, signal);
  if (cluster === undefined) {
    process.stderr.write(notUp(name));
    return 1;
  }
  process.stdout.write(print(cluster));
  return 0;
}

function describe({ name, kubeconfigPath, binDir, logFolder }: Cluster): string {
  const logs = logFolder === undefined ? [] : [`logs        ${logFolder}/*.log`];
  return [`cluster     ${name}`, `kubeconfig  ${kubeconfigPath}`, `programs    ${binDir}`, ...logs, ''].join('\n');
}

function exportLines({ kubeconfigPath, binDir }: Cluster): string {
  return `export KUBECONFIG='${kubeconfigPath}'\nexport PATH='${binDir}'"${delimiter}$PATH"\n`;
}

await runScript(main);
