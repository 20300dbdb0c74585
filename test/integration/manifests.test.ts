import { beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../operator/kube/object.ts';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';

interface Rendered extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly rules?: unknown;
  readonly spec?: {
    readonly template?: {
      readonly spec: { readonly containers: readonly Record<string, unknown>[] } & Record<string, unknown>;
    };
  };
}
let tools: ClusterTools;
beforeAll(async () => {
  tools = await clusterTools([], AbortSignal.timeout(600_000));
}, 600_000);

const parsed = (text: string): readonly Rendered[] =>
  parseAllDocuments(text).flatMap((document) => (document.toJS() as Rendered | null) ?? []);
const chart = async (...flags: readonly string[]) =>
  parsed(await tools.helm('template', 'genops', 'charts/genops', '-n', 'genops-system', ...flags));
const named = (all: readonly Rendered[], kind: string): readonly Rendered[] =>
  all.filter((object) => object.kind === kind);
const rulesOf = (all: readonly Rendered[]): unknown =>
  Object.fromEntries(
    [...named(all, 'ClusterRole'), ...named(all, 'Role')].map(({ metadata, rules }) => [metadata.name, rules]),
  );
const podOf = (all: readonly Rendered[]): unknown => {
  const pod = named(all, 'Deployment')[0]?.spec?.template?.spec;
  return { ...pod, containers: pod?.containers.map(({ image: _, ...container }) => container) };
};

test('chart and kustomize base install the same: rights, Pod, CRDs', async () => {
  const [byChart, byKustomize] = [
    await chart('--include-crds'),
    parsed(await tools.kubectl('kustomize', 'config/default')),
  ];
  expect(rulesOf(byKustomize)).toEqual(rulesOf(byChart));
  expect(podOf(byKustomize)).toEqual(podOf(byChart));
  const crds = (all: readonly Rendered[]) =>
    named(all, 'CustomResourceDefinition').map(({ metadata, spec }) => [metadata.name, spec]);
  expect(crds(byKustomize)).toEqual(crds(byChart));
});

test('with namespaces the operator has Roles in just these and nothing of the whole cluster', async () => {
  const all = await chart('--set-json', 'namespaces=["ai","team"]');
  expect(all.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
  expect(named(all, 'Role').map(({ metadata }) => metadata.namespace)).toEqual(['ai', 'team', 'genops-system']);
});

test('the operator may read Secrets by name only', async () => {
  const all = await chart(
    '--set-json',
    'secretAccess=[{"namespace":"ai","names":["redis"]}]',
    '--set',
    'metricsAPI.enabled=true',
  );
  const rules = [...named(all, 'ClusterRole'), ...named(all, 'Role')].flatMap(
    ({ rules: some }) => some as readonly { readonly resources: readonly string[] }[],
  );
  expect(rules.filter(({ resources }) => resources.includes('secrets') || resources.includes('*'))).toEqual([
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['redis'], verbs: ['get'] },
  ]);
});

test('with the metrics API it may get the Service of the chart, which genops diff in the Pod asks for, and no other', async () => {
  const all = await chart('--set', 'metricsAPI.enabled=true');
  const mine = named(all, 'Role').filter(({ metadata }) => metadata.name === 'genops-metrics-api');
  expect(mine).toMatchObject([
    {
      metadata: { namespace: 'genops-system' },
      rules: [{ apiGroups: [''], resources: ['services'], resourceNames: ['genops'], verbs: ['get'] }],
    },
  ]);
  expect(named(all, 'RoleBinding')).toContainEqual(
    expect.objectContaining({
      metadata: expect.objectContaining({ namespace: 'genops-system', name: 'genops-metrics-api' }),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'genops-metrics-api' },
      subjects: [{ kind: 'ServiceAccount', name: 'genops', namespace: 'genops-system' }],
    }),
  );
});

