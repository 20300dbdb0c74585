import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import type { ControlPlane } from '../../hack/cluster/control-plane.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { main } from '../../operator/cli/main.ts';
import { generationService } from '../world/builders.ts';
import { startPlane } from './kube-world.ts';

const run = promisify(execFile);
/** The API server passes nothing on to loopback. */
const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
export const operatorIn = 'genops-system';

/** A control plane with an operator whose views can be asked for through its API server, and a service `ai/generation`. */
export interface ViewsOperator extends AsyncDisposable {
  readonly plane: ControlPlane;
  /** For files of a test. */
  readonly folder: string;
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

export async function openViewsOperator(): Promise<ViewsOperator> {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await startPlane());
  const folder = await mkdtemp(join(tmpdir(), 'genops-views-operator-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const { certificate, key } = issueCertificate({ commonName: 'genops', names: ['genops'] }, createAuthority('ca'));
  await writeFile(join(folder, 'tls.crt'), certificate);
  await writeFile(join(folder, 'tls.key'), key);
  const kubectl = async (args: readonly string[], input = ''): Promise<string> => {
    const running = run(join(plane.binDir, 'kubectl'), ['--kubeconfig', plane.kubeconfigPath, ...args]);
    running.child.stdin?.end(input);
    return (await running).stdout;
  };
  await kubectl(['apply', '--server-side', '-k', 'crds']);
  await kubectl(['wait', 'crd/generationservices.genops.dev', '--for=condition=Established', '--timeout=60s']);
  const port = await freePort();
  await kubectl(
    ['apply', '-f', '-'],
    objects(port)
      .map((object) => stringify(object))
      .join('---\n'),
  );
  const status = JSON.stringify({ status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }] } });
  await kubectl(['patch', 'pod', 'genops', '-n', operatorIn, '--subresource=status', '--type=merge', '-p', status]);
  stack.defer(await start(['manager', ...operatorFlags({ plane, folder, port })]));
  const owned = stack.move();
  return { plane, folder, kubectl, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const viewsRole = { apiGroups: ['genops.dev'], resources: ['generationservices/views'], verbs: ['get', 'list'] };
const objects = (port: number): readonly object[] => [
  ...['ai', operatorIn].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  ...['viewer', 'stranger'].map((name) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: 'ai' },
  })),
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'views', namespace: 'ai' },
    rules: [viewsRole],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'views', namespace: 'ai' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'views' },
    subjects: [{ kind: 'ServiceAccount', name: 'viewer', namespace: 'ai' }],
  },
  { ...generationService(), metadata: { name: 'generation', namespace: 'ai' } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'genops', namespace: operatorIn },
    spec: { ports: [{ name: 'https', port: 443, targetPort: port }] },
  },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: operatorIn } },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'genops', namespace: operatorIn },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'genops', image: 'genops' }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'genops', namespace: operatorIn, labels: { 'kubernetes.io/service-name': 'genops' } },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: [address],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: 'genops', namespace: operatorIn },
      },
    ],
    ports: [{ name: 'https', port }],
  },
];

function operatorFlags({ plane, folder, port }: Pick<ViewsOperator, 'plane' | 'folder'> & { readonly port: number }) {
  const cluster = ['--kubeconfig', plane.kubeconfigPath, '--namespaces', 'ai', '--allow-metric-address', '127.0.0.0/8'];
  const alone = ['--no-leader-elect', '--log-level', 'error'];
  const plain = ['--metrics-bind-address', '', '--health-probe-bind-address', ''];
  return [...cluster, ...alone, ...plain, '--views', '--api-bind-address', `:${port}`, '--tls-cert-dir', folder];
}

/** @returns What ends it. */
export async function start(args: readonly string[], hear: (text: string) => void = () => undefined) {
  const stop = new AbortController();
  const err = { write: (text: string) => process.stderr.write(text) };
  const ended = main({ args, env: {}, out: { write: hear }, err, signal: stop.signal });
  return async () => {
    stop.abort(new Error('stopped'));
    await ended;
  };
}

/** One command to its end. */
export async function genops(...args: readonly string[]) {
  let [out, err] = ['', ''];
  const code = await main({
    args,
    env: {},
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    signal: AbortSignal.timeout(20_000),
  });
  return { code, out, err };
}
