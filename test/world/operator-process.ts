import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../hack/servers/free-port.ts';
import { eventually } from './eventually.ts';
import { seriesOf } from './metrics-page.ts';

const root = path.resolve(import.meta.dirname, '../..');
const lastLines = 60;

export interface OperatorOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly flags?: readonly string[];
  /** That of another version. */
  readonly program?: string;
}

/** The operator as a process of its own: the file that its image runs. */
export interface OperatorProcess extends AsyncDisposable {
  readonly pid: number;
  /** Its /metrics page. */
  metrics(): Promise<string>;
  /** Value of one series, 0 when no sample has these labels. @throws when there is no such metric. */
  counter(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** What its liveness probe sees. @throws when it is not alive. */
  healthz(): Promise<string>;
  /** SIGKILL: nothing is tidied up. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Its last log lines. */
  log(): string;
  wholeLog(): string;
}

export async function startOperator({
  kubeconfig,
  namespace,
  flags = [],
  program = '.cache/test/genops.mjs', // of test/bundle-operator.mjs
}: OperatorOptions): Promise<OperatorProcess> {
  const [metricsPort, probePort] = [await freePort(), await freePort()];
  const args = [
    program,
    'manager',
    '--kubeconfig',
    kubeconfig,
    '--namespaces',
    namespace,
    '--lease-namespace',
    namespace,
  ];
  const addresses = [
    '--metrics-bind-address',
    `127.0.0.1:${metricsPort}`,
    '--health-probe-bind-address',
    `127.0.0.1:${probePort}`,
  ];
  const child = spawn(process.execPath, [...args, ...addresses, '--log-level', 'debug', ...flags], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    if (line !== '') lines.push(line);
  });
  const ended = once(child, 'exit');
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (isRunning()) child.kill(signal);
    await ended;
  };
  const get = async (url: string): Promise<string> => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
    return answer.text();
  };
  const operator: OperatorProcess = {
    pid: child.pid ?? -1,
    metrics: () => get(`http://127.0.0.1:${metricsPort}/metrics`),
    counter: async (name, labels = {}) => seriesValue(await operator.metrics(), name, labels),
    healthz: () => get(`http://127.0.0.1:${probePort}/healthz`),
    kill: () => stop('SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    log: () => lines.slice(-lastLines).join('\n'),
    wholeLog: () => lines.join('\n'),
    [Symbol.asyncDispose]: async () => {
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await stop('SIGTERM');
      clearTimeout(late);
    },
  };
  try {
    await eventually(async () => (isRunning() ? get(`http://127.0.0.1:${probePort}/readyz`) : undefined), {
      explain: () => Promise.resolve(operator.log()),
    });
    if (!isRunning()) throw new Error(`the operator ended with code ${child.exitCode}:\n${operator.log()}`);
  } catch (error) {
    await operator.kill();
    throw error;
  }
  return operator;
}

/** @throws when the page describes no such metric: a name that is not there counts nothing, and 0 would say that it does. */
function seriesValue(page: string, name: string, labels: Readonly<Record<string, string>>): number {
  if (!page.includes(`# HELP ${name} `)) throw new Error(`/metrics has no ${name}`);
  const [, value = 0] =
    [...seriesOf(page)].find(
      ([series]) =>
        series.split('{')[0] === name &&
        Object.entries(labels).every(([label, wanted]) => series.includes(`${label}="${wanted}"`)),
    ) ?? [];
  return value;
}
