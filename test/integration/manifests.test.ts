import { beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { clusterTools, type ClusterTools } from '../world/cluster-tools.ts';
import { chartWith, named, parsed, rulesOf, type Rendered } from './chart-rendering.ts';

let tools: ClusterTools;
beforeAll(async () => {
  tools = await clusterTools([], AbortSignal.timeout(600_000));
}, 600_000);

const chart = (...flags: readonly string[]) => chartWith(tools, ...flags);
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

test('the overlay for some namespaces gives the same there as the chart, and binds nothing in the whole cluster', async () => {
  const byChart = await chart('--set-json', 'namespaces=["ai","team"]');
  const byKustomize = parsed(await tools.kubectl('kustomize', 'config/namespaced'));
  expect(podOf(byKustomize)).toEqual(podOf(byChart));
  expect(rulesOf(byKustomize)['genops']).toEqual(rulesOf(byChart)['genops']);
  const bound = (all: readonly Rendered[]) =>
    named(all, 'RoleBinding').map(({ metadata: { namespace, name }, roleRef, subjects }) =>
      JSON.stringify({ namespace, name, role: roleRef?.name, subjects }),
    );
  expect(bound(byKustomize).toSorted()).toEqual(bound(byChart).toSorted());
  expect(named(byKustomize, 'ClusterRoleBinding')).toEqual([]);
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

test('new Pods are given their resources only where that is asked for', async () => {
  const kinds = async (...flags: readonly string[]) =>
    (await chart(...flags)).map(({ kind }) => kind).filter((kind) => kind.startsWith('MutatingAdmission'));
  expect(await kinds()).toEqual([]);
  expect(await kinds('--set', 'newPods.enabled=true')).toEqual([
    'MutatingAdmissionPolicy',
    'MutatingAdmissionPolicyBinding',
  ]);
  const older = chart('--set', 'newPods.enabled=true', '--kube-version', '1.35.4');
  await expect(older).rejects.toThrow(/saw newPods.enabled on Kubernetes v1\.35\.4; wanted 1\.36 or later/);
});

test('it may run nginx only where an image is named, and the same by the file that says so', async () => {
  const plain = rulesOf(await chart())['genops'] ?? [];
  const running = rulesOf(await chart('--set', 'nginx.image=genops-nginx:dev'))['genops'] ?? [];
  const file = parsed(await readFile('config/gateway/role.yaml', 'utf8'));
  expect(running.slice(plain.length)).toEqual(rulesOf(file)['genops-gateway']);
  expect(JSON.stringify(plain)).not.toContain('serviceaccounts');
});

test('of database operators it may get and patch the objects that are named, and no others', async () => {
  const entry = '{"namespace":"ai","group":"postgresql.cnpg.io","resource":"clusters","names":["pg"]}';
  const all = await chart('--set-json', `databaseClusters=[${entry}]`);
  expect(named(all, 'Role').find(({ metadata }) => metadata.namespace === 'ai')).toMatchObject({
    metadata: { name: 'genops-clusters' },
    rules: [
      { apiGroups: ['postgresql.cnpg.io'], resources: ['clusters'], resourceNames: ['pg'], verbs: ['get', 'patch'] },
    ],
  });
  expect(named(all, 'RoleBinding')).toContainEqual(
    expect.objectContaining({
      metadata: expect.objectContaining({ namespace: 'ai', name: 'genops-clusters' }),
      subjects: [{ kind: 'ServiceAccount', name: 'genops', namespace: 'genops-system' }],
    }),
  );
  expect(JSON.stringify(await chart())).not.toContain('cnpg');
});

describe('views', () => {
  test('the operator may ask who somebody is only where it serves them', async () => {
    const asking = (all: readonly Rendered[]) =>
      [...named(all, 'ClusterRole'), ...named(all, 'Role')].flatMap(({ metadata, rules }) =>
        JSON.stringify(rules).includes('reviews') ? [metadata.name] : [],
      );
    expect(asking(await chart())).toEqual([]);
    expect(asking(await chart('--set', 'views.enabled=true'))).toEqual(['genops-system:genops-views']);
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
    const tokensOnly = await chart('--set', 'views.enabled=true,monitoring.plainMetrics=false');
    expect(args(tokensOnly)).toContain('--metrics-bind-address=');
    expect(JSON.stringify(podOf(tokensOnly))).not.toContain('8080');
    await expect(
      chart('--set', 'views.enabled=true,monitoring.plainMetrics=false,monitoring.podMonitor.enabled=true'),
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

  test('a ServiceMonitor reads /metrics over HTTPS with a token, and asks for what it needs for that', async () => {
    const monitor = 'monitoring.serviceMonitor.enabled=true';
    const views = 'views.enabled=true,monitoring.plainMetrics=false';
    const all = await chart('--set', `${views},${monitor},monitoring.serviceMonitor.tokenSecret.name=reader`);
    const [endpoint] = (named(all, 'ServiceMonitor')[0]?.spec as { readonly endpoints?: readonly unknown[] } | undefined)?.endpoints ?? []; // prettier-ignore
    expect(endpoint).toMatchObject({
      port: 'https',
      scheme: 'https',
      honorLabels: true,
      authorization: { credentials: { name: 'reader', key: 'token' } },
      tlsConfig: { serverName: 'genops.genops-system.svc', ca: { secret: { name: 'genops-tls', key: 'ca.crt' } } },
    });
    for (const values of [monitor, `${monitor},${views}`])
      await expect(chart('--set', values)).rejects.toThrow(/wanted both: it reads \/metrics over HTTPS/);
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

describe('rights that levers have', () => {
  const resourcesOf = (all: readonly Rendered[]): readonly string[] =>
    named(all, 'ClusterRole').flatMap(({ rules }) =>
      (rules as readonly { readonly resources: readonly string[] }[]).flatMap(({ resources }) => resources),
    );

  test.each([
    ['scale', ['deployments/scale', 'statefulsets/scale']],
    ['resize', ['pods/resize']],
    ['vertical', ['verticalpodautoscalers']],
    ['keda', ['scaledobjects']],
  ])('rights.%s=false takes %j away, and nothing else', async (lever, taken) => {
    const [all, fewer] = [resourcesOf(await chart()), resourcesOf(await chart('--set', `rights.${lever}=false`))];
    expect(all.filter((one) => !fewer.includes(one))).toEqual(taken);
    expect(fewer.filter((one) => !all.includes(one))).toEqual([]);
  });
});

describe('several replicas', () => {
  const spread = (all: readonly Rendered[]) =>
    named(all, 'Deployment')[0]?.spec?.template?.spec['topologySpreadConstraints'];
  const selector = { 'app.kubernetes.io/name': 'genops', 'app.kubernetes.io/instance': 'genops' };

  test('are spread over nodes and let one go at a time; one alone is held up by nothing', async () => {
    const [one, two] = [await chart(), await chart('--set', 'replicas=2')];
    expect(spread(two)).toMatchObject([
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: selector } },
    ]);
    expect(named(two, 'PodDisruptionBudget')).toMatchObject([
      { spec: { maxUnavailable: 1, selector: { matchLabels: selector } } },
    ]);
    expect([spread(one), named(one, 'PodDisruptionBudget')]).toEqual([undefined, []]);
  });
});

describe('the NetworkPolicy', () => {
  const enabled = ['--set', 'networkPolicy.enabled=true'];
  const ingressOf = (all: readonly Rendered[]) =>
    (named(all, 'NetworkPolicy')[0]?.spec as { readonly ingress?: unknown } | undefined)?.ingress;

  test('is the same in chart and kustomize, and does not come unasked', async () => {
    const byKustomize = parsed(await tools.kubectl('kustomize', 'config/network-policy'));
    const byChart = await chart(...enabled);
    expect(named(byKustomize, 'NetworkPolicy').map(({ spec }) => spec)).toEqual(
      named(byChart, 'NetworkPolicy').map(({ spec }) => spec),
    );
    expect(named(await chart(), 'NetworkPolicy')).toEqual([]);
  });

  test('lets in just what is served, metrics only for whom it names', async () => {
    const api = { ports: [{ port: 'api', protocol: 'TCP' }] };
    const from = '[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"monitoring"}}}]';
    expect(ingressOf(await chart(...enabled, '--set', 'views.enabled=true', '--set-json', `networkPolicy.metricsFrom=${from}`))).toEqual([
      { ports: [{ port: 'metrics', protocol: 'TCP' }], from: JSON.parse(from) as unknown },
      api,
    ]); // prettier-ignore
    expect(ingressOf(await chart(...enabled, '--set', 'views.enabled=true,monitoring.plainMetrics=false'))).toEqual([
      api,
    ]);
  });
});

test('with an issuer of cert-manager that makes the certificate, and the chart none', async () => {
  const all = await chart(
    '--set',
    'metricsAPI.enabled=true,certificate.issuerRef.name=internal,certificate.issuerRef.kind=ClusterIssuer',
  );
  expect(named(all, 'Secret')).toEqual([]);
  expect(named(all, 'Certificate')).toMatchObject([
    {
      metadata: { namespace: 'genops-system', name: 'genops-tls' },
      spec: {
        secretName: 'genops-tls',
        dnsNames: ['genops.genops-system.svc', 'genops'],
        issuerRef: { name: 'internal', kind: 'ClusterIssuer' },
      },
    },
  ]);
  const [service] = named(all, 'APIService');
  expect(service?.metadata.annotations).toEqual({ 'cert-manager.io/inject-ca-from': 'genops-system/genops-tls' });
  expect(service?.spec).not.toHaveProperty('caBundle');
});

test('with a certificate of your own, which no rendering changes', async () => {
  const [serving, mine] = ['views.enabled=true,metricsAPI.enabled=true', 'certificate.secretName=mine'];
  const monitor = 'monitoring.serviceMonitor.enabled=true,monitoring.serviceMonitor.tokenSecret.name=token';
  const all = await chart('--set', `${serving},${monitor},${mine},certificate.caBundle=bWluZQ==`);
  expect(named(all, 'Secret')).toEqual([]);
  expect(named(all, 'APIService')).toMatchObject([{ spec: { caBundle: 'bWluZQ==' } }]);
  expect(podOf(all)).toMatchObject({ volumes: [{ name: 'tls', secret: { secretName: 'mine' } }] });
  expect(JSON.stringify(named(all, 'ServiceMonitor'))).toContain('"ca":{"secret":{"name":"mine","key":"ca.crt"}}');
  expect(named(all, 'Service')).toHaveLength(1);
  await expect(chart('--set', `${serving},${mine}`)).rejects.toThrow(/wanted certificate\.caBundle too/);
  expect(named(await chart('--set', `views.enabled=true,${mine}`), 'Service')).toHaveLength(1);
});

test('authorities of your own come from a ConfigMap, with a certificate or without', async () => {
  const mine = 'extraAuthorities.configMap=mine,extraAuthorities.key=bundle.pem';
  const wanted = { name: 'authorities', configMap: { name: 'mine', items: [{ key: 'bundle.pem', path: 'ca.crt' }] } };
  expect(podOf(await chart('--set', mine))).toMatchObject({
    volumes: [wanted],
    containers: [
      {
        env: expect.arrayContaining([{ name: 'NODE_EXTRA_CA_CERTS', value: '/authorities/ca.crt' }]),
        volumeMounts: [{ name: 'authorities', mountPath: '/authorities', readOnly: true }],
      },
    ],
  });
  expect(podOf(await chart('--set', `${mine},views.enabled=true`))).toMatchObject({
    volumes: [{ name: 'tls' }, wanted],
    containers: [{ volumeMounts: [{ name: 'tls' }, { name: 'authorities' }] }],
  });
  expect(JSON.stringify(podOf(await chart()))).not.toMatch(/authorities|volumes/i);
});

test('a value that the chart does not know is refused', async () => {
  await expect(chart('--set', 'metricsApi.enabled=true')).rejects.toThrow(/metricsApi/);
});

test.each([
  ['metrics.allowAddresses=["10.0.0.1/99"]', /metrics.allowAddresses/],
  ['metrics.allowAddresses=["fd00::/129"]', /metrics.allowAddresses/],
  ['metrics.allowAddresses=["10.0.0.256/8"]', /metrics.allowAddresses/],
  ['resources.limits.memory="1X"', /resources.limits/],
  ['secretAccess=[{"namespace":"ai","names":["Re_dis"]}]', /secretAccess/],
  ['certificate.issuerRef={"kind":"ClusterIssuer"}', /certificate.issuerRef/],
  ['certificate.caBundle="!!"', /certificate.caBundle/],
  ['views.audience="genops"', /saw views.audience=genops without views.enabled; wanted both/],
])('a value that would fail later or do nothing is refused by its name: %s', async (value, told) => {
  await expect(chart('--set-json', value)).rejects.toThrow(told);
});

test('a value that Kubernetes takes is taken', async () => {
  const values = {
    'metrics.allowAddresses': ['10.0.0.0/8', '127.0.0.1/32', '0.0.0.0/0', 'fd00::/8', '::1/128', '::ffff:10.0.0.1/96'],
    'resources.limits': { cpu: 1, memory: '1.5Gi', 'ephemeral-storage': '1e9' },
    secretAccess: [{ namespace: 'ai', names: ['pg.credentials.postgresql', 'redis-0'] }],
    views: { enabled: true, audience: 'genops' },
  };
  const all = await chart(...Object.entries(values).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`])); // prettier-ignore
  expect(podOf(all)).toMatchObject({
    containers: [{ resources: { limits: { cpu: 1, memory: '1.5Gi', 'ephemeral-storage': '1e9' } } }],
  });
});
