import { isProblem, Problem, problemMessage } from '../../api/problem.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { Resource } from '../../kube/resource.ts';
import { podResource } from '../../metrics/pod-view.ts';
import { applyOwned, managers } from '../apply-owned.ts';
import type { Outcome } from '../lever.ts';
import { writeConfigMap } from '../owned-config-map.ts';
import type { Amount } from './amounts.ts';
import { newPodsLabel, type NewPodsChange } from './new-pods.ts';
import type { ResourcesDeps } from './observe.ts';
import type { ResizeChange, ResourcesChange, ResourcesUnit } from './plan.ts';
import type { TemplateChange } from './template.ts';

export async function apply(
  change: ResourcesChange,
  unit: ResourcesUnit,
  deps: Pick<ResourcesDeps, 'kube'>,
  signal: AbortSignal,
): Promise<Outcome> {
  if (change.kind === 'template') return write(change, unit, deps, signal);
  if (change.kind === 'handOver') return handOver(unit, deps, signal);
  return change.kind === 'newPods' ? tellNewPods(change, unit, deps, signal) : resize(change, unit, deps, signal);
}

async function resize(
  { pod, container, amounts, missing, differences }: ResizeChange,
  { namespace }: ResourcesUnit,
  { kube }: Pick<ResourcesDeps, 'kube'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const at = `/spec/containers/${container.index}`;
  const operations = [
    { op: 'test', path: '/metadata/uid', value: pod.uid },
    { op: 'test', path: `${at}/name`, value: container.name },
    ...missing.map((list) => ({ op: 'add' as const, path: `${at}/resources/${list}`, value: {} })),
    ...amounts.map(({ list, resource, text }) => ({
      op: 'add' as const,
      path: `${at}/resources/${list}/${resource}`,
      value: text,
    })),
  ] as const;
  const options = { manager: managers.declared, subresource: 'resize' };
  try {
    await kube.patch(podResource, `${namespace}/${pod.name}`, operations, options, signal);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return { result: 'nothing' }; // it has ended meanwhile
    if (!isAnswer(error)) throw error;
    const message = problemMessage({
      saw: error.message,
      wanted: 'the declared resources in this Pod while it runs',
      next: `${isRightMissing(error) ? 'give the operator its right again (rights.resize: true in the values of the chart)' : 'declare what the API server takes here'}, or set resources.method: Template, which gives them to new Pods`,
    });
    const fields = differences.map(({ field }) => field);
    return { result: 'refused', fields, condition: { status: 'False', reason: 'ResizeRefused', message } };
  }
  return { result: 'applied' };
}

/** No, in the server's words: validation, admission (a node without room, a quota), or a right that is missing, which is a 403 like the last. */
const isAnswer = ({ status, isNamespaceTerminating }: ApiError): boolean =>
  status === 422 || status === 400 || (status === 403 && !isNamespaceTerminating);

/** An authorizer's words; admission has its own. */
const isRightMissing = ({ status, message }: ApiError): boolean =>
  status === 403 && message.includes('cannot patch resource "pods/resize"');

async function tellNewPods(
  { state, data, found }: NewPodsChange,
  { namespace, newPodsName, owner }: ResourcesUnit,
  { kube }: Pick<ResourcesDeps, 'kube'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const name = found?.metadata.name ?? newPodsName; // that of a component that is gone has its own
  await writeConfigMap(kube, { namespace, name, owner, labels: { [newPodsLabel]: state }, data, found }, signal);
  return { result: 'applied' };
}

async function write(
  { container, amounts }: TemplateChange,
  { namespace, targetRef: { apiVersion, kind, name } }: ResourcesUnit,
  { kube }: Pick<ResourcesDeps, 'kube'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const discovered = await kube.discover(apiVersion, kind, signal);
  if (discovered === undefined) return { result: 'nothing' };
  const { resource } = discovered;
  const resources = { requests: mapOf(amounts, 'requests'), limits: mapOf(amounts, 'limits') };
  const containers = { containers: [{ name: container, resources }] };
  const manifest = {
    apiVersion,
    kind,
    metadata: { namespace, name },
    ...(amounts.length === 0 ? {} : { spec: { template: { spec: containers } } }),
  };
  await orDenied({ resource, kind, namespace, name }, async () =>
    applyOwned(kube, resource, manifest, { manager: managers.declared }, signal),
  );
  return { result: 'applied' };
}

/** Only who has which field: what stands in the template is touched by nobody. */
async function handOver(
  { namespace, targetRef: { apiVersion, kind, name } }: ResourcesUnit,
  { kube }: Pick<ResourcesDeps, 'kube'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const discovered = await kube.discover(apiVersion, kind, signal);
  if (discovered === undefined) return { result: 'nothing' };
  const { resource } = discovered;
  const found = await kube.get(resource, `${namespace}/${name}`, signal);
  if (found === undefined) return { result: 'nothing' };
  const { resourceVersion, managedFields = [] } = found.metadata;
  const others = (managedFields as readonly ManagedFields[]).filter((entry) => !isOurs(entry));
  if (others.length === managedFields.length) return { result: 'applied' };
  const operations = [
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'replace', path: '/metadata/managedFields', value: others },
  ] as const;
  await orDenied({ resource, kind, namespace, name }, async () =>
    kube.patch(resource, `${namespace}/${name}`, operations, { manager: managers.declared }, signal),
  );
  return { result: 'applied' };
}

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
}

const isOurs = ({ manager, operation, subresource = '' }: ManagedFields): boolean =>
  manager === managers.declared && operation === 'Apply' && subresource === '';

interface Workload {
  readonly resource: Resource;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The right to change a workload is the right to run anything in its place: nobody has it unasked. */
async function orDenied({ resource, kind, namespace, name }: Workload, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isDenied(error)) throw error;
    const group = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
    throw new Problem('PermissionDenied', {
      saw: `the operator may not patch ${kind} ${namespace}/${name}`,
      wanted: 'to change its template, since resources.method is or was Template',
      next: `kubectl create role genops-${name} -n ${namespace} --verb=get,patch --resource=${group} --resource-name=${name} and bind it to the operator's service account; or set resources.method: InPlace`,
      cause: error,
    });
  }
}

const isDenied = (error: unknown): boolean =>
  isProblem(error)
    ? error.reason === 'PermissionDenied'
    : error instanceof ApiError && error.status === 403 && !error.isNamespaceTerminating;

const mapOf = (amounts: readonly Amount[], list: Amount['list']): Readonly<Record<string, string>> =>
  Object.fromEntries(amounts.filter((amount) => amount.list === list).map(({ resource, text }) => [resource, text]));
