import type { KubeObject, Manifest } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { eventually } from './eventually.ts';
import { customResourceDefinitions, type World } from './world.ts';

interface DatabaseCluster extends KubeObject {
  readonly spec: { readonly postgresql?: { readonly parameters?: Readonly<Record<string, string>> } };
}
const group = 'postgresql.cnpg.io';
const names = { plural: 'clusters', singular: 'cluster', kind: 'Cluster' };
export const databaseClusters = resource<DatabaseCluster>({
  group,
  version: 'v1',
  plural: names.plural,
  kind: names.kind,
  namespaced: true,
});

export const databaseCluster = (
  namespace: string,
  parameters: Readonly<Record<string, string>> = {},
): Manifest & { readonly spec: object } => ({
  metadata: { name: 'pg', namespace },
  spec: { instances: 1, postgresql: { parameters } },
});

/** CloudNativePG's kind with as much of its schema as parameters need. Its operator is not there: a test does what it would do. */
export async function installDatabaseClusters({ kube, signal }: World): Promise<void> {
  const texts = { type: 'object', additionalProperties: { type: 'string' } };
  const postgresql = { type: 'object', properties: { parameters: texts } };
  const spec = { type: 'object', required: ['instances'], properties: { instances: { type: 'integer' }, postgresql } };
  const schema = { type: 'object', required: ['spec'], properties: { spec } };
  const crd = {
    metadata: { name: `${names.plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names,
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  await kube.apply(customResourceDefinitions, crd, { manager: 'genops-test', force: true }, signal);
  await eventually(() => kube.list(databaseClusters, { namespace: 'default' }, signal));
}
