import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import type { Capabilities } from './capabilities.ts';
import { passTo } from './closing.ts';
import { directive, inSeconds, type Lines } from './directive.ts';

interface LocationsInput {
  readonly settings: LoadBalancerSettings;
  readonly capabilities: Capabilities;
}

/** Addresses that no client of the internet has. */
const clusterNetworks = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '::1',
  'fc00::/7',
  'unix:',
];

/**
 * One for each path that anything is said of, the longest wins. All are `^~`, so that no pattern of file names takes a path away from its route:
 * with the pattern beside them /api/x.js would be looked for among the files.
 */
export function locations(input: LocationsInput): Lines {
  const { routes, api, monitoringCache } = input.settings;
  const paths = new Set(['/', ...routes.map(({ path }) => path), api.path, monitoringCache.path]);
  const names = new Set([...paths].flatMap(withoutSlash));
  return [
    ...[...paths].toSorted().flatMap((path) => below(path, input)),
    ...[...names].toSorted().flatMap((path) => one(path, input)),
  ];
}

/**
 * nginx redirects /api where /api/ is passed on: to the port that it listens on itself, and a POST becomes a GET. It is another path, and may be another route's.
 * Of /a// both that are shorter: /a/ would lead there as well.
 */
const withoutSlash = (path: string): readonly string[] => {
  if (path === '/' || !path.endsWith('/')) return [];
  const shorter = path.slice(0, -1);
  return [shorter, ...withoutSlash(shorter)];
};

const inBlock = (head: string, lines: Lines): Lines => [`location ${head} {`, ...lines.map((line) => `  ${line}`), '}'];

function below(path: string, input: LocationsInput): Lines {
  const { what, lines, files } = location(path, input);
  const nested =
    files === undefined
      ? []
      : [
          '# Another file has another name: whoever likes may keep them.',
          ...inBlock(`~* "${fileNames(input)}"`, files),
        ];
  return [`# ${what}`, ...inBlock(`^~ ${path}`, [...lines, ...nested])];
}

/** nginx takes no pattern in there; whether this one is a file is known here. */
function one(path: string, input: LocationsInput): Lines {
  // Many workloads take it for the same as with a slash: monitoring is as little open to everybody.
  const isMonitoring = `${path}/`.startsWith(input.settings.monitoringCache.path);
  const { what, lines, files } = location(path, input, isMonitoring);
  const isFile = files !== undefined && new RegExp(fileNames(input), 'i').test(path);
  return [`# Not led to the path with a slash. ${what}`, ...inBlock(`= ${path}`, isFile ? files : lines)];
}

const fileNames = ({ settings: { staticAssets } }: LocationsInput): string =>
  `\\.(${staticAssets.extensions.join('|')})$`;

interface Location {
  /** For who reads it. */
  readonly what: string;
  readonly lines: Lines;
  /** Of static files there, instead. */
  readonly files?: Lines;
}

function location(
  path: string,
  { settings, capabilities }: LocationsInput,
  isMonitoring = path.startsWith(settings.monitoringCache.path),
): Location {
  const { routes, api, monitoringCache } = settings;
  const route = routes
    .filter((candidate) => path.startsWith(candidate.path))
    .reduce<(typeof routes)[number] | undefined>(
      (longest, next) => (longest !== undefined && longest.path.length >= next.path.length ? longest : next),
      undefined,
    );
  if (route === undefined) return { what: 'No route leads here.', lines: ['return 404;'] };
  const to = (what: string, lines: Lines): Location => ({
    what: `To component ${route.upstream}: ${what}.`,
    lines: [pass, ...(isMonitoring ? whoMayAsk(monitoringCache) : []), ...lines],
  });
  const pass = passTo(route.upstream, capabilities);
  if (route.streaming) return to('streams, each piece of which is sent on at once', streaming(capabilities));
  if (isMonitoring)
    return to(
      'monitoring, for all who do not say who they are the same answer for a while',
      monitoring(monitoringCache),
    );
  if (path.startsWith(api.path)) return to('the API', apiHeaders(api));
  const files = staticFiles(settings, capabilities, pass);
  return { ...to('pages, and static files by the ends of their names', []), ...(files === undefined ? {} : { files }) };
}

