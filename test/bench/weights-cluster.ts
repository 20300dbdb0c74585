import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { controlPlane } from '../../hack/cluster/control-plane.ts';
import { bundle } from '../../hack/image/bundle.ts';
import type { NginxVersion } from '../../hack/servers/nginx.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../operator/decide/effective-policy.ts';
import { connectKube, type Kube } from '../../operator/kube/client.ts';
import { loadConfig } from '../../operator/kube/config.ts';
import { settingsOf } from '../../operator/levers/load-balancer/settings.ts';
import { configMaps } from '../../operator/reconcilers/kinds.ts';
import { startNginxAgent, type AgentOfTest, type sliceOf } from '../integration/nginx-agent-world.ts';
import type { PodsAnswer, PodsInput } from './weights-pods.ts';

type Slice = ReturnType<typeof sliceOf>;

interface NginxInput {
  /** Of its Service and its ConfigMap. */
  readonly name: string;
  readonly version: NginxVersion;
  readonly policy: NonNullable<PolicySpec['loadBalancer']>;
  readonly slots: number;
}

/** An API server, and what is started beside it. */
export interface BenchCluster extends AsyncDisposable {
  readonly kube: Kube;
  /** nginx with its agent and the settings of a policy. */
  agent(input: NginxInput, signal: AbortSignal): Promise<AgentOfTest>;
  applySlice(slice: Slice, signal: AbortSignal): Promise<void>;
  /** As many as there are times; requests take so long on average. */
  pods(meanMs: readonly number[]): Promise<BenchPods>;
}

export interface BenchPods extends AsyncDisposable {
  readonly ports: readonly number[];
  /** Other times from now on; how many requests each was sent since the last time. */
  set(meanMs: readonly number[]): Promise<readonly number[]>;
}

export async function openCluster(signal: AbortSignal): Promise<BenchCluster> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'genops-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const entry = join(folder, 'genops.mjs');
  await writeFile(entry, await bundle('operator/main.ts'));
  const apiServerFlags = ['--disable-admission-plugins=ServiceAccount']; // Pods, and no controller that makes accounts
  const plane = stack.use(await controlPlane({ apiServerFlags }, signal));
  const config = await loadConfig({ kubeconfig: plane.kubeconfigPath });
  const kube = stack.use(connectKube(config, { userAgent: 'genops-bench' }));
  const slices = (await kube.discover('discovery.k8s.io/v1', 'EndpointSlice', signal))?.resource;
  if (slices === undefined) throw new Error('the API server knows no EndpointSlice');
  const owned = stack.move();
  return {
    kube,
    async agent({ name, version, policy, slots }, until) {
      const kubeconfig = (): Promise<string> => Promise.resolve(plane.kubeconfigPath);
      const agent = await startNginxAgent({ version, namespace: 'default', configMap: name, kubeconfig, entry });
      const text = settingsText(name, { policy, slots, http: agent.port });
      const manifest = { metadata: { namespace: 'default', name }, data: { 'settings.json': text } };
      await kube.create(configMaps, manifest, {}, until);
      return agent;
    },
    async applySlice({ metadata, ...slice }, until) {
      const manifest = { ...slice, metadata: { ...metadata, namespace: 'default' } };
      await kube.apply(slices, manifest, { manager: 'bench', force: true }, until);
    },
    pods: startPods,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function settingsText(
  service: string,
  { policy, slots, http }: Pick<NginxInput, 'policy' | 'slots'> & { readonly http: number },
): string {
  const { loadBalancer } = effectivePolicy({ overrides: { loadBalancer: policy } }).policy;
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow' };
  const components = [{ name: 'workflow', targetRef, serviceRef: { name: service } }];
  const nginx = { ports: { http, https: 1 } };
  const written = settingsOf({ policy: loadBalancer, nginx, components, slots: { workflow: slots } });
  if (written === undefined) throw new Error('the component has a Service');
  return written.text;
}

async function startPods(meanMs: readonly number[]): Promise<BenchPods> {
  const child = fork(join(import.meta.dirname, 'weights-pods.ts'));
  const ended = once(child, 'exit');
  const ask = async (given: readonly number[]): Promise<PodsAnswer> => {
    const answer = once(child, 'message') as Promise<[PodsAnswer]>;
    child.send({ meanMs: given } satisfies PodsInput);
    return (await answer)[0];
  };
  const { ports } = await ask(meanMs);
  return {
    ports,
    set: async (given) => (await ask(given)).taken,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
