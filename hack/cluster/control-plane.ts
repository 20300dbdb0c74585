import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../servers/free-port.ts';
import { hasEnded, spawnServer, stopServer } from '../servers/process.ts';
import { controlPlaneIdentities, writeCredentials } from './authority.ts';
import {
  apiServerArguments,
  auditPolicy,
  controllerManagerArguments,
  controlPlaneEnv,
  credentialsFolder,
  etcdArguments,
  serverUrl,
  type ControlPlaneLayout,
} from './control-plane-commands.ts';
import { silent, type Progress } from './progress.ts';
import { GaveUp, isServerReady, waitUntil } from './ready.ts';
import { kubernetesPrograms } from './tools.ts';

type ControlPlaneProgram = 'etcd' | 'kube-apiserver' | 'kube-controller-manager';

export interface ControlPlaneOptions {
  /** Write each request's metadata to `auditLogPath`. */
  readonly audit?: boolean;
  /** Run kube-controller-manager too: owner references are collected, an HPA acts. Off: nothing but the API. */
  readonly controllers?: boolean;
  /** How often the HPA controller looks; Kubernetes' own is 15s. */
  readonly autoscalerSyncPeriod?: string;
  /** Further flags of kube-apiserver: they are last, so they win. */
  readonly apiServerFlags?: readonly string[];
  /** The same for kube-controller-manager. */
  readonly controllerManagerFlags?: readonly string[];
  readonly progress?: Progress;
}

/** An API server of one's own, without a node, on a free port of loopback. Its programs end with this process, also when it is killed. */
export interface ControlPlane extends AsyncDisposable {
  /** Of an administrator. */
  readonly kubeconfigPath: string;
  readonly server: string;
  readonly auditLogPath: string;
  /** With kubectl, helm and the rest. */
  readonly binDir: string;
  pid(program: ControlPlaneProgram): number;
  /** kill -9; resolves when it is gone. */
  kill(program: ControlPlaneProgram): Promise<void>;
  /** The same port and data; resolves when the API server is ready again (for kube-controller-manager: when it is started). */
  start(program: ControlPlaneProgram): Promise<void>;
  /** The last lines of a program's log. */
  log(program: ControlPlaneProgram): Promise<string>;
}

/** Starts etcd and kube-apiserver (about 3 s; the first time on a machine, minutes to build them). */
export async function controlPlane(options: ControlPlaneOptions, signal: AbortSignal): Promise<ControlPlane> {
  const { progress = silent } = options;
  const binDir = await kubernetesPrograms(progress, signal);
  const folder = await mkdtemp(join(tmpdir(), 'genops-cp-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    for (let attempt = 1; ; attempt += 1) {
      const plane = await prepare(folder, binDir, options);
      try {
        await plane.start('etcd');
        await progress.step('starting an API server', () => plane.start('kube-apiserver'));
        if (options.controllers === true) await plane.start('kube-controller-manager');
        return { ...plane, [Symbol.asyncDispose]: () => plane.stop().then(remove) };
      } catch (error) {
        await plane.stop();
        signal.throwIfAborted();
        if (attempt === 3 || !String(error).includes('address already in use')) throw error;
        await rm(folder, { recursive: true });
      }
    }
  } catch (error) {
    await remove();
    throw error;
  }
}

type Prepared = Omit<ControlPlane, typeof Symbol.asyncDispose> & { stop(): Promise<void> };

async function prepare(folder: string, binDir: string, options: ControlPlaneOptions): Promise<Prepared> {
  const layout: ControlPlaneLayout = {
    folder,
    address: '127.0.0.1',
    port: await freePort(),
    serviceRange: '10.199.128.0/18',
    advertised: false,
    audit: options.audit ?? false,
  };
  const credentials = credentialsFolder(layout);
  await writeCredentials(credentials, controlPlaneIdentities(['127.0.0.1']), serverUrl(layout));
  await writeFile(join(folder, 'audit-policy.yaml'), stringify(auditPolicy));
  const { autoscalerSyncPeriod = '15s', apiServerFlags = [], controllerManagerFlags = [] } = options;
  const podRange = '10.199.0.0/17';
  const commands: Record<ControlPlaneProgram, readonly string[]> = {
    etcd: etcdArguments(layout),
    'kube-apiserver': [...apiServerArguments(layout), ...apiServerFlags],
    'kube-controller-manager': [
      ...controllerManagerArguments(layout, { autoscalerSyncPeriod, podRange }),
      ...controllerManagerFlags,
    ],
  };
  const running = new Map<ControlPlaneProgram, ChildProcess>();
  const logPath = (program: ControlPlaneProgram): string => join(folder, `${program}.log`);
  const log = async (program: ControlPlaneProgram): Promise<string> =>
    (await readFile(logPath(program), 'utf8')).split('\n').slice(-30).join('\n');

  const start = async (program: ControlPlaneProgram): Promise<void> => {
    const args = commands[program];
    const child = await spawnServer({
      binary: join(binDir, program),
      args,
      cwd: folder,
      env: controlPlaneEnv,
      logFile: logPath(program),
    });
    running.set(program, child);
    if (program !== 'kube-apiserver') return;
    const isReady = async (signal: AbortSignal): Promise<boolean> => {
      if (hasEnded(child)) throw new GaveUp(new Error(`kube-apiserver ended:\n${await log(program)}`));
      return isServerReady(serverUrl(layout), join(credentials, 'ca.crt'), signal);
    };
    await waitUntil('kube-apiserver ready', isReady, { timeoutMs: 60_000, signal: AbortSignal.timeout(60_000) });
  };
  const kill = async (program: ControlPlaneProgram): Promise<void> => {
    const child = running.get(program);
    if (child === undefined || hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    kubeconfigPath: join(credentials, 'admin.kubeconfig'),
    server: serverUrl(layout),
    auditLogPath: join(folder, 'audit.log'),
    binDir,
    pid: (program) => running.get(program)?.pid ?? Number.NaN,
    kill,
    start,
    log,
    stop: async () => {
      await kill('kube-controller-manager');
      await kill('kube-apiserver'); // nothing in it is worth a graceful end, which takes it seconds
      const etcd = running.get('etcd');
      if (etcd !== undefined) await stopServer(etcd);
    },
  };
}
