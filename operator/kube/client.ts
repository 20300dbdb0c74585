import { ApiError } from './api-error.ts';
import type { ClusterConfig } from './config.ts';
import { Discovery } from './discovery.ts';
import { Http } from './http.ts';
import type { Key, KubeObject, Manifest, ObjectMeta } from './object.ts';
import * as requests from './requests.ts';
import type { Resource } from './resource.ts';

/**
 * One API server. Every method throws ApiError when the server refuses or cannot be reached within `timeoutMs`,
 * and the signal's reason when that is aborted. Nothing is retried here: that is for the loop, which knows what is still wanted.
 */
export interface Kube extends AsyncDisposable {
  readonly server: string;
  /** 404 is undefined. */
  get<T extends KubeObject>(resource: Resource<T>, key: Key, signal: AbortSignal): Promise<T | undefined>;
  /** A subresource of its own shape, e.g. `scale` (autoscaling/v1 Scale). 404 is undefined. */
  getSubresource<S extends KubeObject>(
    resource: Resource,
    key: Key,
    subresource: string,
    signal: AbortSignal,
  ): Promise<S | undefined>;
  /** All that match, read in pages. For what is read again and again open a Collection. */
  list<T extends KubeObject>(resource: Resource<T>, query: Query, signal: AbortSignal): Promise<readonly T[]>;
  /** One page of at most `limit`. */
  listPage<T extends KubeObject>(resource: Resource<T>, query: PageQuery, signal: AbortSignal): Promise<Page<T>>;
  create(resource: Resource, object: Manifest, options: WriteOptions, signal: AbortSignal): Promise<ObjectMeta>;
  /** PUT: the whole object, with the resourceVersion it was read at. */
  update(resource: Resource, object: Manifest, options: WriteOptions, signal: AbortSignal): Promise<ObjectMeta>;
  /**
   * Server-side apply. The answer's body is not asked for (the watch brings the object), only its metadata.
   * An apply that changes nothing costs the server as much as one that does: compare with the cache first.
   *
   * @throws ApiError with `conflicts` when another manager has a field and `force` is not set.
   */
  apply(resource: Resource, object: Manifest, options: ApplyOptions, signal: AbortSignal): Promise<ObjectMeta>;
  /** JSON patch (RFC 6902). A failed `test` is an ApiError with reason Invalid (422). */
  patch(
    resource: Resource,
    key: Key,
    operations: readonly JsonPatchOperation[],
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<ObjectMeta>;
  /** Background propagation. An object that is not there (or, with `uid`, another one of that name) counts as deleted. */
  delete(
    resource: Resource,
    key: Key,
    options: { readonly uid?: string | undefined },
    signal: AbortSignal,
  ): Promise<void>;
  /** Which resource serves a kind; undefined when the server knows none. Cached; asked again for what was unknown. */
  discover(apiVersion: string, kind: string, signal: AbortSignal): Promise<Discovered | undefined>;
  /** Any path (`/version`, `/apis/metrics.k8s.io/…`), JSON in and out. */
  raw(request: RawRequest, signal: AbortSignal): Promise<unknown>;
  /** The body as it comes, for watches and logs, on a connection of its own; no time-out but the signal. */
  stream(request: Omit<RawRequest, 'body'>, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

export interface Query {
  /** Undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface PageQuery extends Query {
  readonly limit: number;
  /** From the page before. */
  readonly continue?: string | undefined;
  /** '0': any state that the server has in its cache, cheap and perhaps a little old. Undefined: the newest. */
  readonly resourceVersion?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Undefined on the last page. */
  readonly continue: string | undefined;
}

export interface WriteOptions {
  /** Field manager; without it the server takes it from the User-Agent. */
  readonly manager?: string | undefined;
  /** `status`, `scale`, `resize`, … */
  readonly subresource?: string | undefined;
  /** Admission and validation run, nothing is stored. */
  readonly dryRun?: boolean | undefined;
}

export interface ApplyOptions extends WriteOptions {
  readonly manager: string;
  /** Take fields from other managers. Default false: a conflict is thrown. */
  readonly force?: boolean | undefined;
}

type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

export interface Discovered {
  readonly resource: Resource;
  /** `['scale', 'status']` */
  readonly subresources: readonly string[];
}

export interface RawRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Begins with `/`; values in it are already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** For messages; the path when left out. */
  readonly target?: string;
  readonly verb?: string;
}

export interface ConnectOptions {
  /** `genops/0.1.0`: stands in the server's audit log. */
  readonly userAgent: string;
  /** Connections for requests; watches have their own. Default 16: more adds latency only. */
  readonly connections?: number;
  /** For each request, in ms. Default 10 000. */
  readonly timeoutMs?: number;
}

/** No request is made yet. Closing waits for nothing: requests under way fail. */
export function connectKube(config: ClusterConfig, options: ConnectOptions): Kube {
  const http = new Http(config, options);
  const discovery = new Discovery((path, signal) => http.send({ path, verb: 'discover' }, signal));
  const write = async (request: RawRequest, signal: AbortSignal) => requests.metaOf(await http.send(request, signal));
  return {
    server: config.server,
    get: (of, key, signal) => requests.orUndefined(http.send(requests.readRequest(of, key), signal)),
    getSubresource: (of, key, subresource, signal) =>
      requests.orUndefined(http.send(requests.readRequest(of, key, subresource), signal)),
    list: (of, query, signal) => listAll(http, of, query, signal),
    listPage: (of, query, signal) => listPage(http, of, query, signal),
    create: (of, object, how, signal) => write(requests.createRequest(of, object, how), signal),
    update: (of, object, how, signal) => write(requests.updateRequest(of, object, how), signal),
    apply: (of, object, how, signal) => write(requests.applyRequest(of, object, how), signal),
    patch: (of, key, operations, how, signal) => write(requests.patchRequest(of, key, operations, how), signal),
    delete: (of, key, { uid }, signal) => remove(http, requests.deleteRequest(of, key, uid), uid, signal),
    discover: (apiVersion, kind, signal) => discovery.find(apiVersion, kind, signal),
    raw: (request, signal) => http.send(request, signal),
    stream: (request, signal) => http.stream(request, signal),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

async function listPage<T extends KubeObject>(
  http: Http,
  of: Resource<T>,
  query: PageQuery,
  signal: AbortSignal,
): Promise<Page<T>> {
  return requests.pageOf(of, await http.send(requests.listRequest(of, query), signal));
}

async function listAll<T extends KubeObject>(
  http: Http,
  of: Resource<T>,
  query: Query,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const all: T[] = [];
  let page: Page<T> | undefined;
  do {
    page = await listPage(http, of, { ...query, limit: 500, continue: page?.continue }, signal);
    all.push(...page.items);
  } while (page.continue !== undefined);
  return all;
}

async function remove(http: Http, request: RawRequest, uid: string | undefined, signal: AbortSignal): Promise<void> {
  try {
    await http.send(request, signal);
  } catch (error) {
    const isGone = error instanceof ApiError && (error.status === 404 || (error.status === 409 && uid !== undefined));
    if (!isGone) throw error;
  }
}
