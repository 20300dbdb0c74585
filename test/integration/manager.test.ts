import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { main } from '../../operator/cli/main.ts';
import { apiServerEndpoints, metricGuards } from '../../operator/cli/metric-addresses.ts';
import { connectKube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { createPrometheusServers } from '../../operator/metrics/sources/prometheus-server.ts';
import { apiServerProxy } from '../faults/api-server-proxy.ts';
import { consistently, eventually } from '../world/eventually.ts';
import { startProxy } from './kube-proxy.ts';
import { soon, startPlane } from './kube-world.ts';
import { failureOf, secretless, sourceAt, viewOf } from './source-world.ts';

const run = promisify(execFile);
const installed = 'genops-system';

let plane: ControlPlane;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genops-manager-'));
  plane = await startPlane();
  await kubectl('apply', '-k', 'crds');
  await kubectl('create', 'namespace', installed);
}, 900_000);
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function kubectl(...args: readonly string[]): Promise<string> {
  return (await run(join(plane.binDir, 'kubectl'), ['--kubeconfig', plane.kubeconfigPath, ...args])).stdout;
}

/** Of somebody, who has no right but what everybody has until one is given. */
async function ofUser(user: string): Promise<string> {
  const kubeconfig = join(folder, user);
  const config = parse(await readFile(plane.kubeconfigPath, 'utf8')) as { users: readonly { user: object }[] };
  const users = config.users.map((entry) => ({ ...entry, user: { ...entry.user, as: user } }));
  await writeFile(kubeconfig, stringify({ ...config, users }), { mode: 0o600 });
  return kubeconfig;
}

interface Manager extends AsyncDisposable {
  readonly ended: Promise<{ readonly code: number; readonly err: string }>;
  leads(): Promise<boolean>;
  /** Its samples of one metric. */
  samples(metric: string): Promise<readonly string[]>;
  /** What /readyz says. */
  ready(): Promise<string>;
}

/** `genops manager` with these variables, as the chart or as `make run` starts it. */
async function startManager(
  env: Readonly<Record<string, string>>,
  { kubeconfig = plane.kubeconfigPath }: { readonly kubeconfig?: string } = {},
): Promise<Manager> {
  const [metrics, probes] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const args = ['manager', '--kubeconfig', kubeconfig, '--log-level', 'error'];
  const addresses = ['--metrics-bind-address', metrics, '--health-probe-bind-address', probes];
  const stop = new AbortController();
  let err = '';
  const [out, words] = [{ write: () => true }, { write: (text: string) => (err += text) }];
  const ended = main({ args: [...args, ...addresses], env, out, err: words, signal: stop.signal }).then((code) => ({
    code,
    err,
  }));
  const samples = async (metric: string) => {
    const page = await (await fetch(`http://${metrics}/metrics`)).text();
    return page.split('\n').filter((line) => new RegExp(`^${metric}\\b`).test(line));
  };
  return {
    ended,
    samples,
    ready: async () => await (await fetch(`http://${probes}/readyz`)).text(),
    leads: async () => (await samples('genops_leader')).includes('genops_leader 1'),
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('stopped'));
      await ended;
    },
  };
}

test('an operator outside of the cluster waits for the installed one, and leads when that ends', async () => {
  await using inside = await startManager({ POD_NAMESPACE: installed });
  await eventually(async () => expect(await inside.leads()).toBe(true));
  await using outside = await startManager({});
  await eventually(async () => expect(await outside.leads()).toBe(false));

  await consistently(async () => expect([await inside.leads(), await outside.leads()]).toEqual([true, false]), {
    forMs: 3000, // longer than it takes to see that nobody has a Lease
  });
  await inside[Symbol.asyncDispose]();

  await eventually(async () => expect(await outside.leads()).toBe(true));
});

describe('where the Lease cannot be had, the operator ends and says', () => {
  test('that its namespace is not there', async () => {
    await using manager = await startManager({ GENOPS_LEASE_NAMESPACE: 'nowhere' });
    expect(await manager.ended).toEqual({
      code: 2,
      err: 'genops manager: saw create Lease nowhere/genops: namespaces "nowhere" not found; wanted the Lease nowhere/genops, with which one operator acts at a time; next: kubectl create namespace nowhere, or give all operators of this cluster another --lease-namespace\n',
    });
  });

  test('which right is missing', async () => {
    const kubeconfig = await ofUser('stranger');
    await using manager = await startManager({}, { kubeconfig });
    expect(await manager.ended).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^genops manager: saw get Lease genops-system\/genops: .*forbidden.*"stranger" cannot get.*; next: grant get, create and update of its Leases.*\n$/,
      ),
    });
  });
});

