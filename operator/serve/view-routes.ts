import { milliseconds } from '../api/duration.ts';

export const viewPaths = [
  'api/performance/status',
  'api/performance/resources',
  'api/performance/load',
  'api/performance/history',
  'api/monitoring/metrics',
  'api/cache/status',
  'api/database/status',
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

/** What may be asked of a view. */
const parameters: Readonly<Partial<Record<ViewPath, readonly string[]>>> = {
  'api/performance/status': ['window'],
  'api/performance/history': ['since'],
};

/** Nothing of what somebody wrote goes any further but names that objects can have, numbers, and the beginning of what is refused. */
export function routeOf({ pathname, searchParams }: URL): Route {
  if (pathname === '/metrics') return { kind: 'metrics' };
  if (pathname === '/generationservices')
    return unreadOf(searchParams, ['namespace']) ?? fleetOf(searchParams.get('namespace') ?? undefined);
  const [, namespace = '', rest = ''] = /^\/namespaces\/([^/]*)\/generationservices(?:\/(.*))?$/.exec(pathname) ?? [];
  if (namespace === '') return { kind: 'notFound', message: 'the server could not find the requested view' };
  if (rest === '') return unreadOf(searchParams, []) ?? fleetOf(namespace);
  const slash = rest.indexOf('/');
  const [name, tail] = slash < 0 ? [rest, ''] : [rest.slice(0, slash), rest.slice(slash + 1)];
  const path = viewPaths.find((one) => one === tail);
  if (path === undefined || !label.test(namespace) || !isObjectName(name))
    return {
      kind: 'notFound',
      message: `the server could not find the requested view; wanted one of ${viewPaths.join(', ')}`,
    };
  return unreadOf(searchParams, parameters[path] ?? []) ?? viewOf({ namespace, name, path }, searchParams);
}

function viewOf(
  about: { readonly namespace: string; readonly name: string; readonly path: ViewPath },
  searchParams: URLSearchParams,
): Route {
  const [window, since] = [searchParams.get('window'), searchParams.get('since')];
  const [windowMs, sinceMs] = [windowOf(window), sinceOf(since)];
  if (windowMs === 'wrong')
    return { kind: 'wrong', message: `saw window ${quoted(window)}; wanted 10s to 24h, for example 5m` };
  if (sinceMs === 'wrong')
    return { kind: 'wrong', message: `saw since ${quoted(since)}; wanted RFC 3339 or milliseconds since 1970` };
  return { kind: 'view', ...about, windowMs, sinceMs };
}

/** Refuses what nobody reads: a parameter that is misspelt, or the second of a name, must not be passed over. */
function unreadOf(searchParams: URLSearchParams, known: readonly string[]): Route | undefined {
  const names = [...searchParams.keys()];
  const unknown = [...new Set(names)].filter((name) => !known.includes(name));
  const wanted = known.length === 0 ? 'none here' : known.join(', ');
  if (unknown.length > 0)
    return { kind: 'wrong', message: `saw parameter ${unknown.slice(0, 5).map(quoted).join(', ')}; wanted ${wanted}` };
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined
    ? undefined
    : { kind: 'wrong', message: `saw parameter ${quoted(twice)} more than once; wanted it once` };
}

/** The beginning of it, on one line. */
const quoted = (text: string | null): string => JSON.stringify(text?.slice(0, 40) ?? '');

function fleetOf(namespace: string | undefined): Route {
  if (namespace === undefined || namespace === '') return { kind: 'fleet', namespace: undefined };
  return label.test(namespace)
    ? { kind: 'fleet', namespace }
    : { kind: 'wrong', message: `saw namespace ${quoted(namespace)}; wanted a name that a namespace can have` };
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
