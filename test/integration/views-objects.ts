import { generationService } from '../world/builders.ts';

const leaseIn = 'genops-system';
export const secretValue = 'hunter2-never-shown';

const roleIn = (namespace: string, name: string, verbs: readonly string[]) => [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name, namespace },
    rules: [{ apiGroups: ['genops.dev'], resources: ['generationservices/views'], verbs }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name, namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'ai' }],
  },
];
const clusterWide = (name: string, rules: readonly object[]) => [
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: 'ai' }],
  },
];
export const accounts = ['reader', 'stranger', 'everywhere', 'prometheus'];
export interface ServersOfTheTest {
  readonly redisPort: number;
  /** Keys of the Secret. */
  readonly postgres: Readonly<Record<string, string>>;
}
export const objects = ({ redisPort, postgres }: ServersOfTheTest) => [
  ...['ai', 'other', leaseIn].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  ...accounts.map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'ai' } })),
  ...roleIn('ai', 'reader', ['get', 'list']),
  ...clusterWide('everywhere', [
    { apiGroups: ['genops.dev'], resources: ['generationservices/views'], verbs: ['get', 'list'] },
  ]),
  ...clusterWide('prometheus', [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }]),
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'redis', namespace: 'ai' },
    stringData: { host: '127.0.0.1', port: String(redisPort), password: secretValue },
  },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'postgres', namespace: 'ai' }, stringData: postgres },
];
export const services = [
  {
    name: 'generation',
    namespace: 'ai',
    spec: {
      redis: [{ name: 'cache', secretRef: { name: 'redis' } }],
      postgres: [{ name: 'main', secretRef: { name: 'postgres' } }],
    },
  },
  { name: 'generation', namespace: 'other', spec: {} },
  { name: 'lawless', namespace: 'other', spec: { policyRef: { name: 'nowhere' } } },
].map(({ spec, ...metadata }) => ({ ...generationService(spec), metadata }));
