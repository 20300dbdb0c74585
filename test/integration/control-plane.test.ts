import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { controlPlane, type ControlPlane } from '../../hack/cluster/control-plane.ts';
import { progressOn } from '../../hack/cluster/progress.ts';
import { waitUntil } from '../../hack/cluster/ready.ts';

const run = promisify(execFile);
let plane: ControlPlane;

beforeAll(async () => {
  const options = { audit: true, controllers: true, progress: progressOn(process.stderr) };
  plane = await controlPlane(options, AbortSignal.timeout(900_000));
}, 900_000);

afterAll(async () => plane[Symbol.asyncDispose]());

async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(join(plane.binDir, 'kubectl'), ['--kubeconfig', plane.kubeconfigPath, ...args]);
  return stdout;
}

/** The audit log is written in batches, every half minute at the latest. */
function patience(): { timeoutMs: number; signal: AbortSignal } {
  return { timeoutMs: 50_000, signal: AbortSignal.timeout(60_000) };
}

test('collects what belongs to an owner that is gone', async () => {
  await kubectl('create', 'deployment', 'owner', '--image=none', '--replicas=1');
  const replicaSets = ['get', 'replicasets', '-l', 'app=owner', '-o', 'name'];
  await waitUntil('a replica set', async () => (await kubectl(...replicaSets)) !== '', patience());
  await kubectl('delete', 'deployment', 'owner');
  await waitUntil('no replica set', async () => (await kubectl(...replicaSets)) === '', patience());
});

test('writes the metadata of each request to the audit log', async () => {
  await kubectl('get', 'configmap', 'asked-for', '--ignore-not-found');
  await waitUntil('the request in the log', async () => (await audited()).includes('configmaps/asked-for'), patience());
});

async function audited(): Promise<string> {
  return readFile(plane.auditLogPath, 'utf8');
}

test('keeps what was written when etcd and the API server are killed and started again', async () => {
  await kubectl('create', 'configmap', 'kept', '--from-literal=a=b');
  const before = plane.pid('kube-apiserver');

  await plane.kill('kube-apiserver');
  await expect(kubectl('get', 'configmap', 'kept')).rejects.toThrow('refused');
  await plane.kill('etcd');
  await plane.start('etcd');
  await plane.start('kube-apiserver');

  expect(plane.pid('kube-apiserver')).not.toBe(before);
  expect(await kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}')).toBe('b');
});
