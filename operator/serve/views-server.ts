import type { IncomingMessage } from 'node:http';
import type { Registry } from 'prom-client';
import { milliseconds } from '../api/duration.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { ApiError } from '../kube/api-error.ts';
import { failure, type Answer } from './answer.ts';
import { Busy, type Access, type Authority, type User } from './authority.ts';
import { credentialsOf } from './credentials.ts';
import type { Leading } from './leading.ts';
import { openapi } from './openapi.ts';
import type { RateLimit } from './rate-limit.ts';
import { cacheStatus } from './views/cache-status.ts';
import { databaseStatus } from './views/database-status.ts';
import type { ViewInput } from './views/figures.ts';
import { fleet } from './views/fleet.ts';
import { history } from './views/history.ts';
import { load } from './views/load.ts';
import { monitoringMetrics } from './views/monitoring-metrics.ts';
import { performanceStatus } from './views/performance-status.ts';
import { resources } from './views/resources.ts';
import type { Rows } from './views/rows.ts';
import type { Bounds, TimelineEntry } from './views/timeline.ts';
import { routeOf, type Route, type ViewPath } from './view-routes.ts';

/** Where the figures of views come from. */
export interface ViewSources {
  serviceOf(namespace: string, name: string): GenerationService | undefined;
  /** Undefined: all of them. */
  servicesIn(namespace: string | undefined): readonly GenerationService[];
  /** Undefined: no valid policy says what to measure it by. */
  inputOf(service: GenerationService): ViewInput | undefined;
  /** By component, in the order of the spec; those that are not measured have none. @param since ms since the epoch. */
  rowsOf(
    service: GenerationService,
    since: number,
  ): readonly { readonly rows: Rows; readonly bounds: readonly Bounds[] }[];
  changesOf(service: GenerationService, since: number): readonly TimelineEntry[];
  /** Of all components; null where that is not known. */
  replicasOf(service: GenerationService): number | null;
}

export interface ViewsDeps {
  readonly sources: ViewSources;
  readonly authority: Authority;
  readonly leading: Leading;
  readonly limit: RateLimit;
  /** What /metrics shows. */
  readonly registry: Registry;
  /** Pages for people, which anybody may have: what they show they ask for with the reader's own token. */
  readonly pages: (path: string) => Answer | undefined;
}

/** Answers a request for a view, for /metrics or for a page. */
export async function answerView(request: IncomingMessage, deps: ViewsDeps): Promise<Answer> {
  const url = urlOf(request);
  if (request.method !== 'GET')
    return { ...failure(405, 'MethodNotAllowed', 'views are read only: ask with GET'), headers: { allow: 'GET' } };
  if (!deps.limit.take(request.socket.remoteAddress ?? '', performance.now())) return tooMany;
  if (url === undefined) return failure(400, 'BadRequest', 'saw a path that is none');
  const page = url.pathname === '/openapi.json' ? { status: 200, body: openapi } : deps.pages(url.pathname);
  if (page !== undefined) return page;
  const route = routeOf(url);
  if (route.kind === 'notFound') return failure(404, 'NotFound', route.message);
  if (route.kind === 'wrong') return failure(400, 'BadRequest', route.message);
  if (route.kind !== 'metrics' && !deps.leading.leads()) return deps.leading.forward(request);
  return (await refused(request, accessOf(route), deps.authority)) ?? (await answerRoute(route, deps));
}

function urlOf({ url = '/' }: IncomingMessage): URL | undefined {
  return url.startsWith('/') && !url.startsWith('//') ? (URL.parse(url, 'https://views') ?? undefined) : undefined;
}

const tooMany: Answer = {
  ...failure(429, 'TooManyRequests', 'saw too many requests; wanted fewer a second; next: ask again in a second'),
  headers: { 'retry-after': '1' },
};

type Asked = Exclude<Route, { kind: 'notFound' | 'wrong' }>;

function accessOf(route: Asked): Access {
  if (route.kind === 'metrics') return { verb: 'get', path: '/metrics' };
  const { namespace } = route;
  return route.kind === 'fleet' ? { verb: 'list', namespace } : { verb: 'get', namespace, name: route.name };
}