/** Of an API server that answers nothing is told. */
const untold = { warn: (text: string) => expect(text).toBe('nothing') };

test('an API server that cannot be asked at the start is asked until it answers: it is not one that says nothing of where it is', async () => {
  await using proxy = await startProxy(new URL(plane.server));
  const config = { ...(await loadConfig({ kubeconfig: plane.kubeconfigPath })), server: proxy.url };
  await using kube = connectKube(config, { userAgent: 'genops-test' });
  proxy.refuse();
  const told: unknown[] = [];
  const logger = {
    warn: (_: string, { error }: { readonly error?: unknown } = {}) => {
      told.push(error);
      proxy.accept();
    },
  };
  expect(await apiServerEndpoints(kube, logger, soon())).toContainEqual({
    address: expect.any(String),
    port: Number(new URL(plane.server).port),
  });
  expect(told).toContainEqual(expect.objectContaining({ name: 'ApiError', reason: 'Unreachable' }));
});

test('an operator that waits for the API server says so to probes, and ends when it is told to', async () => {
  await using proxy = await startProxy(new URL(plane.server));
  proxy.refuse();
  const kubeconfig = join(folder, 'unreachable');
  const text = await readFile(plane.kubeconfigPath, 'utf8');
  await writeFile(kubeconfig, text.replaceAll(plane.server, proxy.url), { mode: 0o600 });
  await using manager = await startManager({}, { kubeconfig });
  await eventually(async () => expect(await manager.leads()).toBe(false));
  await manager[Symbol.asyncDispose]();
  expect(await manager.ended).toEqual({ code: 0, err: '' });
});

test('a watch of everything is not enough to be ready: an operator that does not serve yet is sent nobody', async () => {
  await using proxy = await apiServerProxy(plane.kubeconfigPath);
  const asked = Promise.withResolvers<undefined>();
  const withhold = () => proxy.arm('GET /api HTTP', () => asked.promise);
  withhold();
  await using manager = await startManager({}, { kubeconfig: proxy.kubeconfig });
  await eventually(async () => {
    withhold(); // also when it gives up on the one before and asks again
    const [last, ...watches] = (await manager.ready()).trim().split('\n').toReversed();
    expect(last).toMatch(/^\[-\]open failed: waits for the API server/);
    expect(watches.filter((line) => !line.endsWith(' ok'))).toEqual([]);
  });
  asked.resolve(undefined);
  await eventually(async () => expect(await manager.ready()).toContain('[+]open ok'));
});

test('the addresses of the API server behind the one that is asked are known without a right, and of all of them with one; none is dialled for metrics', async () => {
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.9.9.9'] }],
    ports: [{ name: 'https', port: 6443 }],
  };
  const file = join(folder, 'slice.json');
  await writeFile(file, JSON.stringify(slice));
  await kubectl('apply', '-f', file);
  const found = async (kubeconfig: string) => {
    await using kube = connectKube(await loadConfig({ kubeconfig }), { userAgent: 'genops-test' });
    return await apiServerEndpoints(kube, untold, soon()); // before its connection is closed
  };
  const [own, ...others] = await found(await ofUser('stranger'));
  expect(others).toEqual([]);
  expect(own).toEqual({ address: expect.any(String), port: Number(new URL(plane.server).port) });
  const all = await found(plane.kubeconfigPath);
  expect(all).toEqual([own, { address: '10.9.9.9', port: 6443 }]);

  const { hosts } = await metricGuards({ allow: [], server: 'https://10.96.0.1', endpoints: all, env: {} });
  expect([hosts('10.9.9.9', 6443), hosts('10.9.9.9', 9090)]).toEqual([false, true]);
  await using servers = createPrometheusServers({ readSecret: secretless, guard: hosts, url: undefined });
  const source = sourceAt(servers, `https://${own?.address}:${own?.port}`);
  expect(await failureOf(source, viewOf('a'))).toMatchObject({ reason: 'AddressRefused' });
});

