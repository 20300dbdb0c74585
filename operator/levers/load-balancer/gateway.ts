import { createHash } from 'node:crypto';
import { agentPort } from '../../api/load-balancer-report.ts';
import type { KubeObject, Manifest, OwnerReference } from '../../kube/object.ts';
import { resource, type Resource } from '../../kube/resource.ts';
import { defaultPorts, type NginxSpec } from './settings.ts';

/** nginx Pods that genops runs itself, and all that they take. */
export interface Gateway {
  /** Of every object, and of the ConfigMap's Pods to be. */
  readonly name: string;
  readonly namespace: string;
  /** The GenerationService. */
  readonly owner: OwnerReference;
  readonly configMapName: string;
  readonly replicas: number;
  readonly tlsSecretRef: NginxSpec['tlsSecretRef'];
  /** Whether Pods are weighed by their labels. */
  readonly readsPods: boolean;
}

type OneOfGateway = KubeObject & Readonly<Record<string, unknown>>;
const kind = (group: string, version: string, named: string, plural: string): Resource<OneOfGateway> =>
  resource({ group, version, plural, kind: named, namespaced: true });

const kinds = {
  serviceAccount: kind('', 'v1', 'ServiceAccount', 'serviceaccounts'),
  role: kind('rbac.authorization.k8s.io', 'v1', 'Role', 'roles'),
  roleBinding: kind('rbac.authorization.k8s.io', 'v1', 'RoleBinding', 'rolebindings'),
  deployment: kind('apps', 'v1', 'Deployment', 'deployments'),
  service: kind('', 'v1', 'Service', 'services'),
  disruptionBudget: kind('policy', 'v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
} as const;

export const gatewayDeployment = kinds.deployment;

/** Of whatever a gateway has, in the order in which one needs the other. */
export const gatewayKinds: readonly Resource<OneOfGateway>[] = Object.values(kinds);

export interface GatewayObject {
  readonly resource: Resource<OneOfGateway>;
  readonly manifest: Manifest;
}

/** Which Pods are the gateway's. */
export const gatewayLabels = (name: string): Readonly<Record<string, string>> => ({
  'app.kubernetes.io/name': 'nginx',
  'app.kubernetes.io/instance': name,
});

/** What there has to be, in this order. Equal input gives equal objects. */
export function gatewayObjects(gateway: Gateway, image: string): readonly GatewayObject[] {
  const { name, namespace, owner } = gateway;
  const metadata = {
    namespace,
    name,
    labels: { ...gatewayLabels(name), 'app.kubernetes.io/managed-by': 'genops' },
    ownerReferences: [owner],
  };
  const object = (of: Resource<OneOfGateway>, rest: object): GatewayObject => ({
    resource: of,
    manifest: { metadata, ...rest },
  });
  return [
    object(kinds.serviceAccount, {}),
    object(kinds.role, { rules: rulesOf(gateway) }),
    object(kinds.roleBinding, {
      roleRef: { apiGroup: kinds.role.group, kind: kinds.role.kind, name },
      subjects: [{ kind: kinds.serviceAccount.kind, name, namespace }],
    }),
    object(kinds.deployment, { spec: deploymentSpec(gateway, image) }),
    object(kinds.service, { spec: serviceSpec(gateway) }),
    // One Pod alone would keep a node from being drained for ever.
    ...(gateway.replicas > 1
      ? [object(kinds.disruptionBudget, { spec: { maxUnavailable: 1, selector: selectorOf(gateway) } })]
      : []),
  ];
}

/** For what is remembered: another one is another declaration. */
export const gatewayHash = (objects: readonly GatewayObject[]): string =>
  createHash('sha256')
    .update(JSON.stringify(objects.map(({ manifest }) => manifest)))
    .digest('hex')
    .slice(0, 12);

const selectorOf = ({ name }: Gateway) => ({ matchLabels: gatewayLabels(name) });

/** All that the agent may do: follow the one ConfigMap of its settings, where the Pods of the namespace are, and what their labels say where they are weighed by them. */
const rulesOf = ({ configMapName, readsPods }: Gateway) => [
  { apiGroups: [''], resources: ['configmaps'], resourceNames: [configMapName], verbs: ['list', 'watch'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ...(readsPods ? [{ apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] }] : []),
];

function deploymentSpec(gateway: Gateway, image: string) {
  const { name, replicas } = gateway;
  return {
    replicas,
    selector: selectorOf(gateway),
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: { labels: gatewayLabels(name) },
      spec: {
        serviceAccountName: name,
        terminationGracePeriodSeconds: shutdownDelaySeconds + drainSeconds + 15,
        securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: selectorOf(gateway),
          },
        ],
        containers: [container(gateway, image)],
        volumes: [{ name: 'run', emptyDir: {} }, ...tlsVolumes(gateway)],
      },
    },
  };
}

/** Until nobody sends requests any more, and for those that are under way. */
const shutdownDelaySeconds = 5;
const drainSeconds = 30;

function container({ configMapName, tlsSecretRef }: Gateway, image: string) {
  const times = ['--shutdown-delay', `${shutdownDelaySeconds}s`, '--drain-timeout', `${drainSeconds}s`];
  const probe = (path: string, rest: object) => ({ httpGet: { path, port: agentPort.name }, ...rest });
  return {
    name: 'nginx',
    image,
    args: ['nginx-agent', '--config-map', configMapName, ...times],
    ports: [
      { name: 'http', containerPort: defaultPorts.http, protocol: 'TCP' },
      { name: 'https', containerPort: defaultPorts.https, protocol: 'TCP' },
      { name: agentPort.name, containerPort: agentPort.number, protocol: 'TCP' },
    ],
    readinessProbe: probe('/readyz', { periodSeconds: 2 }),
    livenessProbe: probe('/healthz', { periodSeconds: 10, failureThreshold: 6 }),
    resources: { requests: { cpu: '100m', memory: '128Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'run', mountPath: '/run/genops' },
      ...(tlsSecretRef === undefined
        ? []
        : [
            { name: 'tls', mountPath: '/tls', readOnly: true },
            { name: 'accepted', mountPath: '/run/genops/tls' },
          ]),
    ],
  };
}

/** Without the Secret the Pod starts all the same and is not ready: its agent says why. What of it was accepted is kept in memory, as the kubelet keeps the Secret itself: no key lies on a disk of the node. */
const tlsVolumes = ({ tlsSecretRef }: Gateway): readonly object[] =>
  tlsSecretRef === undefined
    ? []
    : [
        { name: 'tls', secret: { secretName: tlsSecretRef.name, optional: true } },
        { name: 'accepted', emptyDir: { medium: 'Memory', sizeLimit: '4Mi' } },
      ];

function serviceSpec({ name, tlsSecretRef }: Gateway) {
  const port = (named: string, number: number) => ({
    name: named,
    port: number,
    protocol: 'TCP',
    targetPort: named,
  });
  return {
    selector: gatewayLabels(name),
    ports: [port('http', 80), ...(tlsSecretRef === undefined ? [] : [port('https', 443)])],
  };
}
