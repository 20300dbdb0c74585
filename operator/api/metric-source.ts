import { Type } from 'typebox';
import { signalNames } from './contract.ts';
import { port, secretRef } from './names.ts';
import { cel, crdDefault, keysHold, mapOf, oneOf, struct, text } from './schema.ts';

const path = (value: string, description: string) =>
  crdDefault(
    value,
    text({
      description,
      maxLength: 200,
      pattern: '^/[A-Za-z0-9/_.~?=&%-]*$',
      wanted: `must be an absolute path`,
      example: value,
    }),
  );

const Pods = struct(
  {
    port: port({ description: 'Name or number of the container’s port.' }),
    path: path('/metrics', 'Path of the Prometheus exposition.'),
    scheme: crdDefault('HTTP', oneOf(['HTTP', 'HTTPS'], { description: 'How the pod is spoken to.' })),
  },
  { description: 'The Prometheus exposition of each pod, with the metric names of the workload contract.' },
);

const Http = struct(
  {
    port: port({ description: 'Name or number of the container’s port.' }),
    monitoringPath: path('/api/monitoring/metrics', 'Path of the view with workflow times and success rate.'),
    cachePath: path('/api/cache/status', 'Path of the view with cache figures.'),
  },
  { description: 'JSON views that each pod serves; they are read from the pods, not through the load balancer.' },
);

const Prometheus = struct(
  {
    url: Type.Optional(
      text({
        description: 'Address of Prometheus; the one that the operator was started with when absent.',
        maxLength: 500,
        pattern: '^https?://[^ @#]+$',
        wanted: 'must be an http or https URL without credentials',
        example: 'http://prometheus.monitoring:9090',
      }),
    ),
    secretRef: Type.Optional(
      secretRef({
        description: 'Secret with token, or username and password, and optionally ca.crt, tls.crt and tls.key.',
      }),
    ),
    queries: Type.Optional(
      mapOf(
        Type.String({
          minLength: 1,
          maxLength: 1024,
          examples: ['sum by (pod) (rate(http_requests_total[1m]))'],
          description:
            'PromQL that gives one series per pod, label pod: rates in 1/s, values in base units; of times their buckets, label le.',
        }),
        {
          maxProperties: 16,
          description: 'PromQL by signal, where the metric names of the contract do not fit.',
          rules: [
            keysHold(
              `self.all(key, key in [${signalNames.map((signal) => `'${signal}'`).join(', ')}])`,
              {
                wanted: 'keys must be signals of the workload contract',
                example: 'requestRate: sum by (pod) (rate(http_requests_total[1m]))',
              },
              (key) => signalNames.some((signal) => signal === key),
            ),
          ],
        },
      ),
    ),
  },
  { description: 'A Prometheus server that already scrapes the pods.' },
);

/** Also the values of a label of ours, and what status says. */
export const sourceTypes = ['Pods', 'HTTP', 'Resource', 'Prometheus'] as const;
export type SourceType = (typeof sourceTypes)[number];

/** One place to read a component's metrics from. */
export const MetricSource = struct(
  {
    type: oneOf([...sourceTypes], {
      description:
        'Pods: their Prometheus exposition. HTTP: their JSON views. Resource: metrics.k8s.io. Prometheus: a Prometheus server.',
    }),
    pods: Type.Optional(Pods),
    http: Type.Optional(Http),
    prometheus: Type.Optional(Prometheus),
  },
  {
    description: 'One place to read metrics from.',
    examples: [{ type: 'Pods', pods: { port: 'metrics' } }],
    rules: [
      cel(
        "has(self.pods) == (self.type == 'Pods') && has(self.http) == (self.type == 'HTTP') && has(self.prometheus) == (self.type == 'Prometheus')",
        {
          wanted: 'exactly the member named by type must be set (none for Resource)',
          example: 'type: Pods with pods: {port: metrics}',
        },
      ),
    ],
  },
);