const streaming = (capabilities: Capabilities): Lines => [
  'proxy_buffering off;',
  '# A stream says nothing while nothing happens: that is no answer that does not come.',
  'proxy_read_timeout 1h;',
  'gzip off;',
  ...(capabilities.has('brotli') ? ['brotli off;'] : []),
];

/** By which one says who he is. Of any other header the workload's answer says that it counts (Vary), and nginx heeds it. */
export const identities = ['$http_authorization', '$http_cookie', '$http_x_api_key', '$http_x_auth_token'] as const;

/** A location that says any of it says all of it. */
const asSeen: Lines = [
  'proxy_set_header Connection "";',
  '# The name by which the server was chosen: a request line may have another than its Host header.',
  'proxy_set_header Host $host;',
  'proxy_set_header X-Real-IP $remote_addr;',
  'proxy_set_header X-Forwarded-Proto $scheme;',
];

/** What Pods are told of each request. */
export const requestHeaders: Lines = [...asSeen, 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;'];

/** By which workloads let themselves be told of another host, path, scheme or method than those that an answer is kept by. */
const overriding = [
  'Forwarded',
  'Front-End-Https',
  'X-Forwarded-HTTPS',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'X-Forwarded-Protocol',
  'X-Forwarded-Scheme',
  'X-Forwarded-Server',
  'X-Forwarded-Ssl',
  'X-Host',
  'X-HTTP-Method',
  'X-HTTP-Method-Override',
  'X-Method-Override',
  'X-Original-Host',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Scheme',
  'X-Url-Scheme',
] as const;

const keptRequestHeaders: Lines = [
  ...asSeen,
  '# Who asks first names no other host, path, scheme or method, nor others before him.',
  'proxy_set_header X-Forwarded-For $remote_addr;',
  'proxy_set_header X-Forwarded-Host $host;',
  ...overriding.map((name) => directive('proxy_set_header', name, '""')),
];

const whoMayAsk = ({ access }: LoadBalancerSettings['monitoringCache']): Lines =>
  access === 'Public' ? [] : [...clusterNetworks.map((network) => directive('allow', network)), 'deny all;'];

/** An answer to one who said who he is, is for him alone: it is neither kept nor given from what is kept. */
const monitoring = ({ ttlMs }: LoadBalancerSettings['monitoringCache']): Lines =>
  ttlMs === 0
    ? []
    : [
        ...keptRequestHeaders,
        'proxy_cache genops_monitoring;',
        '# No part holds a space: http and sa.com together would be https and a.com.',
        'proxy_cache_key "$scheme $host $request_uri";',
        directive('proxy_cache_valid', 200, inSeconds(ttlMs)),
        'proxy_cache_lock on;',
        'proxy_no_cache $genops_is_somebody;',
        'proxy_cache_bypass $genops_is_somebody;',
        'add_header X-Cache-Status $upstream_cache_status;',
      ];

function apiHeaders({ cacheControl }: LoadBalancerSettings['api']): Lines {
  if (cacheControl === undefined) return [];
  return cacheControl.apply === 'SafeResponses'
    ? ['add_header Cache-Control $genops_cache_control;']
    : ['proxy_hide_header Cache-Control;', 'add_header Cache-Control $genops_cache_control always;'];
}

/** One header, not `expires` and another. What a Pod answers says so only where any cache may keep it; of a file of our own `add_header` without `always` does: one that is not there is not immutable. */
function staticFiles(
  { staticAssets: { extensions, maxAgeMs, folder } }: LoadBalancerSettings,
  capabilities: Capabilities,
  pass: string,
): Lines | undefined {
  if (extensions.length === 0) return undefined;
  return folder === undefined
    ? [
        pass,
        'proxy_hide_header Cache-Control;',
        'proxy_hide_header Expires;',
        'add_header Cache-Control $genops_asset_cache_control always;',
        'add_header Expires $genops_asset_expires always;',
      ]
    : [
        directive('root', folder),
        'try_files $uri =404;',
        ...(capabilities.has('gzipStatic') ? ['gzip_static on;'] : []),
        ...(capabilities.has('brotli') ? ['brotli_static on;'] : []),
        `add_header Cache-Control "public, max-age=${Math.floor(maxAgeMs / 1_000)}, immutable";`,
      ];
}
