import type { KubeObject, Manifest } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { eventually } from './eventually.ts';
import { releasedKind } from './released-kind.ts';
import { customResourceDefinitions, type World } from './world.ts';

interface DatabaseCluster extends KubeObject {
  readonly spec: { readonly postgresql?: { readonly parameters?: Readonly<Record<string, string>> } };
}
export const databaseClusters = resource<DatabaseCluster>({
  group: 'postgresql.cnpg.io',
  version: 'v1',
  plural: 'clusters',
  kind: 'Cluster',
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

/** CloudNativePG's kind as its release has it. Its operator is not there: a test does what it would do. */
export async function installDatabaseClusters({ kube, signal }: Pick<World, 'kube' | 'signal'>): Promise<void> {
  const definition = await releasedKind(
    'github.com/cloudnative-pg/cloudnative-pg@v1.28.0',
    'config/crd/bases/postgresql.cnpg.io_clusters.yaml',
  );
  await kube.apply(customResourceDefinitions, definition, { manager: 'genops-test', force: true }, signal);
  await eventually(async () => {
    await kube.list(databaseClusters, { namespace: 'default' }, signal);
    const { group, version, kind } = databaseClusters; // served a moment before it is listed
    if ((await kube.discover(`${group}/${version}`, kind, signal)) === undefined)
      throw new Error(`no kind ${kind} yet`);
  });
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
