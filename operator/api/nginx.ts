import { Type, type Static } from 'typebox';
import { agentPort } from './load-balancer-report.ts';
import { name, objectName } from './names.ts';
import { atomicList, cel, crdDefault, oneOf, setOf, struct, text } from './schema.ts';

const Route = struct(
  {
    path: text({
      description: 'Requests whose path starts like this; the longest one wins.',
      maxLength: 200,
      pattern: '^/[A-Za-z0-9/_.~-]*$',
      wanted: 'must be an absolute path',
      example: '/api/',
    }),
    component: name({ maxLength: 20, description: 'Name of the component that answers; it must have a serviceRef.' }),
    streaming: crdDefault(
      'Off',
      oneOf(['Off', 'On'], { description: 'On for server-sent events: no buffering, no caching.' }),
    ),
  },
  { description: 'Which component answers which requests.' },
);

const tcpPort = (value: number, description: string) =>
  crdDefault(value, Type.Integer({ minimum: 1, maximum: 65_535, description }));

const Nginx = struct(
  {
    configMapName: Type.Optional(
      objectName({ description: 'ConfigMap of the configuration; <service>-nginx by default.' }),
    ),
    managed: Type.Optional(
      struct(
        { replicas: crdDefault(2, Type.Integer({ minimum: 1, maximum: 20, description: 'Number of nginx pods.' })) },
        { description: 'nginx pods that genops runs. This or podSelector.' },
      ),
    ),
    podSelector: Type.Optional(
      struct(
        {
          matchLabels: Type.Unsafe<Record<string, string>>({
            type: 'object',
            additionalProperties: { type: 'string', maxLength: 63 },
            minProperties: 1,
            maxProperties: 8,
            examples: [{ app: 'nginx' }],
            description: 'Labels of the pods.',
          }),
        },
        { description: 'nginx pods of yours that run the agent. This or managed.' },
      ),
    ),
    tlsSecretRef: Type.Optional(
      struct(
        { name: objectName({ description: 'Name of the Secret, of type kubernetes.io/tls.' }) },
        { description: 'Certificate and key. Absent: HTTP only.' },
      ),
    ),
    plainHTTP: Type.Optional(
      oneOf(['Redirect', 'Serve'], {
        description:
          'What HTTP answers beside HTTPS. Redirect: HTTPS, port 443, with 308 (the default). Serve: the same as HTTPS.',
      }),
    ),
    serverNames: Type.Optional(
      setOf(
        text({
          description: 'A host name, or *. and a domain.',
          maxLength: 253,
          pattern: '^(\\*\\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
          wanted: 'must be a host name',
          example: 'api.example.com or *.example.com',
        }),
        {
          maxItems: 16,
          description: 'Host names that are served; all of them by default.',
          examples: [['api.example.com']],
        },
      ),
    ),
    ports: Type.Optional(
      struct(
        {
          http: tcpPort(8080, 'Port for HTTP.'),
          https: tcpPort(8443, 'Port for HTTPS.'),
        },
        {
          description: 'Ports that nginx listens on.',
          rules: [
            cel(`self.http != self.https && !(${agentPort.number} in [self.http, self.https])`, {
              wanted: `http and https must differ, and neither be ${agentPort.number}`,
              example: 'http: 8080, https: 8443',
            }),
          ],
        },
      ),
    ),
    routes: Type.Optional(
      atomicList(Route, {
        minItems: 1,
        maxItems: 32,
        description: 'Which component answers which path; by default the first answers everything.',
        rules: [
          cel('self.all(route, self.exists_one(other, other.path == route.path))', {
            wanted: 'each path may stand once',
            example: '[{path: /, component: web}, {path: /api/, component: workflow}]',
          }),
        ],
      }),
    ),
    staticFiles: Type.Optional(
      struct(
        {
          path: text({
            description: 'Folder in the nginx container.',
            maxLength: 200,
            pattern: '^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$',
            wanted: 'must be an absolute path of a folder below the root, without dots at the beginning of names',
            example: '/var/www',
          }),
        },
        {
          description: 'Static files that nginx serves itself; else they come from the workload.',
        },
      ),
    ),
  },
  {
    description: 'nginx with the agent beside it.',
    rules: [
      cel('has(self.managed) != has(self.podSelector)', {
        wanted: 'exactly one of managed and podSelector must be set',
        example: 'managed: {replicas: 2}',
      }),
      cel('!has(self.managed) || !has(self.staticFiles) && !has(self.ports)', {
        wanted: 'staticFiles and ports must go with podSelector: what genops runs has neither',
        example: 'podSelector: {matchLabels: {app: nginx}}, staticFiles: {path: /var/www}',
      }),
    ],
  },
);

/** What stands in front of the service. */
export const ServiceLoadBalancer = struct(
  {
    type: oneOf(['Nginx', 'HTTPRoute'], {
      description: 'Nginx: nginx with the agent. HTTPRoute: weights of a Gateway API route.',
    }),
    nginx: Type.Optional(Nginx),
    httpRoute: Type.Optional(
      struct(
        { name: objectName({ description: 'Name of the HTTPRoute.' }) },
        { description: 'Its backendRefs (the components’ Services) get weights.' },
      ),
    ),
  },
  {
    description: 'What stands in front of the service.',
    rules: [
      cel("has(self.nginx) == (self.type == 'Nginx') && has(self.httpRoute) == (self.type == 'HTTPRoute')", {
        wanted: 'exactly the member named by type must be set',
        example: 'type: Nginx with nginx: {managed: {replicas: 2}}',
      }),
    ],
  },
);
export type ServiceLoadBalancer = Static<typeof ServiceLoadBalancer>;