describe('views', () => {
  test('the operator may ask who somebody is only where it serves them', async () => {
    const asking = (all: readonly Rendered[]) =>
      [...named(all, 'ClusterRole'), ...named(all, 'Role')].flatMap(({ metadata, rules }) =>
        JSON.stringify(rules).includes('reviews') ? [metadata.name] : [],
      );
    expect(asking(await chart())).toEqual([]);
    expect(asking(await chart('--set', 'views.enabled=true'))).toEqual(['genops-views']);
  });

  test('have the Service and the certificate of the metrics API, with it or without', async () => {
    const [alone, both] = [
      await chart('--set', 'views.enabled=true'),
      await chart('--set', 'views.enabled=true,metricsAPI.enabled=true,replicas=2'),
    ];
    const kinds = (all: readonly Rendered[]) =>
      ['Secret', 'Service', 'APIService'].filter((kind) => named(all, kind).length === 1);
    expect([kinds(alone), kinds(both)]).toEqual([
      ['Secret', 'Service'],
      ['Secret', 'Service', 'APIService'],
    ]);
    const args = (all: readonly Rendered[]) =>
      named(all, 'Deployment')[0]?.spec?.template?.spec.containers[0]?.['args'];
    expect(args(alone)).toEqual([
      'manager',
      '--views',
      '--tls-cert-dir=/tls',
      '--advertise-address=$(POD_IP)',
      '--log-level=info',
      '--log-format=json',
    ]);
    const tokensOnly = await chart('--set', 'views.enabled=true,views.plainMetrics=false');
    expect(args(tokensOnly)).toContain('--metrics-bind-address=');
    expect(JSON.stringify(podOf(tokensOnly))).not.toContain('8080');
    await expect(
      chart('--set', 'views.enabled=true,views.plainMetrics=false,monitoring.podMonitor.enabled=true'),
    ).rejects.toThrow(/wanted one of them/);
    expect(args(both)).toEqual(expect.arrayContaining(['--views', '--metrics-api-service=genops-system/genops']));
  });
});

describe('monitoring', () => {
  const enabled = ['podMonitor', 'rules', 'dashboard'].map((part) => `monitoring.${part}.enabled=true`).join(',');

  test('is the same in chart and kustomize base, and nothing of it comes unasked', async () => {
    const [byChart, byKustomize] = [
      await chart('--set', enabled),
      parsed(await tools.kubectl('kustomize', 'config/monitoring')),
    ];
    for (const kind of ['PodMonitor', 'PrometheusRule']) {
      expect(named(byChart, kind)).toHaveLength(1);
      expect(named(byKustomize, kind).map(({ spec }) => spec)).toEqual(named(byChart, kind).map(({ spec }) => spec));
      expect(named(await chart(), kind)).toEqual([]);
    }
    const dashboards = (all: readonly Rendered[]) =>
      named(all, 'ConfigMap').map(({ metadata, data }) => [
        metadata.name,
        metadata.labels?.['grafana_dashboard'],
        JSON.parse(data?.['genops.json'] ?? '') as unknown,
      ]);
    expect(dashboards(byChart)).toHaveLength(1);
    expect(dashboards(byKustomize)).toEqual(dashboards(byChart));
    expect(dashboards(await chart())).toEqual([]);
  });

  test('rules have the labels that a Prometheus looks for, and say where the runbook is', async () => {
    const [rule] = named(
      await chart(
        '--set',
        `${enabled},monitoring.labels.release=prometheus,monitoring.rules.runbookUrl=https://x/y.md`,
      ),
      'PrometheusRule',
    );
    expect(rule?.metadata.labels).toMatchObject({ release: 'prometheus' });
    expect(JSON.stringify(rule)).toContain('"runbook_url":"https://x/y.md#genopsdown"');
    expect(JSON.stringify(rule)).not.toContain('"docs/runbook.md');
  });
});

test('a value that the chart does not know is refused', async () => {
  await expect(chart('--set', 'metricsApi.enabled=true')).rejects.toThrow(/metricsApi/);
});
