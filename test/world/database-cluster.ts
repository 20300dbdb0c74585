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
  volume = '100Gi',
): Manifest & { readonly spec: object } => ({
  metadata: { name: 'pg', namespace },
  spec: { instances: 1, postgresql: { parameters }, storage: { size: volume } },
});

/** CloudNativePG's kind with as much of its schema as parameters need. Its operator is not there: a test does what it would do. */
export async function installDatabaseClusters({ kube, signal }: World): Promise<void> {
  const texts = { type: 'object', additionalProperties: { type: 'string' } };
  const postgresql = { type: 'object', properties: { parameters: texts } };
  const storage = { type: 'object', properties: { size: { type: 'string' } } };
  const properties = { instances: { type: 'integer' }, postgresql, storage, walStorage: storage };
  const spec = { type: 'object', required: ['instances'], properties };
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

/** The fields that operators on Patroni have for parameters: they keep what stands there as it is. */
const ofPatroni = {
  patroni: {
    type: 'object',
    properties: { dynamicConfiguration: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  },
};
const ofZalando = {
  postgresql: {
    type: 'object',
    properties: { parameters: { type: 'object', additionalProperties: { type: 'string' } } },
  },
};

/** The kinds of other database operators, with as much of their schemas as parameters need. */
export const otherDatabaseKinds = [
  {
    group: 'postgres-operator.crunchydata.com',
    version: 'v1beta1',
    kind: 'PostgresCluster',
    plural: 'postgresclusters',
    properties: ofPatroni,
    specWith: (parameters: object) => ({ patroni: { dynamicConfiguration: { postgresql: { parameters } } } }),
  },
  {
    group: 'pgv2.percona.com',
    version: 'v2',
    kind: 'PerconaPGCluster',
    plural: 'perconapgclusters',
    properties: ofPatroni,
    specWith: (parameters: object) => ({ patroni: { dynamicConfiguration: { postgresql: { parameters } } } }),
  },
  {
    group: 'acid.zalan.do',
    version: 'v1',
    kind: 'postgresql',
    plural: 'postgresqls',
    properties: ofZalando,
    specWith: (parameters: object) => ({ postgresql: { parameters } }),
  },
] as const;

export async function installDatabaseKind(
  { kube, signal }: Pick<World, 'kube' | 'signal'>,
  { properties, version, kind, plural, ...owned }: (typeof otherDatabaseKinds)[number],
) {
  const schema = { type: 'object', properties: { spec: { type: 'object', properties } } };
  const crd = {
    metadata: { name: `${plural}.${owned.group}` },
    spec: {
      group: owned.group,
      scope: 'Namespaced',
      names: { plural, kind, singular: kind.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  await kube.apply(customResourceDefinitions, crd, { manager: 'genops-test', force: true }, signal);
  const installed = resource<KubeObject & { readonly spec: object }>({
    group: owned.group,
    version,
    plural,
    kind,
    namespaced: true,
  });
  await eventually(() => kube.list(installed, { namespace: 'default' }, signal));
  return installed;
}
