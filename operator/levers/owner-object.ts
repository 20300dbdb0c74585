import { Problem } from '../api/problem.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { managers } from './apply-owned.ts';

/** What owns a server: an object of another operator, in the service's namespace. */
interface OwnerRef {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

/** How settings go through the objects of one operator. */
export interface OwnerProvider {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  /** Where the object has them. */
  readonly path: readonly string[];
}

/** Undefined: no operator owns the server, or one of which nothing is known. */
export function ownerObjectOf<P extends OwnerProvider>(
  { clusterRef, namespace }: { readonly clusterRef?: OwnerRef | undefined; readonly namespace: string },
  { providers, words }: { readonly providers: readonly P[]; readonly words: OwnerWords },
): (OwnerObject & { readonly provider: P }) | undefined {
  const provider = providers.find(({ group, kind }) => group === clusterRef?.group && kind === clusterRef.kind);
  return clusterRef && provider && { clusterRef, namespace, provider, words };
}

export type OwnerKube = Pick<Kube, 'discover' | 'get' | 'apply'>;

/** Which object, and what to call its settings. */
export interface OwnerObject {
  readonly clusterRef: OwnerRef;
  readonly namespace: string;
  readonly provider: OwnerProvider;
  readonly words: OwnerWords;
}

export interface OwnerWords {
  /** The section of the spec: `postgres`. */
  readonly section: string;
  /** `parameters` */
  readonly settings: string;
  /** Where somebody else has one of them. */
  readonly conflict: { readonly wanted: string; readonly next: string };
}

const apiVersionOf = ({ group, version }: OwnerProvider): string => `${group}/${version}`;

/** @throws {Problem} OwnerNotFound, PermissionDenied */
export async function readOwnerObject(which: OwnerObject, kube: OwnerKube, signal: AbortSignal): Promise<KubeObject> {
  const { clusterRef, namespace, provider, words } = which;
  const key = `${namespace}/${clusterRef.name}`;
  const discovered = await kube.discover(apiVersionOf(provider), provider.kind, signal);
  const object = discovered && (await orDenied(kube.get(discovered.resource, key, signal), which));
  if (object !== undefined) return object;
  throw new Problem('OwnerNotFound', {
    saw: discovered === undefined ? `no kind ${provider.kind} of ${provider.group}` : `no ${provider.kind} ${key}`,
    wanted: 'the object that owns the server',
    next: `correct spec.${words.section}[].clusterRef, or remove it where no other operator sets this server`,
  });
}

/**
 * Has just these settings of ours in the object; undefined: none. What it has of others stays.
 *
 * @throws {Problem} Conflict, PermissionDenied, ConfigRejected
 */
export async function writeOwnerObject(
  which: OwnerObject,
  { uid, settings }: { readonly uid: string; readonly settings: object | undefined },
  kube: OwnerKube,
  signal: AbortSignal,
): Promise<void> {
  const { clusterRef, namespace, provider } = which;
  const discovered = await kube.discover(apiVersionOf(provider), provider.kind, signal);
  if (discovered === undefined) throw new Error(`${clusterRef.kind} ${clusterRef.name} is gone`);
  const spec = settings === undefined ? {} : nested(provider.path, settings);
  const manifest = { metadata: { namespace, name: clusterRef.name, uid }, ...spec }; // the uid: what is gone is not made anew
  const applied = kube.apply(discovered.resource, manifest, { manager: managers.declared, force: false }, signal);
  await orDenied(applied, which);
  if (settings === undefined) return;
  const after = await orDenied(kube.get(discovered.resource, `${namespace}/${clusterRef.name}`, signal), which);
  if (valueAt(after, provider.path) === undefined) throw noSuchField(which);
}

/** The API server drops what a CustomResourceDefinition does not know, says nothing, and has it in managedFields all the same. */
function noSuchField({ clusterRef, namespace, provider: { path }, words }: OwnerObject): Problem {
  const field = path.join('.');
  return new Problem('ConfigRejected', {
    saw: `${clusterRef.kind} ${namespace}/${clusterRef.name} without ${field} after it was written`,
    wanted: `the declared ${words.settings} in it`,
    next: `upgrade its operator: the CustomResourceDefinition that is installed has no ${field}`,
  });
}

/** What a person can do something about is said; the rest is the API server's. */
async function orDenied<T>(work: Promise<T>, { clusterRef, namespace, provider, words }: OwnerObject): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const object = `${clusterRef.kind} ${namespace}/${clusterRef.name}`;
    if (error.conflicts.length > 0)
      throw new Problem('Conflict', {
        saw: `${error.conflicts.map(({ field, manager }) => `${field} (${manager})`).join(', ')} in ${object}`,
        ...words.conflict,
        cause: error,
      });
    if (error.status === 403 && !error.isNamespaceTerminating)
      throw new Problem('PermissionDenied', {
        saw: error.message,
        wanted: `to read ${object} and to set its ${words.settings}`,
        next: `kubectl create role genops-${clusterRef.name} -n ${namespace} --verb=get,patch --resource=${provider.plural}.${provider.group} --resource-name=${clusterRef.name} and bind it to the operator's service account`,
        cause: error,
      });
    if (error.status === 422)
      throw new Problem('ConfigRejected', {
        saw: error.message,
        wanted: `the declared ${words.settings} in ${object}`,
        next: 'correct the value in the policy',
        cause: error,
      });
    throw error;
  }
}

/** By managedFields: who has applied or written the settings, and which fields below them. */
export function writersOf(
  { metadata }: KubeObject,
  { path }: OwnerProvider,
): readonly { readonly manager: string; readonly isOurs: boolean; readonly names: readonly string[] }[] {
  const fields = path.map((part) => `f:${part}`);
  return ((metadata.managedFields ?? []) as readonly ManagedFields[]).flatMap((entry) => {
    const held = valueAt(entry.fieldsV1, fields);
    if (!isObject(held)) return [];
    const names = Object.keys(held).flatMap((key) => (key.startsWith('f:') ? [key.slice(2)] : []));
    return [{ manager: entry.manager ?? '', isOurs: isOurs(entry), names }];
  });
}

const isOurs = ({ manager, operation, subresource = '' }: ManagedFields): boolean =>
  manager === managers.declared && operation === 'Apply' && subresource === '';

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: object;
}

export const valueAt = (object: object | undefined, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, part) => (isObject(value) ? value[part] : undefined), object);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const nested = (path: readonly string[], leaf: object): object =>
  path.reduceRight<object>((inner, part) => ({ [part]: inner }), leaf);
