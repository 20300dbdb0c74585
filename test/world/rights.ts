import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import type { Kube } from '../../operator/kube/client.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { eventually } from './eventually.ts';

const group = 'rbac.authorization.k8s.io';
interface Rule {
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
}
const rbac = (kind: string, namespaced: boolean) =>
  resource<KubeObject & { readonly rules?: readonly Rule[] }>({
    group,
    version: 'v1',
    plural: `${kind.toLowerCase()}s`,
    kind,
    namespaced,
  });
const clusterRoles = rbac('ClusterRole', false);
const clusterRoleBindings = rbac('ClusterRoleBinding', false);
const roles = rbac('Role', true);
const roleBindings = rbac('RoleBinding', true);

interface RightsOptions {
  readonly kube: Kube;
  readonly namespace: string;
  /** The administrator's. */
  readonly kubeconfig: string;
  /** What `secretAccess` of the chart would name. */
  readonly secrets: readonly string[];
}

/** A user of its own with the rights that an installed operator has, and no other: what it lacks there it lacks here. */
export async function operatorUser(
  { kube, namespace, kubeconfig, secrets }: RightsOptions,
  signal: AbortSignal,
): Promise<AsyncDisposable & { readonly kubeconfig: string }> {
  await using stack = new AsyncDisposableStack();
  const user = `genops-${namespace}`;
  const rules = [...(await rulesOf('role.yaml')), ...(await rulesOf('leader.yaml'))];
  const binding = { roleRef: { apiGroup: group, kind: 'ClusterRole', name: user }, subjects: [subject(user)] };
  await kube.create(clusterRoles, { metadata: { name: user }, rules }, {}, signal);
  stack.defer(() => kube.delete(clusterRoles, user, {}, AbortSignal.timeout(60_000)));
  await kube.create(clusterRoleBindings, { metadata: { name: user }, ...binding }, {}, signal);
  stack.defer(() => kube.delete(clusterRoleBindings, user, {}, AbortSignal.timeout(60_000)));
  await allowSecrets(kube, { namespace, user, secrets }, signal);
  const folder = await mkdtemp(path.join(tmpdir(), 'genops-user-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const own = path.join(folder, 'kubeconfig');
  await writeFile(own, await impersonating(kubeconfig, user), { mode: 0o600 });
  const resources = stack.move();
  return { kubeconfig: own, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

const subject = (name: string) => ({ apiGroup: group, kind: 'User', name });

async function rulesOf(file: string): Promise<readonly unknown[]> {
  const text = await readFile(path.resolve(import.meta.dirname, '../../config/rbac', file), 'utf8');
  return parseAllDocuments(text).flatMap(
    (document) => (document.toJS() as { readonly rules?: readonly unknown[] }).rules ?? [],
  );
}

async function allowSecrets(
  kube: Kube,
  { namespace, user, secrets }: { readonly user: string } & Pick<RightsOptions, 'namespace' | 'secrets'>,
  signal: AbortSignal,
): Promise<void> {
  const metadata = { namespace, name: 'tested-operator-secrets' }; // not the chart's name: a test may install that too
  const rules = [{ apiGroups: [''], resources: ['secrets'], resourceNames: secrets, verbs: ['get'] }];
  const roleRef = { apiGroup: group, kind: 'Role', name: metadata.name };
  await kube.create(roles, { metadata, rules }, {}, signal);
  await kube.create(roleBindings, { metadata, roleRef, subjects: [subject(user)] }, {}, signal);
}

/** One rule more for the operator of a world, in its namespace. */
export async function allow(kube: Kube, namespace: string, rule: object, signal: AbortSignal): Promise<void> {
  const metadata = { namespace, name: 'tested-operator-more' };
  const roleRef = { apiGroup: group, kind: 'Role', name: metadata.name };
  await kube.create(roles, { metadata, rules: [rule] }, {}, signal);
  await kube.create(roleBindings, { metadata, roleRef, subjects: [subject(`genops-${namespace}`)] }, {}, signal);
}

const reviews = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
interface Right {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
}

interface Review {
  readonly status: { readonly allowed: boolean };
}

/** Waits until the API server grants or refuses somebody this in a namespace: it watches roles and bindings as others do, so that what is written there is not in force at once. */
export async function untilRight(
  { kube, namespace, signal }: { readonly kube: Kube; readonly namespace: string; readonly signal: AbortSignal },
  { user, ...attributes }: Right,
  wanted: 'granted' | 'refused' = 'granted',
): Promise<void> {
  const spec = { user, resourceAttributes: { namespace, ...attributes } };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  await eventually(async () => {
    const { status } = (await kube.raw({ path: reviews, method: 'POST', body }, signal)) as Review;
    const said = status.allowed ? 'granted' : 'refused';
    if (said !== wanted) throw new Error(`${JSON.stringify(spec)} is ${said}; wanted ${wanted}`);
  });
}

/** Lets the operator of a world ask who somebody is and whether they may, as the chart does where it serves views; until this is disposed of. */
export async function allowReviews(kube: Kube, namespace: string, signal: AbortSignal): Promise<AsyncDisposable> {
  const [user, name] = [`genops-${namespace}`, `genops-${namespace}-views`];
  const roleRef = { apiGroup: group, kind: 'ClusterRole', name: 'system:auth-delegator' };
  await kube.create(clusterRoleBindings, { metadata: { name }, roleRef, subjects: [subject(user)] }, {}, signal);
  return { [Symbol.asyncDispose]: () => kube.delete(clusterRoleBindings, name, {}, AbortSignal.timeout(60_000)) };
}

/** Lets the operator of a world only read a resource, of all its rights in the cluster, until this is disposed of. */
export async function onlyRead(
  kube: Kube,
  namespace: string,
  plural: string,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const role = `genops-${namespace}`;
  const { rules = [] } = (await kube.get(clusterRoles, role, signal)) ?? {};
  const replace = (value: readonly Rule[]) =>
    kube.patch(clusterRoles, role, [{ op: 'replace', path: '/rules', value }], {}, signal);
  const reads = ['get', 'list', 'watch'];
  await replace(rules.map((rule) => (rule.resources?.includes(plural) === true ? { ...rule, verbs: reads } : rule)));
  return { [Symbol.asyncDispose]: async () => void (await replace(rules)) };
}

/** The administrator's kubeconfig as that user, to whom the API server gives no groups but what everybody has. */
async function impersonating(kubeconfig: string, user: string): Promise<string> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as { users: readonly { readonly user: object }[] };
  const users = config.users.map((one) => ({ ...one, user: { ...one.user, as: user } }));
  return stringify({ ...config, users }, { lineWidth: 0 });
}
