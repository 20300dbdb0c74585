import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { kubeconfig } from '../../hack/cluster/authority.ts';
import { issueCertificate } from '../../hack/cluster/certificate.ts';
import { controlPlane, type ControlPlane } from '../../hack/cluster/control-plane.ts';
import { waitUntil } from '../../hack/cluster/ready.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { resource } from '../../operator/kube/resource.ts';
import { deployments, performancePolicies } from '../../operator/reconcilers/kinds.ts';
import { AuditLog, auditFlags } from './audit-log.ts';
import { inFlight } from './load.ts';
import { deployment, namespaceNames, places, policy, type Place } from './manifests.ts';
import { startMeter, type Meter } from './meter.ts';
import { openObserver, type Observer } from './observer.ts';
import { prepareOperator, type Contestant, type Operator } from './operators.ts';
import { cpuSeconds } from './usage.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
/** Who the operator is to the API server. */
export const operatorUser = 'genops-bench';
const leaseNamespace = 'genops-system';

/** A fresh cluster with its workloads and policies, in which nothing has happened yet. */
export interface World extends AsyncDisposable {
  readonly plane: ControlPlane;
  /** An administrator's, 16 connections. */
  readonly kube: Kube;
  readonly places: readonly Place[];
  readonly observer: Observer;
  /** Undefined for the floor, which has none. */
  readonly operator: Operator | undefined;
  readonly meter: Meter;
}

const namespaceResource = resource({
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
});
const leases = resource({
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
});

/** Owner references are collected, but no Pod is made and no HPA acts. */
const withoutWorkloads = ['--controllers=*,-deployment-controller,-horizontal-pod-autoscaler-controller'];

export interface WorldOptions {
  readonly count: number;
  /** Of kube-controller-manager. */
  readonly controllerFlags?: readonly string[];
  readonly signal: AbortSignal;
}

/** A control plane for this run alone: nothing of the run before is in its caches or in etcd. The operator leads, and the API server is quiet. */
export async function openWorld(
  contestant: Contestant | undefined,
  { count, controllerFlags = withoutWorkloads, signal }: WorldOptions,
): Promise<World> {
  await using open = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'genops-bench-'));
  open.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const plane = open.use(
    await controlPlane(
      {
        audit: true,
        controllers: true,
        apiServerFlags: await auditFlags(folder, operatorUser),
        controllerManagerFlags: controllerFlags,
      },
      signal,
    ),
  );
  const kube = open.use(
    connectKube(await loadConfig({ kubeconfig: plane.kubeconfigPath }), { userAgent: 'genops-bench' }),
  );
  const all = places(count);
  await install(plane, signal);
  await furnish(kube, all, signal);
  const observer = open.use(await openObserver(kube, signal));
  const operator =
    contestant === undefined ? undefined : open.use(await prepare(contestant, { plane, folder, kube, signal }));
  await quiet(plane, signal);
  const meter = await startMeter(
    {
      operator: () => operator?.pid(),
      apiServer: () => plane.pid('kube-apiserver'),
      others: () => [plane.pid('etcd'), plane.pid('kube-controller-manager')],
    },
    new AuditLog(plane.auditLogPath, kube),
    signal,
  );
  const resources = open.move();
  return {
    plane,
    kube,
    places: all,
    observer,
    operator,
    meter,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The CRDs, and the rights of the chart for an ordinary user. */
async function install({ binDir, kubeconfigPath }: ControlPlane, signal: AbortSignal): Promise<void> {
  const kubectl = async (...args: readonly string[]): Promise<void> => {
    await run(join(binDir, 'kubectl'), [`--kubeconfig=${kubeconfigPath}`, ...args], { cwd: root, signal });
  };
  await kubectl('create', 'namespace', leaseNamespace);
  await kubectl('apply', '-k', 'crds');
  await kubectl('apply', '-k', 'config/rbac');
  await kubectl('create', 'clusterrolebinding', operatorUser, '--clusterrole=genops', `--user=${operatorUser}`);
  const binding = ['rolebinding', operatorUser, '--role=genops-leader', `--user=${operatorUser}`];
  await kubectl('-n', leaseNamespace, 'create', ...binding);
  // What the chart adds for the metrics API: the line `serve` has it on.
  await kubectl(
    'create',
    'clusterrole',
    `${operatorUser}-api`,
    '--verb=get,list,watch',
    '--resource=apiservices.apiregistration.k8s.io',
  );
  await kubectl(
    'create',
    'clusterrolebinding',
    `${operatorUser}-api`,
    `--clusterrole=${operatorUser}-api`,
    `--user=${operatorUser}`,
  );
  const reader = 'extension-apiserver-authentication-reader';
  await kubectl(
    '-n',
    'kube-system',
    'create',
    'rolebinding',
    operatorUser,
    `--role=${reader}`,
    `--user=${operatorUser}`,
  );
  await kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
}

async function furnish(kube: Kube, all: readonly Place[], signal: AbortSignal): Promise<void> {
  await inFlight(namespaceNames, (name) => kube.create(namespaceResource, { metadata: { name } }, {}, signal));
  await inFlight(namespaceNames, async (name) => kube.create(performancePolicies, await policy(name), {}, signal));
  await inFlight(all, (place) => kube.create(deployments, deployment(place), {}, signal));
}

interface PrepareInput {
  readonly plane: ControlPlane;
  readonly folder: string;
  readonly kube: Kube;
  readonly signal: AbortSignal;
}

async function prepare(contestant: Contestant, { plane, folder, kube, signal }: PrepareInput): Promise<Operator> {
  const kubeconfigPath = join(folder, 'operator.kubeconfig');
  await writeFile(kubeconfigPath, await operatorKubeconfig(plane), { mode: 0o600 });
  const operator = await prepareOperator(contestant, { folder, kubeconfigPath, leaseNamespace });
  try {
    await operator.start(signal);
    const leads = async (): Promise<boolean> =>
      (await kube.get(leases, `${leaseNamespace}/genops`, signal)) !== undefined;
    await waitUntil(`${contestant.name} leads`, leads, { timeoutMs: 30_000, signal });
    return operator;
  } catch (error) {
    await operator[Symbol.asyncDispose]();
    throw error;
  }
}

async function operatorKubeconfig({ kubeconfigPath, server }: ControlPlane): Promise<string> {
  const read = (name: string): Promise<string> => readFile(join(dirname(kubeconfigPath), name), 'utf8');
  const authority = { certificate: await read('ca.crt'), key: await read('ca.key') };
  return kubeconfig(server, authority.certificate, issueCertificate({ commonName: operatorUser }, authority));
}

/** At least 5 s, at most 30: until the API server has published its schemas and collected its garbage. */
async function quiet(plane: ControlPlane, signal: AbortSignal): Promise<void> {
  const began = performance.now();
  for (;;) {
    const before = await cpuSeconds(plane.pid('kube-apiserver'));
    await delay(2000, undefined, { signal });
    const cores = ((await cpuSeconds(plane.pid('kube-apiserver'))) - before) / 2;
    const waitedMs = performance.now() - began;
    if ((waitedMs >= 5000 && cores < 0.1) || waitedMs > 30_000) return;
  }
}
