import { ApiError } from './api-error.ts';
import type { ApplyOptions, Page, PageQuery, RawRequest, WriteOptions } from './client.ts';
import { keyOf, type Key, type KubeObject, type Manifest, type ObjectMeta } from './object.ts';
import { apiVersionOf, collectionPath, objectPath, type Resource } from './resource.ts';

type Fields = Partial<Pick<ApplyOptions, 'force'>> & WriteOptions;

export function readRequest(of: Resource, key: Key, subresource?: string): RawRequest {
  return { path: objectPath(of, key, subresource), verb: 'get', target: targetOf(of, key, subresource) };
}

export function listRequest(of: Resource, query: PageQuery): RawRequest {
  const { namespace, resourceVersion, ...parameters } = query;
  // a continue token carries the version of the list that it continues: both together are refused
  const version = query.continue === undefined && resourceVersion !== undefined ? { resourceVersion } : {};
  return {
    path: collectionPath(of, namespace),
    query: { ...parameters, ...version },
    verb: 'list',
    target: `${of.kind} in ${namespace ?? 'all namespaces'}`,
  };
}

/** POST of a whole object, or (a Binding, an Eviction) of a subresource. */
export function createRequest(of: Resource, object: Manifest, { subresource, ...options }: WriteOptions): RawRequest {
  const key = keyOf(object);
  const path =
    subresource === undefined ? collectionPath(of, object.metadata.namespace) : objectPath(of, key, subresource);
  return {
    path,
    verb: 'create',
    target: targetOf(of, key, subresource),
    method: 'POST',
    query: queryOf(options),
    headers: metadataOnly,
    body: complete(of, object),
  };
}

export function updateRequest(of: Resource, object: Manifest, { subresource, ...options }: WriteOptions): RawRequest {
  return {
    ...writeRequest('update', of, keyOf(object), subresource),
    method: 'PUT',
    query: queryOf(options),
    body: complete(of, object),
  };
}

export function applyRequest(of: Resource, object: Manifest, { subresource, ...options }: ApplyOptions): RawRequest {
  const headers = { ...metadataOnly, 'content-type': 'application/apply-patch+yaml' }; // JSON is YAML
  return {
    ...writeRequest('apply', of, keyOf(object), subresource),
    method: 'PATCH',
    query: queryOf(options),
    headers,
    body: complete(of, object),
  };
}

export function patchRequest(
  of: Resource,
  key: Key,
  operations: unknown,
  { subresource, ...options }: WriteOptions,
): RawRequest {
  const headers = { ...metadataOnly, 'content-type': 'application/json-patch+json' };
  return {
    ...writeRequest('patch', of, key, subresource),
    method: 'PATCH',
    query: queryOf(options),
    headers,
    body: operations,
  };
}

export function deleteRequest(of: Resource, key: Key, uid: string | undefined): RawRequest {
  const body = { propagationPolicy: 'Background', ...(uid === undefined ? {} : { preconditions: { uid } }) };
  return { ...writeRequest('delete', of, key, undefined), method: 'DELETE', body };
}

/** Lists of built-in kinds leave apiVersion and kind out of their items. */
export function pageOf<T extends KubeObject>(of: Resource<T>, body: unknown): Page<T> {
  const { items, metadata } = body as {
    items: readonly T[] | null;
    metadata: { resourceVersion: string; continue?: string };
  };
  const own = { apiVersion: apiVersionOf(of), kind: of.kind };
  for (const item of items ?? []) Object.assign(item, own);
  return { items: items ?? [], resourceVersion: metadata.resourceVersion, continue: metadata.continue || undefined };
}

export function metaOf(body: unknown): ObjectMeta {
  return (body as KubeObject).metadata;
}

/** A read of what is not there is an answer, not an error. */
export async function orUndefined<T>(read: Promise<unknown>): Promise<T | undefined> {
  try {
    return (await read) as T;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** The watch brings the object: its metadata is all that is wanted of the answer. The second form is for what cannot be had so. */
const metadataOnly = { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json' };

function writeRequest(verb: string, of: Resource, key: Key, subresource: string | undefined): RawRequest {
  return {
    path: objectPath(of, key, subresource),
    verb,
    target: targetOf(of, key, subresource),
    headers: metadataOnly,
  };
}

function targetOf({ kind }: Resource, key: Key, subresource?: string): string {
  return subresource === undefined ? `${kind} ${key}` : `${kind} ${key} (${subresource})`;
}

function queryOf({ manager, force, dryRun }: Fields): NonNullable<RawRequest['query']> {
  return {
    fieldManager: manager,
    force: force === true ? true : undefined,
    dryRun: dryRun === true ? 'All' : undefined,
  };
}

function complete(of: Resource, object: Manifest): Manifest {
  return { apiVersion: apiVersionOf(of), kind: of.kind, ...object };
}
