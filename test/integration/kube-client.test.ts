import { writeFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { ApiError } from '../../operator/kube/api-error.ts';
import { connectKube } from '../../operator/kube/client.ts';
import { loadConfig, type Identity } from '../../operator/kube/config.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { applyOwned } from '../../operator/levers/apply-owned.ts';
import { configMaps, openStage, soon, startPlane } from './kube-world.ts';

interface Deployment extends KubeObject {
  readonly spec: { readonly replicas: number };
}
const deployments = resource<Deployment>({
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
});
interface Scale extends KubeObject {
  readonly spec: { readonly replicas: number };
}

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startPlane();
}, 900_000);
afterAll(async () => plane[Symbol.asyncDispose]());

const failure = (request: Promise<unknown>): Promise<ApiError> =>
  request.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => {
      if (error instanceof ApiError) return error;
      throw error;
    },
  );

test('a field of another manager is not taken: the error names both', async () => {
  await using stage = await openStage(plane);
  const { direct, namespace } = stage;
  const manifest = { metadata: { namespace, name: 'a' }, data: { mode: 'ours' } };
  await direct.apply(
    configMaps,
    { ...manifest, data: { mode: 'theirs', more: 'theirs' } },
    { manager: 'kubectl-edit' },
    soon(),
  );
  const error = await failure(direct.apply(configMaps, manifest, { manager: 'us' }, soon()));
  expect(error).toMatchObject({
    status: 409,
    reason: 'Conflict',
    conflicts: [{ manager: 'kubectl-edit', field: '.data.mode' }],
  });
  expect(error.message).toBe(`apply ConfigMap ${namespace}/a: conflict: .data.mode belongs to kubectl-edit`);
  await direct.apply(configMaps, manifest, { manager: 'us', force: true }, soon());
  const after = await direct.get(configMaps, `${namespace}/a`, soon());
  expect(after?.data).toEqual({ mode: 'ours', more: 'theirs' });
});

test('a field stays with whoever has set it, also where we agree; patched by our name it is handed over for good', async () => {
  await using stage = await openStage(plane);
  const { direct, namespace } = stage;
  const key = `${namespace}/a`;
  const declare = (mode: string) =>
    applyOwned(
      direct,
      configMaps,
      { metadata: { namespace, name: 'a' }, data: { mode } },
      { manager: 'genops' },
      soon(),
    );
  const patch = (mode: string, manager: string) =>
    direct.patch(configMaps, key, [{ op: 'replace', path: '/data/mode', value: mode }], { manager }, soon());
  await declare('one');
  await patch('theirs', 'kubectl-patch');
  await patch('one', 'kubectl-patch');
  await declare('one');
  await expect(declare('two')).rejects.toThrow(/\.data\.mode \(kubectl-patch\).*kubectl patch --field-manager=genops/);

  await patch('two', 'genops');
  await declare('two');
  await declare('three');
  expect((await direct.get(configMaps, key, soon()))?.data).toEqual({ mode: 'three' });
});

test('writes and reads back; a dry run writes nothing; what is gone is undefined', async () => {
  await using stage = await openStage(plane);
  const { direct, namespace } = stage;
  const key = `${namespace}/a`;
  const metadata = { namespace, name: 'a' };
  await direct.apply(configMaps, { metadata, data: { n: '0' } }, { manager: 'us', dryRun: true }, soon());
  expect(await direct.get(configMaps, key, soon())).toBeUndefined();

  const created = await direct.create(configMaps, { metadata, data: { n: '1' } }, {}, soon());
  expect(created).toMatchObject({ namespace, name: 'a', uid: expect.any(String), resourceVersion: expect.any(String) });
  expect(await failure(direct.create(configMaps, { metadata, data: {} }, {}, soon()))).toMatchObject({
    status: 409,
    reason: 'AlreadyExists',
  });

  await direct.update(
    configMaps,
    { metadata: { ...metadata, resourceVersion: created.resourceVersion }, data: { n: '2' } },
    {},
    soon(),
  );
  const stale = { metadata: { ...metadata, resourceVersion: created.resourceVersion }, data: { n: '3' } };
  expect(await failure(direct.update(configMaps, stale, {}, soon()))).toMatchObject({
    status: 409,
    reason: 'Conflict',
    conflicts: [],
  });

  await direct.patch(
    configMaps,
    key,
    [
      { op: 'test', path: '/data/n', value: '2' },
      { op: 'replace', path: '/data/n', value: '4' },
    ],
    {},
    soon(),
  );
  const wrong = direct.patch(configMaps, key, [{ op: 'test', path: '/data/n', value: '2' }], {}, soon());
  expect(await failure(wrong)).toMatchObject({ status: 422, reason: 'Invalid' });
  expect(await direct.get(configMaps, key, soon())).toMatchObject({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    data: { n: '4' },
  });

  await direct.delete(configMaps, key, { uid: 'another' }, soon()); // not the one that was meant
  expect(await direct.get(configMaps, key, soon())).toBeDefined();
  await direct.delete(configMaps, key, { uid: created.uid }, soon());
  await direct.delete(configMaps, key, {}, soon());
  expect(await direct.get(configMaps, key, soon())).toBeUndefined();
});

