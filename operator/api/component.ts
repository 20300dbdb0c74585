import { Type, type Static } from 'typebox';
import { signalNames } from './contract.ts';
import { MetricSource } from './metric-source.ts';
import { name, objectName, port } from './names.ts';
import { ComponentOverrides } from './performance-policy.ts';
import { atomicList, crdDefault, listMap, oneOf, struct, text } from './schema.ts';

const TargetRef = struct(
  {
    apiVersion: text({
      description: 'API version of the workload, for example apps/v1.',
      maxLength: 100,
      pattern: '^([a-z0-9.-]+/)?v[0-9][a-z0-9]*$',
      wanted: 'must be an API version',
      example: 'apps/v1',
    }),
    kind: text({
      description:
        'Kind of the workload. It must have a scale subresource: Deployment, StatefulSet, or a kind of your own.',
      maxLength: 63,
      pattern: '^[A-Z][A-Za-z0-9]*$',
      wanted: 'must be a kind',
      example: 'Deployment',
    }),
    name: objectName({ description: 'Name of the workload.' }),
  },
  { description: 'The workload whose pods this component is.' },
);

const Signal = struct(
  {
    name: oneOf([...signalNames], { description: 'The signal of the workload contract.' }),
    metric: Type.String({
      minLength: 1,
      maxLength: 200,
      examples: ['http_request_duration_seconds'],
      description: 'Name of the metric that the workload uses instead; for type HTTP a JSON pointer.',
    }),
    matchLabels: Type.Optional(
      Type.Unsafe<Record<string, string>>({
        type: 'object',
        additionalProperties: { type: 'string', maxLength: 200 },
        maxProperties: 8,
        examples: [{ route: 'chat' }],
        description: 'Labels that the series has to have.',
      }),
    ),
  },
  { description: 'Another name for a signal.' },
);

const Admin = struct(
  {
    port: port({ description: 'Name or number of the port that takes admin actions.' }),
    scheme: crdDefault(
      'HTTPS',
      oneOf(['HTTPS', 'HTTP'], { description: 'How the pod is spoken to. Requests are signed either way.' }),
    ),
    secretRef: struct(
      {
        name: objectName({ description: 'Name of the Secret, in the same namespace.' }),
        key: crdDefault(
          'key',
          text({
            description: 'Key of the Secret that holds the shared secret.',
            maxLength: 253,
            pattern: '^[-._a-zA-Z0-9]+$',
            wanted: 'must be a key of a Secret',
            example: 'key',
          }),
        ),
      },
      { description: 'Shared secret that requests are signed with.' },
    ),
  },
  {
    description:
      'Where the workload takes admin actions (collect garbage, warm the cache). Without it they are skipped.',
  },
);

/** One workload of a service, with its own scaling and resources (row C2). */
export const Component = struct(
  {
    name: name({ maxLength: 20, description: 'Name of the component; at most 20 characters.' }),
    targetRef: TargetRef,
    containerName: Type.Optional(
      name({
        description:
          'The container that is measured and sized; by default the one of the annotation kubectl.kubernetes.io/default-container, else the first.',
      }),
    ),
    serviceRef: Type.Optional(
      struct(
        {
          name: objectName({ description: 'Name of the Service.' }),
          port: Type.Optional(port({ description: 'Name or number of its port; the first by default.' })),
        },
        { description: 'The Service in front of the pods; needed where the load balancer routes to this component.' },
      ),
    ),
    metrics: Type.Optional(
      atomicList(MetricSource, {
        maxItems: 4,
        description:
          'Where metrics are read, best first; by default the Prometheus exposition on a port named metrics.',
      }),
    ),
    signals: Type.Optional(
      listMap(Signal, {
        maxItems: 16,
        description: 'Metric names, where the workload uses others than the workload contract.',
      }),
    ),
    admin: Type.Optional(Admin),
    runtimeConfigMapName: Type.Optional(
      objectName({ description: 'ConfigMap for the runtime settings; <service>-<component>-runtime by default.' }),
    ),
    overrides: Type.Optional(ComponentOverrides),
  },
  { description: 'One workload of the service.' },
);
export type Component = Static<typeof Component>;
