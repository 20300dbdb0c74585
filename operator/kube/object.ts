/** `namespace/name`, or `name` for a cluster-scoped object. */
export type Key = string;

/** An object as the API server sends it: times are RFC 3339 strings, not Dates. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  /** Compare with `compareVersions` only. */
  readonly resourceVersion: string;
  /** Counts changes of the spec; absent for kinds without one (ConfigMap). */
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly unknown[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** What we send: apiVersion and kind are filled in from the resource where they are left out. */
export interface Manifest {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ManifestMeta;
  readonly [field: string]: unknown;
}

interface ManifestMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  /** In an update: refused with 409 unless the object still has it. */
  readonly resourceVersion?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
  readonly finalizers?: readonly string[] | undefined;
}

export function keyOf(object: {
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
}): Key {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The inverse of `keyOf`; names hold no slash. */
export function splitKey(key: Key): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** `owner` as an entry of another object's ownerReferences; `controller`: the garbage collector and we take the object for its own. */
export function ownerReference(
  owner: KubeObject,
  { controller = false }: { readonly controller?: boolean } = {},
): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  const reference = { apiVersion, kind, name: metadata.name, uid: metadata.uid };
  return controller ? { ...reference, controller: true, blockOwnerDeletion: true } : reference;
}

/** The one owner that controls the object, if it has one. */
export function controllerOf(object: {
  readonly metadata: Pick<ObjectMeta, 'ownerReferences'>;
}): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/**
 * Orders two resourceVersions of one resource: negative when `a` is older. Decimal numbers without bound, as Kubernetes
 * promises since 1.35 and etcd always made them. Anything else is compared as equal: unknown order is no order.
 */
export function compareVersions(a: string, b: string): number {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return 0;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}
