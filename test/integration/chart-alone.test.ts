import { beforeAll, expect, test } from '@jest/globals';
import type { KubeObject } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';
import { startWorld } from '../world/world.ts';
import { named, parsed } from './chart-rendering.ts';

let tools: ClusterTools;
beforeAll(async () => {
  tools = await clusterTools([], AbortSignal.timeout(600_000));
}, 600_000);

const rbac = (kind: string, namespaced: boolean) =>
  resource<KubeObject>({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural: `${kind.toLowerCase()}s`,
    kind,
    namespaced,
  });
const roleBindings = rbac('RoleBinding', true);
const clusterRoleBindings = rbac('ClusterRoleBinding', false);

test('a second operator for a namespace is refused, and one in its namespace; one beside it for others is not, nor is an upgrade of the first', async () => {
  await using world = await startWorld({ operator: false });
  await using other = await startWorld({ operator: false });
  await using beside = await startWorld({ operator: false });
  /** As `helm install` and `helm upgrade` render it, with what the cluster has already. */
  const rendered = (release: string, namespaces: readonly string[], { namespace } = release === 'first' ? other : beside) =>
    tools.helm('template', release, 'charts/genops', '-n', namespace, '--dry-run=server', '--set-json', `namespaces=${JSON.stringify(namespaces)}`); // prettier-ignore
  const first = parsed(await rendered('first', [world.namespace]));
  const annotations = { 'meta.helm.sh/release-name': 'first', 'meta.helm.sh/release-namespace': other.namespace };
  for (const binding of named(first, 'RoleBinding'))
    await world.kube.create(roleBindings, { ...binding, metadata: { ...binding.metadata, annotations } }, {}, world.signal); // prettier-ignore

  const seen = new RegExp(
    `saw the release first of ${other.namespace}, which looks after ${world.namespace} already; .* next: share the namespaces out .*, each release in a namespace of its own, or helm uninstall first -n ${other.namespace}`,
  );
  await expect(rendered('second', [other.namespace, world.namespace])).rejects.toThrow(seen);
  await expect(rendered('second', [])).rejects.toThrow(/which looks after .* already/); // of the whole cluster
  expect(named(parsed(await rendered('second', [other.namespace])), 'Deployment')).toHaveLength(1);
  await expect(rendered('second', [beside.namespace], other)).rejects.toThrow(
    new RegExp(`saw the release first in ${other.namespace} already; .* next: install it in a namespace of its own`),
  );
  expect(named(parsed(await rendered('first', [world.namespace, other.namespace])), 'Deployment')).toHaveLength(1);
});

test('a second operator of the whole cluster is refused, and who has a namespace does not ask for more than that', async () => {
  await using world = await startWorld({ operator: false });
  const [everything = { metadata: { name: 'none' } }] = named(parsed(await tools.helm('template', world.namespace, 'charts/genops', '-n', world.namespace)), 'ClusterRoleBinding'); // prettier-ignore
  await using stack = new AsyncDisposableStack();
  await world.kube.create(clusterRoleBindings, { ...everything }, {}, world.signal);
  stack.defer(() => world.kube.delete(clusterRoleBindings, world.namespace, {}, AbortSignal.timeout(10_000)));
  await using beside = await startWorld({ operator: false });
  const args = ['template', 'second', 'charts/genops', '-n', beside.namespace, '--dry-run=server'];
  await expect(tools.helm(...args)).rejects.toThrow(/which looks after .* already/);
  const installer = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'installer' };
  const roleRef = { kind: 'ClusterRole', apiGroup: installer.apiGroup, name: 'admin' };
  for (const { namespace } of [world, beside]) {
    const metadata = { namespace, name: installer.name };
    await world.kube.create(roleBindings, { metadata, roleRef, subjects: [installer] }, {}, world.signal);
  }
  const asInstaller = [...args, '--kube-as-user', installer.name];
  await expect(tools.helm(...asInstaller)).rejects.toThrow(/cannot list resource "rolebindings"/);
  await tools.helm(...asInstaller, '--set-json', `namespaces=["${world.namespace}"]`);
});

test('an operator that kustomize put in some namespaces is seen there, from the whole cluster and in its own namespace', async () => {
  await using world = await startWorld({ operator: false });
  await using system = await startWorld({ operator: false });
  await using beside = await startWorld({ operator: false });
  const bindings = named(parsed(await tools.kubectl('kustomize', 'config/namespaced')), 'RoleBinding');
  const inNamespace = { ai: world.namespace, 'genops-system': system.namespace } as const;
  for (const { metadata, subjects, ...binding } of bindings) {
    const namespace = inNamespace[metadata.namespace as keyof typeof inNamespace];
    if (namespace === undefined) continue;
    const bound = { ...binding, metadata: { ...metadata, namespace }, subjects: [{ kind: 'ServiceAccount', name: 'genops', namespace: system.namespace }] }; // prettier-ignore
    await world.kube.create(roleBindings, bound, {}, world.signal);
  }
  const rendered = (namespaces: readonly string[], { namespace } = beside) =>
    tools.helm('template', 'second', 'charts/genops', '-n', namespace, '--dry-run=server', '--set-json', `namespaces=${JSON.stringify(namespaces)}`); // prettier-ignore
  const seen = new RegExp(`saw the release genops of ${system.namespace}, which looks after .* already; .* kustomize`);
  await expect(rendered([world.namespace])).rejects.toThrow(seen);
  await expect(rendered([])).rejects.toThrow(/which looks after .* already/);
  await expect(rendered([beside.namespace], system)).rejects.toThrow(/wanted one release in a namespace/);
  expect(named(parsed(await rendered([beside.namespace])), 'Deployment')).toHaveLength(1);
});
