import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { findCluster, startCluster, stopCluster, type Cluster } from '../../hack/cluster/cluster.ts';
import { markedProcesses, type MarkedProcess } from '../../hack/cluster/local/daemons.ts';
import { startTicksOf } from '../../hack/cluster/local/keeper.ts';
import { baseFolder, registered, writeRecord, type Registered } from '../../hack/cluster/local/registry.ts';
import { progressOn } from '../../hack/cluster/progress.ts';
import { waitUntil } from '../../hack/cluster/ready.ts';
import { controlPlane } from '../../hack/cluster/control-plane.ts';
import { exists } from '../../hack/cache.ts';

const run = promisify(execFile);
const isLocal = process.getuid?.() === 0 && process.env['GENOPS_TEST_KUBECONFIG'] === undefined;
const names = ['harness-a', 'harness-b'] as const;
const signal = (): AbortSignal => AbortSignal.timeout(110_000);

// Only the local provider leaves anything on this machine; it needs root.
(isLocal ? describe : describe.skip)('the local provider', () => {
  beforeAll(async () => {
    process.env['GENOPS_CLUSTER_PROVIDER'] = 'local';
    for (const name of names) await stopCluster(name, signal()); // also what a killed run left: it would go in the middle of a test
    // builds what is not in the cache
    await using plane = await controlPlane({ progress: progressOn(process.stderr) }, AbortSignal.timeout(900_000));
    expect(plane.server).toContain('127.0.0.1');
  }, 900_000);

  afterEach(async () => {
    for (const name of names) await stopCluster(name, signal());
  });

  test('runs two clusters side by side, and ends one without a trace and without a dent in the other', async () => {
    const before = await machine();
    const [a, b] = await Promise.all(names.map((name) => startCluster({ name }, signal())));
    if (a === undefined || b === undefined) throw new Error('two clusters were asked for');
    await Promise.all([a, b].map((cluster) => runPod(cluster)));
    const ofA = (await folders('harness-a'))[0] ?? '';
    expect(await markedProcesses(ofA)).not.toEqual([]);

    await a.stop();

    expect(await markedProcesses(ofA)).toEqual([]);
    expect(await exists(ofA)).toBe(false);
    expect(await exists(a.kubeconfigPath)).toBe(false);
    expect(await kubectl(b, 'get', 'pod', 'sandbox', '-o', 'jsonpath={.status.phase}')).toBe('Running');

    const holder = (await markedProcesses((await folders('harness-b'))[0] ?? '')).find(
      ({ program }) => program === 'sleep',
    );
    await using _ = await open(`/proc/${holder?.pid}/ns/net`); // as a busy kernel would, it keeps the node's network for longer than its processes

    await b.stop();

    expect(await machine()).toEqual(before);
  });

  test('cleans up what a killed start left, and starts', async () => {
    const before = await machine();
    const harness = hack('up', '--name', 'harness-a');
    await seen(harness, 'control plane:');
    harness.kill('SIGKILL');
    await once(harness, 'exit');
    const { folder: left, programs } = await running('harness-a');
    expect(programs.map(({ program }) => program)).toContain('kube-apiserver'); // else this tests nothing
    expect(await findCluster({ name: 'harness-a' }, signal())).toBeUndefined();

    const cluster = await startCluster({ name: 'harness-a' }, signal());

    await runPod(cluster);
    expect(await folders('harness-a')).toEqual([left]); // the slot was given back
    expect(await remaining(programs)).toEqual([]);
    const started = await running('harness-a');
    await cluster.stop();
    expect(await remaining(started.programs)).toEqual([]);
    expect(await machine()).toEqual(before);
  });

  test('leaves nothing when it is interrupted', async () => {
    const before = await machine();
    const harness = hack('up', '--name', 'harness-a');
    await seen(harness, 'namespaces of the node:');
    const hasEtcd = async (): Promise<boolean> =>
      (await running('harness-a')).programs.some(({ program }) => program === 'etcd');
    await waitUntil('etcd runs', hasEtcd, { timeoutMs: 20_000, signal: signal() });
    const { folder, programs } = await running('harness-a');
    const ended = once(harness, 'exit');
    harness.kill('SIGINT');

    expect(await ended).toEqual([1, null]);
    expect(await remaining(programs)).toEqual([]);
    expect(await markedProcesses(folder)).toEqual([]); // also what was started since
    expect(await machine()).toEqual(before);
  });

  describe('with -- COMMAND', () => {
    test('returns the code of the command, and leaves nothing', async () => {
      const before = await machine();
      const harness = withCommand('echo "in $GENOPS_CLUSTER"; exit 3');
      const ended = once(harness, 'exit');
      await seen(harness, 'in harness-a');

      expect(await ended).toEqual([3, null]);
      expect(await machine()).toEqual(before);
    });

    test('leaves nothing after Ctrl-C, and until then nobody else ends what it has', async () => {
      const before = await machine();
      const harness = withCommand('echo "sleeps"; exec sleep 600');
      await seen(harness, 'sleeps');
      const { programs } = await running('harness-a');
      expect(await stopCluster('harness-b', signal())).toBe(false);
      expect(await remaining(programs)).toEqual(programs);
      const ended = once(harness, 'exit');
      process.kill(-(harness.pid ?? Number.NaN), 'SIGINT'); // as a terminal does, to all in its foreground

      expect(await ended).toEqual([1, null]);
      expect(await remaining(programs)).toEqual([]);
      expect(await machine()).toEqual(before);
    });

    test('that is killed leaves a cluster that the next start ends; what a person started stays', async () => {
      const before = await machine();
      const harness = withCommand('echo "sleeps"; exec sleep 600');
      await seen(harness, 'sleeps');
      const { programs } = await running('harness-a');
      const ended = once(harness, 'exit');
      process.kill(-(harness.pid ?? Number.NaN), 'SIGKILL');
      await ended;
      expect(await remaining(programs)).toEqual(programs); // else this tests nothing
      expect(await findCluster({ name: 'harness-a' }, signal())).toBeUndefined();

      const start = hack('up', '--name', 'harness-b', '--control-plane-only');
      const persons = once(start, 'exit');
      await seen(start, 'up after');

      expect(await persons).toEqual([0, null]);
      expect(await remaining(programs)).toEqual([]);
      expect(await folders('harness-a')).toEqual([]);
      expect(await stopCluster('harness-a', signal())).toBe(false);
      expect(await findCluster({ name: 'harness-b' }, signal())).toBeDefined();
      await stopCluster('harness-b', signal());
      expect(await machine()).toEqual(before);
    });
  });

  test('cluster-down also ends what another command left, whose pid is somebody else’s by now', async () => {
    const before = await machine();
    await startCluster({ name: 'harness-a', node: false }, signal());
    const [{ plan, record }] = (await registered()).filter((each) => each.record.name === 'harness-a') as [Registered];
    const { programs } = await running('harness-a');
    await writeRecord(plan.folder, { ...record, keeper: { pid: process.pid, startTicks: 1 } }); // as if ours had been its pid

    expect(await stopCluster('harness-b', signal())).toBe(false);

    expect(await remaining(programs)).toEqual([]);
    expect(await machine()).toEqual(before);
  });

  test('starts again what has lost a program', async () => {
    await startCluster({ name: 'harness-a' }, signal());
    const [folder = ''] = await folders('harness-a');
    const kubelet = (await markedProcesses(folder)).find(({ program }) => program === 'kubelet');
    if (kubelet === undefined) throw new Error('no kubelet');
    process.kill(kubelet.pid, 'SIGKILL');
    await waitUntil('seen as down', async () => (await findCluster({ name: 'harness-a' }, signal())) === undefined, {
      timeoutMs: 5000,
      signal: signal(),
    });

    await runPod(await startCluster({ name: 'harness-a' }, signal()));
  });

  test('refuses at once what is sent to the address of a Service that leads nowhere', async () => {
    await startCluster({ name: 'harness-a' }, signal());
    const [{ plan }] = (await registered()).filter(({ record }) => record.name === 'harness-a') as [Registered];
    const nobodys = plan.serviceRange.replace('.0/18', '.9');
    const socket = connect({ host: nobodys, port: 80, timeout: 10_000 });
    socket.on('timeout', () => socket.destroy(new Error('no answer within ten seconds')));
    await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('needs no node for the API alone, and refuses to pass it off as a cluster with one', async () => {
    const cluster = await startCluster({ name: 'harness-a', node: false, audit: true }, signal());
    expect(await kubectl(cluster, 'get', 'nodes', '-o', 'name')).toBe('');
    await expect(startCluster({ name: 'harness-a', node: true }, signal())).rejects.toThrow('not with node true');
    await expect(cluster.loadImage('image.tar', signal())).rejects.toThrow('no node');
  });
});

/** All that a cluster changes on a machine, but for its processes. */
async function machine(): Promise<unknown> {
  const [links, routes, mounts, cgroups, clusters] = await Promise.all([
    readdir('/sys/class/net'),
    readFile('/proc/net/route', 'utf8'),
    readFile('/proc/self/mounts', 'utf8'),
    readdir('/sys/fs/cgroup/memory').catch(() => readdir('/sys/fs/cgroup')),
    readdir(baseFolder()).catch(() => []),
  ]);
  const rules = await Promise.all(['ip_tables_names', 'ip6_tables_names'].map((file) => tables(file)));
  return {
    links,
    routes,
    mounts,
    cgroups: cgroups.filter((name) => name.startsWith('genops')),
    clusters,
    rules,
  };
}

/** The packet filter tables in use: none appears when nothing is written outside the node's namespace. */
async function tables(file: string): Promise<string> {
  return readFile(join('/proc/net', file), 'utf8').catch(() => '');
}

async function folders(name: string): Promise<readonly string[]> {
  return (await registered()).filter(({ record }) => record.name === name).map(({ plan }) => plan.folder);
}

interface Running {
  readonly folder: string;
  readonly programs: readonly MarkedProcess[];
}

async function running(name: string): Promise<Running> {
  const [folder = ''] = await folders(name);
  return { folder, programs: await markedProcesses(folder) };
}

/** Those that have not ended, whatever became of the folder that they are marked with. */
async function remaining(programs: readonly MarkedProcess[]): Promise<readonly MarkedProcess[]> {
  const ticks = await Promise.all(programs.map(({ pid }) => startTicksOf(pid)));
  return programs.filter((_, index) => ticks[index] !== undefined);
}

/** In a process group of its own, as a shell gives it one. */
function hack(...args: readonly string[]): ChildProcess {
  const root = resolve(import.meta.dirname, '../..');
  return spawn(process.execPath, [join(root, 'hack/cluster/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
}

function withCommand(script: string): ChildProcess {
  return hack('with', '--name', 'harness-a', '--control-plane-only', '--', 'sh', '-c', script);
}

async function seen({ stdout }: ChildProcess, text: string): Promise<void> {
  if (stdout === null) throw new Error('no output to read');
  for await (const line of createInterface(stdout)) if (line.includes(text)) return;
  throw new Error(`the harness ended without "${text}"`);
}

/** A Pod of the sandbox image, which every node has. */
async function runPod(cluster: Cluster): Promise<void> {
  const image = ['--image=genops-pause:dev', '--image-pull-policy=Never'];
  const hasAccount = async (): Promise<boolean> => (await kubectl(cluster, 'get', 'serviceaccount', 'default')) !== '';
  await waitUntil('service account', hasAccount, { timeoutMs: 20_000, signal: signal() });
  await kubectl(cluster, 'run', 'sandbox', ...image);
  await kubectl(cluster, 'wait', 'pod/sandbox', '--for=condition=Ready', '--timeout=30s');
}

async function kubectl({ binDir, kubeconfigPath }: Cluster, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(join(binDir, 'kubectl'), ['--kubeconfig', kubeconfigPath, ...args]);
  return stdout;
}
