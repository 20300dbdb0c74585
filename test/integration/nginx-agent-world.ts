import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { freePort } from '../../hack/servers/free-port.ts';
import type { NginxVersion } from '../../hack/servers/nginx.ts';
import { hasEnded, spawnServer, stopServer } from '../../hack/servers/process.ts';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import type { LoadBalancerReport } from '../../operator/api/load-balancer-report.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { restricted } from '../world/ready-pod.ts';
import { kubeconfigPath, type World } from '../world/world.ts';
import { nginxFolder, ownAddress } from './nginx-world.ts';

/** A kubeconfig with the rights of config/samples/nginx.yaml. @param cluster How the API server is reached, where it is another way. */
export async function agentKubeconfig(
  world: Pick<World, 'apply' | 'kube' | 'namespace' | 'signal'>,
  folder: string,
  cluster?: object,
): Promise<string> {
  const sample = await readFile(join(import.meta.dirname, '../../config/samples/nginx.yaml'), 'utf8');
  for (const document of parseAllDocuments(sample)) {
    const manifest = document.toJS() as Parameters<World['apply']>[0];
    if (!['ServiceAccount', 'Role', 'RoleBinding'].includes(manifest.kind)) continue;
    const subjects = [{ kind: 'ServiceAccount', name: 'generation-nginx', namespace: world.namespace }];
    await world.apply({ ...manifest, ...(manifest.kind === 'RoleBinding' ? { subjects } : {}) });
  }
  const path = `/api/v1/namespaces/${world.namespace}/serviceaccounts/generation-nginx/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status } = (await world.kube.raw({ method: 'POST', path, body }, world.signal)) as {
    status: { token: string };
  };
  const config = parse(await readFile(kubeconfigPath(), 'utf8')) as { clusters: object[]; users: object[] };
  const clusters = cluster === undefined ? config.clusters : config.clusters.map((one) => ({ ...one, cluster }));
  const users = config.users.map((one) => ({ ...one, user: { token: status.token } }));
  const file = join(folder, 'kubeconfig');
  await writeFile(file, stringify({ ...config, clusters, users }, { lineWidth: 0 }), { mode: 0o600 });
  return file;
}

/** A component behind the nginx of this machine whose Pod `nginxPod` makes. @param http Its port. @param more Of nginx, beside what finds it. */
export const behindNginx = (http: number, more: Partial<Nginx> = {}) => ({
  components: [
    {
      name: 'workflow',
      targetRef: { apiVersion: 'apps/v1' as const, kind: 'Deployment' as const, name: 'workflow-execution' },
      serviceRef: { name: 'generation', port: 'http' },
    },
  ],
  loadBalancer: {
    type: 'Nginx' as const,
    nginx: { podSelector: { matchLabels: { app: 'nginx' } }, ports: { http, https: 8443 }, ...more },
  },
});
type Nginx = NonNullable<NonNullable<GenerationServiceSpec['loadBalancer']>['nginx']>;

/** The Pod of an nginx: its container is a process of this machine. */
export const nginxPod = (world: World, agentPort: number): Promise<void> =>
  runningPod(world, 'nginx-0', { labels: { app: 'nginx' }, ip: '127.0.0.1', agentPort });

/** A Pod that no node runs, and that says of itself that it runs. */
export async function runningPod(
  world: World,
  name: string,
  {
    labels,
    ip,
    agentPort,
  }: { readonly labels: Readonly<Record<string, string>>; readonly ip: string; readonly agentPort?: number },
): Promise<void> {
  const ports = agentPort === undefined ? [] : [{ name: 'genops-agent', containerPort: agentPort }];
  const containers = [{ name: 'main', image: 'main', ports, securityContext: restricted }];
  const metadata = { name, labels };
  await world.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { schedulerName: 'nobody', containers } });
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions };
  const manifest = { metadata: { namespace: world.namespace, name }, status };
  await world.kube.apply(
    podResource,
    manifest,
    { manager: 'kubectl', force: true, subresource: 'status' },
    world.signal,
  );
}

/** Where a Pod of the Service `generation` is, as the endpoints controller would write it: one a slice, since each has a port of its own here. */
export const slice = (world: Pick<World, 'apply'>, name: string, port: number, ready = true) =>
  world.apply({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, labels: { 'kubernetes.io/service-name': 'generation' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [ownAddress()], conditions: { ready }, targetRef: { kind: 'Pod', name, uid: name } }],
  });

export interface AgentOfTest extends AsyncDisposable {
  /** Of nginx. */
  readonly port: number;
  /** Of the agent's own pages. */
  readonly statusPort: number;
  report(): Promise<LoadBalancerReport>;
}

interface AgentFlags {
  readonly namespace: string;
  readonly configMap: string;
  readonly kubeconfig: string;
  /** genops: a bundle, or its sources. */
  readonly entry: string;
  readonly statusPort: number;
}

/** `genops nginx-agent` before the nginx of a folder. */
export const spawnAgent = (
  { folder, binary, moduleFolder }: Awaited<ReturnType<typeof nginxFolder>>,
  { namespace, configMap, kubeconfig, entry, statusPort }: AgentFlags,
) => {
  const flags = {
    'config-map': configMap,
    kubeconfig,
    namespace,
    nginx: binary,
    'modules-folder': moduleFolder,
    folder: join(folder, 'run'),
    'tls-folder': join(folder, 'tls'),
    'bind-address': `127.0.0.1:${statusPort}`,
    'shutdown-delay': '0s',
    'reload-spread': '0s',
  };
  return spawnServer({
    binary: process.execPath,
    args: [entry, 'nginx-agent', ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])],
    cwd: join(import.meta.dirname, '../..'),
    logFile: join(folder, 'agent.log'),
    orphanSignal: 'SIGTERM',
  });
};

export interface AgentInput extends Omit<AgentFlags, 'kubeconfig' | 'statusPort'> {
  readonly version: NginxVersion;
  /** Written into the agent's folder, or elsewhere. */
  readonly kubeconfig: (folder: string) => Promise<string>;
}

/** The same before an nginx of a test's own. */
export async function startNginxAgent({ version, kubeconfig, ...flags }: AgentInput): Promise<AgentOfTest> {
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await nginxFolder(version));
  const [port, statusPort] = [await freePort(), await freePort()];
  const agent = await spawnAgent(home, { ...flags, kubeconfig: await kubeconfig(home.folder), statusPort });
  stack.defer(async () => {
    if (!hasEnded(agent)) await stopServer(agent, 10_000);
  });
  const owned = stack.move();
  return {
    port,
    statusPort,
    report: async () => (await (await fetch(`http://127.0.0.1:${statusPort}/status`)).json()) as LoadBalancerReport,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