/** Undefined: it may go on. What is there is told to nobody who may not see it. */
async function refused(request: IncomingMessage, access: Access, authority: Authority): Promise<Answer | undefined> {
  const token = /^Bearer +([^\s]+)$/i.exec(credentialsOf(request.headers) ?? '')?.[1];
  if (token === undefined)
    return unauthorized('saw no token; wanted Authorization: Bearer …; next: kubectl create token NAME');
  // Not the request's own: who asks the same meanwhile waits for this answer too.
  const signal = AbortSignal.timeout(8_000);
  try {
    const user = await authority.authenticate(token, signal);
    if (user === undefined)
      return unauthorized(
        'saw a token that the cluster does not take, or that is for somebody else; wanted a valid one',
      );
    return (await authority.isAllowed(user, access, signal)) ? undefined : forbidden(user, access);
  } catch (error) {
    if (Error.isError(error) && error.name === Busy.name) return tooMany;
    if (error instanceof ApiError) return notReviewed(error);
    throw error;
  }
}

const unauthorized = (message: string): Answer => ({
  ...failure(401, 'Unauthorized', message),
  headers: { 'www-authenticate': 'Bearer realm="genops"' },
});

function forbidden({ username }: User, access: Access): Answer {
  const what =
    'path' in access
      ? `path "${access.path}"`
      : `resource "generationservices/views" in API group "genops.dev" ${access.namespace === undefined ? 'at the cluster scope' : `in the namespace "${access.namespace}"`}`;
  const next =
    !('path' in access) && access.namespace === undefined ? '; next: ask for one namespace, with ?namespace=' : '';
  return failure(403, 'Forbidden', `user "${username}" cannot ${access.verb} ${what}${next}`);
}

const notReviewed = (error: ApiError): Answer =>
  failure(
    503,
    'ServiceUnavailable',
    error.status === 403
      ? 'saw that the operator may not ask who you are; wanted create of tokenreviews and subjectaccessreviews; next: install with views.enabled, or bind it to system:auth-delegator'
      : `saw no answer of the API server about who you are: ${error.reason}; next: ask again`,
  );

async function answerRoute(route: Asked, { sources, registry }: ViewsDeps): Promise<Answer> {
  if (route.kind === 'metrics')
    return { status: 200, body: await registry.metrics(), headers: { 'content-type': registry.contentType } };
  const now = Date.now();
  if (route.kind === 'view') return viewOf(route, sources, now);
  const replicasOf = (service: GenerationService): number | null => sources.replicasOf(service);
  return { status: 200, body: fleet(sources.servicesIn(route.namespace), { replicasOf, now }) };
}

function viewOf(route: Extract<Route, { kind: 'view' }>, sources: ViewSources, now: number): Answer {
  const service = sources.serviceOf(route.namespace, route.name);
  if (service === undefined) return failure(404, 'NotFound', `generationservices.genops.dev "${route.name}" not found`);
  const { sinceMs } = route;
  if (route.path === 'api/performance/history') {
    const since = sinceMs ?? 0;
    const body = history({
      service,
      components: sources.rowsOf(service, since),
      changes: sources.changesOf(service, since),
      now,
    });
    return { status: 200, body };
  }
  const input = sources.inputOf(service);
  if (input === undefined)
    return failure(
      409,
      'Conflict',
      `no valid policy says what ${route.name} is measured by; next: see its condition PolicyAccepted`,
    );
  return { status: 200, body: viewers[route.path](input, { windowMs: route.windowMs, sources, service }) };
}

interface Around {
  readonly windowMs: number | undefined;
  readonly sources: ViewSources;
  readonly service: GenerationService;
}

const viewers: Readonly<
  Record<Exclude<ViewPath, 'api/performance/history'>, (input: ViewInput, around: Around) => object>
> = {
  'api/performance/status': (input, { windowMs = milliseconds(input.policy.objectives.window), sources, service }) => {
    const rows = sources.rowsOf(service, input.now - windowMs).map((one) => one.rows);
    return performanceStatus({ ...input, trend: { windowMs, rows } });
  },
  'api/performance/resources': resources,
  'api/performance/load': load,
  'api/monitoring/metrics': monitoringMetrics,
  'api/cache/status': cacheStatus,
  'api/database/status': databaseStatus,
};
