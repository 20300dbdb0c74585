import type { BadExample } from './bad-examples.ts';

const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' };
const workflow = { name: 'workflow', targetRef: target, serviceRef: { name: 'generation' } };

const service = (name: string, spec: object, field: string, message: string): BadExample => ({
  name,
  kind: 'GenerationService',
  spec: { components: [workflow], ...spec },
  field: `spec${field === '' ? '' : '.'}${field}`,
  message,
});
const nginx = (settings: object): object => ({ loadBalancer: { type: 'Nginx', nginx: { managed: {}, ...settings } } });
const metrics = (...list: readonly object[]): object => ({ components: [{ ...workflow, metrics: list }] });

/** Those of a GenerationService. */
export const serviceExamples: readonly BadExample[] = [
  service(
    'a service without a component',
    { components: [] },
    'components',
    'must have at least one component, for example [{name: workflow, targetRef: {apiVersion: apps/v1, kind: Deployment, name: workflow-execution}}]',
  ),
  service(
    'a port that is none',
    metrics({ type: 'Pods', pods: { port: 99_999 } }),
    'components[0].metrics[0].pods.port',
    'must be a port from 1 to 65535 or its name, for example 8080',
  ),
  service(
    'a port by no name that one has',
    metrics({ type: 'Pods', pods: { port: 'Metrics!' } }),
    'components[0].metrics[0].pods.port',
    'must be a port from 1 to 65535 or its name, for example 8080',
  ),
  service(
    'the same rules in overrides',
    { overrides: { horizontal: { minReplicas: 5, maxReplicas: 3 } } },
    'overrides.horizontal.minReplicas',
    'minReplicas must be at most maxReplicas',
  ),
  service(
    'the same rules in a component',
    { components: [{ ...workflow, overrides: { runtime: { postgresPool: { min: 9, max: 8 } } } }] },
    'components[0].overrides.runtime.postgresPool.min',
    'min must be at most max, for example min: 5, max: 20',
  ),
  service(
    'two components with one target',
    { components: [workflow, { name: 'other', targetRef: target }] },
    'components',
    'each target may stand once',
  ),
  service('two components with one name', { components: [workflow, workflow] }, 'components[1]', 'Duplicate value'),
  service(
    'a metric source without its member',
    metrics({ type: 'Pods', http: { port: 'http' } }),
    'components[0].metrics[0]',
    'exactly the member named by type must be set (none for Resource), for example type: Pods with pods: {port: metrics}',
  ),
  service(
    'a query for a signal that does not exist',
    metrics({ type: 'Prometheus', prometheus: { queries: { speed: 'up' } } }),
    'components[0].metrics[0].prometheus.queries',
    'keys must be signals of the workload contract',
  ),
  service(
    'two Redis entries with one Secret',
    { redis: ['a', 'b'].map((name) => ({ name, secretRef: { name: 'redis' } })) },
    'redis',
    'each entry must have a Secret of its own, for example [{name: cache, secretRef: {name: redis}}]',
  ),
  service(
    'a load balancer without the member of its type',
    { loadBalancer: { type: 'HTTPRoute', nginx: { managed: {} } } },
    'loadBalancer',
    'exactly the member named by type must be set, for example type: Nginx with nginx: {managed: {replicas: 2}}',
  ),
  service(
    'nginx that is neither managed nor selected',
    { loadBalancer: { type: 'Nginx', nginx: {} } },
    'loadBalancer.nginx',
    'exactly one of managed and podSelector must be set, for example managed: {replicas: 2}',
  ),
  service(
    'static files of nginx that has none',
    nginx({ staticFiles: { path: '/var/www' } }),
    'loadBalancer.nginx',
    'staticFiles and ports must go with podSelector: what genops runs has neither, for example podSelector: {matchLabels: {app: nginx}}, staticFiles: {path: /var/www}',
  ),
  service(
    'ports of nginx that genops runs, to which its Service leads',
    nginx({ ports: { http: 8090 } }),
    'loadBalancer.nginx',
    'staticFiles and ports must go with podSelector',
  ),
  ...[
    { name: 'one port for two protocols', ports: { http: 8443 } },
    { name: 'HTTP on the port of the agent', ports: { http: 8089 } },
    { name: 'HTTPS on the port of the agent', ports: { https: 8089 } },
  ].map(({ name, ports }) =>
    service(
      name,
      { loadBalancer: { type: 'Nginx', nginx: { podSelector: { matchLabels: { app: 'nginx' } }, ports } } },
      'loadBalancer.nginx.ports',
      'http and https must differ, and neither be 8089, for example http: 8080, https: 8443',
    ),
  ),
  service(
    'a host name with an empty label',
    nginx({ serverNames: ['a..b'] }),
    'loadBalancer.nginx.serverNames[0]',
    'must be a host name, for example api.example.com or *.example.com',
  ),
  service(
    'a path that stands twice',
    nginx({
      routes: [
        { path: '/', component: 'workflow' },
        { path: '/', component: 'workflow' },
      ],
    }),
    'loadBalancer.nginx.routes',
    'each path may stand once',
  ),
  service(
    'a route to a component that is not there',
    nginx({ routes: [{ path: '/', component: 'nobody' }] }),
    '',
    'each component of loadBalancer.nginx.routes must exist and have a serviceRef',
  ),
  service(
    'a Sentinel name with a blank',
    { redis: [{ name: 'a', secretRef: { name: 'redis' }, sentinelMasterName: 'my master' }] },
    'redis[0].sentinelMasterName',
    'must be the name of a primary at Sentinel, for example mymaster',
  ),
  service(
    'a database operator’s object without a proper group',
    { postgres: [{ name: 'a', secretRef: { name: 'pg' }, clusterRef: { group: 'CNPG', kind: 'cluster', name: 'x' } }] },
    'postgres[0].clusterRef.group',
    'must be an API group, for example postgresql.cnpg.io',
  ),
  service(
    'static files outside of the container',
    {
      loadBalancer: {
        type: 'Nginx',
        nginx: { podSelector: { matchLabels: { app: 'nginx' } }, staticFiles: { path: 'www' } },
      },
    },
    'loadBalancer.nginx.staticFiles.path',
    'must be an absolute path of a folder below the root, without dots at the beginning of names, for example /var/www',
  ),
  service(
    'a database operator’s object with a kind that has a blank',
    {
      postgres: [
        { name: 'a', secretRef: { name: 'pg' }, clusterRef: { group: 'cnpg.io', kind: 'a cluster', name: 'x' } },
      ],
    },
    'postgres[0].clusterRef.kind',
    'must be a kind, for example Cluster',
  ),
  service(
    'a metrics path that is not absolute',
    metrics({ type: 'Pods', pods: { port: 'metrics', path: 'metrics' } }),
    'components[0].metrics[0].pods.path',
    'must be an absolute path, for example /metrics',
  ),
  service(
    'a key that no Secret can have',
    { components: [{ ...workflow, admin: { port: 'admin', secretRef: { name: 'admin', key: 'a/b' } } }] },
    'components[0].admin.secretRef.key',
    'must be a key of a Secret, for example key',
  ),
];
