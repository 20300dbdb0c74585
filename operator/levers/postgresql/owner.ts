import { Problem } from '../../api/problem.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { Kube } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/object.ts';
import { managers } from '../apply-owned.ts';
import type { PostgresUnit } from './unit.ts';

type ClusterRef = NonNullable<PostgresUnit['clusterRef']>;

/** What stands in the object of a database operator. */
export interface ServerOwner {
  /** `Cluster pg` */
  readonly label: string;
  readonly uid: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Names of those that we have put there. */
  readonly ours: readonly string[];
  /** Who else has put one there, by its name. */
  readonly others: Readonly<Record<string, string>>;
}

/** How parameters go through the objects of one database operator. A new operator is one more of these. */
interface OwnerProvider {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  /** Where the object has them: a map of texts. */
  readonly path: readonly string[];
}

const providers: readonly OwnerProvider[] = [
  {
    group: 'postgresql.cnpg.io',
    version: 'v1',
    kind: 'Cluster',
    plural: 'clusters',
    path: ['spec', 'postgresql', 'parameters'],
  },
];

/** Undefined: of this operator nothing is known, and its servers are only looked at. */
const providerOf = ({ group, kind }: ClusterRef): OwnerProvider | undefined =>
  providers.find((one) => one.group === group && one.kind === kind);

export type OwnerKube = Pick<Kube, 'discover' | 'get' | 'apply'>;

/** @returns undefined where no operator owns the server, or one of which nothing is known. @throws {Problem} OwnerNotFound, PermissionDenied */
export async function readOwner(
  { clusterRef, namespace }: PostgresUnit,
  kube: OwnerKube | undefined,
  signal: AbortSignal,
): Promise<ServerOwner | undefined> {
  if (kube === undefined || clusterRef === undefined) return undefined;
  const provider = providerOf(clusterRef);
  if (provider === undefined) return undefined;
  const object = await found({ clusterRef, namespace, provider }, kube, signal);
  return {
    label: labelOf(clusterRef),
    uid: object.metadata.uid,
    parameters: textsIn(at(object, provider.path)),
    ...holdersOf(object, provider),
  };
}

interface Where {
  readonly clusterRef: ClusterRef;
  readonly namespace: string;
  readonly provider: OwnerProvider;
}

const labelOf = ({ kind, name }: ClusterRef): string => `${kind} ${name}`;

async function found(where: Where, kube: OwnerKube, signal: AbortSignal): Promise<KubeObject> {
  const { clusterRef, namespace, provider } = where;
  const key = `${namespace}/${clusterRef.name}`;
  const discovered = await kube.discover(apiVersionOf(provider), provider.kind, signal);
  const object = discovered && (await orDenied(kube.get(discovered.resource, key, signal), where));
  if (object !== undefined) return object;
  throw new Problem('OwnerNotFound', {
    saw: discovered === undefined ? `no kind ${provider.kind} of ${provider.group}` : `no ${provider.kind} ${key}`,
    wanted: 'the object that owns the server',
    next: 'correct spec.postgres[].clusterRef, or remove it where no other operator sets this server',
  });
}

/**
 * Has just these parameters of ours in the object: what it has of others stays, and what of ours is not among them goes.
 *
 * @throws {Problem} Conflict, PermissionDenied, ConfigRejected
 */
export async function writeOwner(
  { clusterRef, namespace }: PostgresUnit,
  { uid, parameters }: Pick<ServerOwner, 'uid' | 'parameters'>,
  kube: OwnerKube | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (kube === undefined || clusterRef === undefined) throw new Error('no object to write to');
  const provider = providerOf(clusterRef);
  const discovered = provider && (await kube.discover(apiVersionOf(provider), provider.kind, signal));
  if (provider === undefined || discovered === undefined) throw new Error(`${labelOf(clusterRef)} is gone`);
  const spec = Object.keys(parameters).length === 0 ? {} : nested(provider.path, parameters);
  const manifest = { metadata: { namespace, name: clusterRef.name, uid }, ...spec }; // the uid: what is gone is not made anew
  const applied = kube.apply(discovered.resource, manifest, { manager: managers.declared, force: false }, signal);
  await orDenied(applied, { clusterRef, namespace, provider });
}

const apiVersionOf = ({ group, version }: OwnerProvider): string => `${group}/${version}`;

/** What a person can do something about is said; the rest is the API server's. */
async function orDenied<T>(work: Promise<T>, { clusterRef, namespace, provider }: Where): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const [conflict] = error.conflicts;
    const object = `${clusterRef.kind} ${namespace}/${clusterRef.name}`;
    if (conflict !== undefined)
      throw new Problem('Conflict', {
        saw: `${error.conflicts.map(({ field, manager }) => `${field} (${manager})`).join(', ')} in ${object}`,
        wanted: 'these parameters to be ours or nobody’s',
        next: 'remove them there, or from the policy',
        cause: error,
      });
    if (error.status === 403 && !error.isNamespaceTerminating)
      throw new Problem('PermissionDenied', {
        saw: error.message,
        wanted: `to read ${object} and to set its parameters`,
        next: `kubectl create role genops-${clusterRef.name} -n ${namespace} --verb=get,patch --resource=${provider.plural}.${provider.group} --resource-name=${clusterRef.name} and bind it to the operator's service account`,
        cause: error,
      });
    if (error.status === 422)
      throw new Problem('ConfigRejected', {
        saw: error.message,
        wanted: `the declared parameters in ${object}`,
        next: 'correct the value in the policy',
        cause: error,
      });
    throw error;
  }
}

/** By managedFields, who has applied or written what below `path`. */
function holdersOf({ metadata }: KubeObject, { path }: OwnerProvider): Pick<ServerOwner, 'ours' | 'others'> {
  const held = ((metadata.managedFields ?? []) as readonly ManagedFields[]).flatMap((entry) => {
    const fields = at(
      entry.fieldsV1,
      path.map((part) => `f:${part}`),
    );
    const names = Object.keys(fields ?? {}).flatMap((key) => (key.startsWith('f:') ? [key.slice(2)] : []));
    return names.map((name) => ({ name, manager: entry.manager ?? '', isOurs: isOurs(entry) }));
  });
  return {
    ours: held.filter((one) => one.isOurs).map(({ name }) => name),
    others: Object.fromEntries(held.filter((one) => !one.isOurs).map(({ name, manager }) => [name, manager])),
  };
}

const isOurs = ({ manager, operation, subresource = '' }: ManagedFields): boolean =>
  manager === managers.declared && operation === 'Apply' && subresource === '';

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: object;
}

const at = (object: object | undefined, path: readonly string[]): object | undefined =>
  path.reduce<unknown>((value, part) => (isObject(value) ? value[part] : undefined), object) as object | undefined;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const textsIn = (map: object = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(map).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );

const nested = (path: readonly string[], leaf: object): object =>
  path.reduceRight<object>((inner, part) => ({ [part]: inner }), leaf);
