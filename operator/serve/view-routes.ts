import { milliseconds } from '../api/duration.ts';

export const viewPaths = [
  'api/performance/status',
  'api/performance/resources',
  'api/performance/load',
  'api/performance/history',
  'api/monitoring/metrics',
  'api/cache/status',
] as const;
export type ViewPath = (typeof viewPaths)[number];

/** What a request asks for. */
export type Route =
  | { readonly kind: 'metrics' }
  | { readonly kind: 'fleet'; readonly namespace: string | undefined }
  | {
      readonly kind: 'view';
      readonly namespace: string;
      readonly name: string;
      readonly path: ViewPath;
      readonly windowMs: number | undefined;
      /** ms since the epoch. */
      readonly sinceMs: number | undefined;
    }
  | { readonly kind: 'notFound'; readonly message: string }
  | { readonly kind: 'wrong'; readonly message: string };

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** Names of objects may hold dots. */
const isObjectName = (text: string): boolean => text.length <= 253 && text.split('.').every((part) => label.test(part));
const windows = { least: 10_000, most: 86_400_000 };

/** Nothing of what somebody wrote goes any further but names that objects can have, and numbers. */
export function routeOf({ pathname, searchParams }: URL): Route {
  if (pathname === '/metrics') return { kind: 'metrics' };
  if (pathname === '/generationservices') return fleetOf(searchParams.get('namespace') ?? undefined);
  const [, namespace = '', rest = ''] = /^\/namespaces\/([^/]*)\/generationservices(?:\/(.*))?$/.exec(pathname) ?? [];
  if (namespace === '') return { kind: 'notFound', message: 'the server could not find the requested view' };
  if (rest === '') return fleetOf(namespace);
  const slash = rest.indexOf('/');
  const [name, tail] = slash < 0 ? [rest, ''] : [rest.slice(0, slash), rest.slice(slash + 1)];
  const path = viewPaths.find((one) => one === tail);
  if (path === undefined || !label.test(namespace) || !isObjectName(name))
    return {
      kind: 'notFound',
      message: `the server could not find the requested view; wanted one of ${viewPaths.join(', ')}`,
    };
  const [windowMs, sinceMs] = [windowOf(searchParams.get('window')), sinceOf(searchParams.get('since'))];
  if (windowMs === 'wrong')
    return { kind: 'wrong', message: 'saw a window that is none; wanted 10s to 24h, for example 5m' };
  if (sinceMs === 'wrong')
    return { kind: 'wrong', message: 'saw a since that is no time; wanted RFC 3339 or milliseconds since 1970' };
  return { kind: 'view', namespace, name, path, windowMs, sinceMs };
}

function fleetOf(namespace: string | undefined): Route {
  if (namespace === undefined || namespace === '') return { kind: 'fleet', namespace: undefined };
  return label.test(namespace)
    ? { kind: 'fleet', namespace }
    : { kind: 'wrong', message: 'saw a namespace that no namespace can be called' };
}

function windowOf(text: string | null): number | undefined | 'wrong' {
  if (text === null) return undefined;
  try {
    const ms = milliseconds(text);
    return ms >= windows.least && ms <= windows.most ? ms : 'wrong';
  } catch (error) {
    if (Error.isError(error) && error.name === 'RangeError') return 'wrong';
    throw error;
  }
}

function sinceOf(text: string | null): number | undefined | 'wrong' {
  if (text === null) return undefined;
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? 'wrong' : ms;
}
