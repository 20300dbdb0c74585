import { splitKey, type Key, type KubeObject } from './object.ts';

declare const wire: unique symbol;

/** A kind of object and where the API server keeps it. `T` is the shape in which it is sent; nothing of it exists at run time. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** As in the URL: lower case, plural. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly [wire]?: T;
}

/** `resource<HorizontalPodAutoscaler>({ group: 'autoscaling', version: 'v2', … })` */
export function resource<T extends KubeObject>(coordinates: Omit<Resource, typeof wire>): Resource<T> {
  return coordinates;
}

/** `v1`, `autoscaling/v2`: what stands in an object's apiVersion. */
export function apiVersionOf({ group, version }: Pick<Resource, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Path of all objects of a resource: of one namespace, or of the cluster when none is given. */
export function collectionPath(of: Resource, namespace?: string): string {
  const root = of.group === '' ? `/api/${of.version}` : `/apis/${of.group}/${of.version}`;
  return of.namespaced && namespace !== undefined
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${of.plural}`
    : `${root}/${of.plural}`;
}

/** Path of one object or of a subresource of it (`status`, `scale`, `resize`). */
export function objectPath(of: Resource, key: Key, subresource?: string): string {
  const { namespace, name } = splitKey(key);
  if (of.namespaced !== (namespace !== undefined)) {
    const wanted = of.namespaced ? 'namespace/name' : 'name';
    throw new RangeError(`saw ${JSON.stringify(key)} as the key of a ${of.kind}; wanted ${wanted}`);
  }
  const path = `${collectionPath(of, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}