describe('of two namespaces the operator may look at one:', () => {
  beforeAll(async () => void (await kubectl('apply', '-f', 'config/rbac/role.yaml', '-f', 'config/rbac/leader.yaml')));

  /** The rights of an installed operator, as the chart gives them with `namespaces`. */
  const grant = (namespace: string, user: string) =>
    kubectl('create', 'rolebinding', user, '-n', namespace, '--clusterrole=genops', `--user=${user}`);
  const user = 'of-two';
  const leftOut = 'genops_namespace_left_out';
  /** With a policy and a service that names it. */
  async function inhabit(namespace: string): Promise<void> {
    await kubectl('create', 'namespace', namespace);
    const [policy, service] = await Promise.all(
      ['policy-minimal', 'generationservice-minimal'].map(async (name) =>
        parse(await readFile(`config/samples/${name}.yaml`, 'utf8')),
      ),
    );
    const file = join(folder, `${namespace}.yaml`);
    const items = [policy, { ...service, spec: { ...service.spec, policyRef: { name: 'minimal' } } }];
    const moved = items.map((item) => ({ ...item, metadata: { ...item.metadata, namespace } }));
    await writeFile(file, moved.map((item) => stringify(item)).join('---\n'));
    await kubectl('apply', '-f', file);
  }
  const told = async (namespace: string, kind: string, path: string) =>
    await kubectl('get', kind, 'minimal', '-n', namespace, '-o', `jsonpath={.status.${path}}`);
  const target = 'conditions[?(@.type=="TargetFound")].reason';
  const looked = async (namespace: string) => [
    await told(namespace, 'generationservice', target),
    await told(namespace, 'performancepolicy', 'services'),
  ];
  const verdictOf = async (manager: Manager) =>
    (await manager.ready()).split('\n').filter((line) => line.startsWith('[-]'));

  test('it leads and looks after that one, says that the other is left out, and takes it up when it may', async () => {
    const kubeconfig = await ofUser(user);
    await kubectl('create', 'rolebinding', user, '-n', installed, '--role=genops-leader', `--user=${user}`);
    await inhabit('ai');
    await inhabit('team1');
    await grant('team1', user);
    await using manager = await startManager({ GENOPS_NAMESPACES: 'ai,team1' }, { kubeconfig });

    await eventually(async () => expect(await looked('team1')).toEqual(['NotFound', '1']));
    expect(await manager.leads()).toBe(true);
    expect(await verdictOf(manager)).toEqual([]);
    expect(await manager.ready()).toMatch(/^\[\+\]namespaces ok: left out: ai \(.*forbidden.*\)$/m);
    expect(await manager.samples(leftOut)).toEqual([`${leftOut}{namespace="ai"} 1`]);
    expect(await looked('ai')).toEqual(['', '']);

    await grant('ai', user);
    await eventually(async () => expect(await looked('ai')).toEqual(['NotFound', '1']));
    await eventually(async () => expect(await manager.ready()).toMatch(/^\[\+\]namespaces ok$/m));
    expect(await manager.samples(leftOut)).toEqual([]);
    expect(await verdictOf(manager)).toEqual([]);
  });

  test('a namespace of which not all may be listed is left out whole, and nothing is judged by the part that is seen', async () => {
    const partly = 'in-part';
    const kubeconfig = await ofUser(partly);
    await kubectl('create', 'rolebinding', partly, '-n', installed, '--role=genops-leader', `--user=${partly}`);
    await inhabit('whole');
    await inhabit('part');
    await grant('whole', partly);
    const role = [
      '--verb=get,list,watch,patch',
      '--resource=generationservices.genops.dev,performancepolicies.genops.dev',
    ];
    const status = '--resource=generationservices.genops.dev/status,performancepolicies.genops.dev/status';
    await kubectl('create', 'role', partly, '-n', 'part', ...role, status);
    await kubectl('create', 'rolebinding', partly, '-n', 'part', `--role=${partly}`, `--user=${partly}`);
    await using manager = await startManager({ GENOPS_NAMESPACES: 'whole,part' }, { kubeconfig });

    await eventually(async () => expect(await looked('whole')).toEqual(['NotFound', '1']));
    await consistently(async () => expect(await looked('part')).toEqual(['', '']), { forMs: 3000 });
    expect(await manager.ready()).toMatch(/^\[\+\]namespaces ok: left out: part \(/m);
  });

  test('where it may look at none it does not act, and is not ready', async () => {
    const nobody = 'of-none';
    const kubeconfig = await ofUser(nobody);
    await kubectl('create', 'rolebinding', nobody, '-n', installed, '--role=genops-leader', `--user=${nobody}`);
    await using manager = await startManager({ GENOPS_NAMESPACES: 'none1,none2' }, { kubeconfig });

    await eventually(async () => {
      const page = await manager.ready();
      expect(page).toMatch(/^\[-\]synced-pods .*forbidden/m);
      expect(page).toMatch(/^\[\+\]open ok$/m);
    });
    const holder = () => kubectl('get', 'lease', 'genops', '-n', installed, '-o', 'jsonpath={.spec.holderIdentity}');
    await eventually(async () => expect(await holder()).not.toBe(''));
    await consistently(async () => expect(await manager.leads()).toBe(false), { forMs: 3_000 });
  });
});