test('lists all pages, with the kind that the server leaves out', async () => {
  await using stage = await openStage(plane);
  const names = Array.from({ length: 5 }, (_, at) => `a${at}`);
  for (const name of names) await stage.put(name, {});
  const query = { namespace: stage.namespace, fieldSelector: 'metadata.name!=kube-root-ca.crt' };
  const first = await stage.direct.listPage(configMaps, { ...query, limit: 3 }, soon());
  const second = await stage.direct.listPage(configMaps, { ...query, limit: 3, continue: first.continue }, soon());
  expect([...first.items, ...second.items].map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(
    names.map((name) => `ConfigMap ${name}`),
  );
  expect(second.continue).toBeUndefined();
  expect(await stage.direct.list(configMaps, query, soon())).toHaveLength(5);
});

test('scales through the subresource that discovery found', async () => {
  await using stage = await openStage(plane);
  const { direct, namespace } = stage;
  const labels = { app: 'a' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'none' }] } };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template };
  await direct.apply(deployments, { metadata: { namespace, name: 'a' }, spec }, { manager: 'us' }, soon());
  const found = await direct.discover('apps/v1', 'Deployment', soon());
  expect(found).toEqual({ resource: deployments, subresources: expect.arrayContaining(['scale', 'status']) });
  expect(await direct.discover('apps/v1', 'Nothing', soon())).toBeUndefined();
  expect(await direct.discover('nothing.example/v1', 'Nothing', soon())).toBeUndefined();

  const scale = {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { namespace, name: 'a' },
    spec: { replicas: 3 },
  };
  await direct.apply(deployments, scale, { manager: 'scaler', subresource: 'scale', force: true }, soon());
  expect(await direct.getSubresource<Scale>(deployments, `${namespace}/a`, 'scale', soon())).toMatchObject({
    kind: 'Scale',
    spec: { replicas: 3 },
  });
});

test('a server that cannot be reached, or does not answer, is an error in time', async () => {
  await using stage = await openStage(plane);
  const read = () => failure(stage.proxied.get(configMaps, `${stage.namespace}/a`, soon()));
  stage.proxy.refuse();
  expect(await read()).toMatchObject({ status: 0, reason: 'Unreachable' });
  stage.proxy.swallow();
  const error = await read();
  expect(error).toMatchObject({ status: 0, reason: 'TimedOut' });
  expect(error.message).toBe(`get ConfigMap ${stage.namespace}/a: no answer from ${stage.proxy.url} in time`);
  const abort = AbortSignal.abort(new Error('not wanted any more'));
  await expect(stage.direct.get(configMaps, `${stage.namespace}/a`, abort)).rejects.toThrow('not wanted any more');
});

test('after a 401 the credentials are asked for anew', async () => {
  const config = await loadConfig({ kubeconfig: plane.kubeconfigPath });
  const good = await config.identity();
  const { ca } = good.tls;
  const bad: Identity = { tls: ca === undefined ? {} : { ca }, headers: { Authorization: 'Bearer expired' } };
  let asked = 0;
  const identity = async () => ((asked += 1) === 1 ? bad : good);
  await using kube = connectKube({ ...config, identity }, { userAgent: 'kube-test' });
  expect(await failure(kube.raw({ path: '/version' }, soon()))).toMatchObject({ status: 401, reason: 'Unauthorized' });
  expect(await kube.raw({ path: '/version' }, soon())).toMatchObject({ major: '1' });
});

test('a credential plug-in of a kubeconfig is run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kube-test-'));
  try {
    const kubeconfig = parse(await readFile(plane.kubeconfigPath, 'utf8')) as {
      users: { name: string; user: Record<string, string> }[];
    };
    const user = kubeconfig.users[0]?.user ?? {};
    const pem = async (name: string) => {
      const inline = user[`${name}-data`];
      return inline === undefined ? readFile(user[name] ?? '', 'utf8') : Buffer.from(inline, 'base64').toString();
    };
    const status = { clientCertificateData: await pem('client-certificate'), clientKeyData: await pem('client-key') };
    const credential = join(folder, 'credential.json');
    await writeFile(
      credential,
      JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }),
    );
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'cat',
      args: [credential],
      interactiveMode: 'Never',
    };
    const path = join(folder, 'kubeconfig');
    await writeFile(
      path,
      stringify({ ...kubeconfig, users: kubeconfig.users.map(({ name }) => ({ name, user: { exec } })) }),
    );
    await using kube = connectKube(await loadConfig({ kubeconfig: path }), { userAgent: 'kube-test' });
    expect(await kube.list(configMaps, { namespace: 'default' }, soon())).toEqual(expect.any(Array));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a kubeconfig that is not there is named', async () => {
  await expect(loadConfig({ kubeconfig: '/nowhere/config' })).rejects.toThrow(
    'no usable kubeconfig: looked at /nowhere/config',
  );
});
