import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../hack/image/bundle.ts';
import type { NginxVersion } from '../../hack/servers/nginx.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../operator/decide/effective-policy.ts';
import { settingsOf } from '../../operator/levers/load-balancer/settings.ts';
import { startNginxAgent, type AgentOfTest } from '../integration/nginx-agent-world.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { kubeconfigPath, startWorld, type World } from '../world/world.ts';
import { applyProgram } from './weights-pods.ts';

interface NginxInput {
  /** Of its Service and its ConfigMap. */
  readonly name: string;
  readonly version: NginxVersion;
  readonly policy: NonNullable<PolicySpec['loadBalancer']>;
  readonly slots: number;
}

/** A namespace of a cluster with a real node, and what is started beside it. */
export interface BenchCluster extends AsyncDisposable {
  readonly world: World;
  /** nginx with its agent and the settings of a policy. */
  agent(input: NginxInput): Promise<AgentOfTest>;
}

/** Of GENOPS_CLUSTER, which `make bench-weights` starts where none is up. */
export async function openCluster(signal: AbortSignal): Promise<BenchCluster> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'genops-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const entry = join(folder, 'genops.mjs');
  await writeFile(entry, await bundle('operator/main.ts'));
  await clusterTools(['workload'], signal);
  const world = stack.use(await startWorld({ operator: false }));
  await applyProgram(world);
  const owned = stack.move();
  return {
    world,
    async agent({ name, version, policy, slots }) {
      const { namespace } = world;
      const kubeconfig = (): Promise<string> => Promise.resolve(kubeconfigPath());
      const agent = await startNginxAgent({ version, namespace, configMap: name, kubeconfig, entry });
      const data = { 'settings.json': settingsText(name, { policy, slots, http: agent.port }) };
      await world.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
      return agent;
    },
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
