import { createHash } from 'node:crypto';
import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import { temporaryPaths, type Capabilities } from './capabilities.ts';
import { closing } from './closing.ts';
import { directive, inBytes, inSeconds, inTime, type Lines } from './directive.ts';
import { requestLogFormat, requestLogTag } from './request-log.ts';
import { identities, locations, requestHeaders } from './locations.ts';
import { upstreams, type ServersByUpstream } from './upstreams.ts';

/** What is the same for every configuration of one agent. */
export interface Place {
  /** Absolute; for the pid, temporary files, the cache and the socket by which a generation tells that it is loaded. */
  readonly folder: string;
  /** Absolute paths of modules to load. */
  readonly modules: readonly string[];
  /** Of the DNS server on loopback that tells where Pods are. */
  readonly dnsPort: number;
  /** On loopback, where it is told of each request that was passed on. */
  readonly logPort: number;
  /** Of worker processes, where the master is root. */
  readonly user?: string;
}

export interface RenderInput {
  readonly settings: LoadBalancerSettings;
  readonly servers: ServersByUpstream;
  readonly capabilities: Capabilities;
  readonly place: Place;
  /** Folder with tls.crt and tls.key, of each pair another one. Undefined: there is none, and nothing listens for HTTPS. */
  readonly certificate: string | undefined;
}

export interface Rendered {
  readonly text: string;
  /** 12 hexadecimal digits of all that it says: what the loaded configuration answers on the socket. */
  readonly generation: string;
}

export const generationSocket = (folder: string): string => `${folder}/generation.sock`;

/** The whole nginx.conf. Equal input gives equal bytes. Settings hold no character that means anything to nginx, so whatever is valid there is valid here. */
export function render(input: RenderInput): Rendered {
  const { settings, capabilities, place } = input;
  const before = [...main(input), 'http {', ...http(input).map(indented)].join('\n');
  const generation = createHash('sha256').update(before).digest('hex').slice(0, 12);
  const answering = generationServer(place, capabilities, generation).map(indented).join('\n');
  const title = `# Rendered by genops nginx-agent from settings ${settings.hash}: what is changed here is written over.`;
  return { text: `${title}\n${before}\n${answering}\n}\n`, generation };
}

const indented = (line: string): string => (line === '' ? line : `  ${line}`);

function main({ settings: { proxy }, place: { folder, modules, user } }: RenderInput): Lines {
  return [
    ...modules.map((file) => directive('load_module', file)),
    ...(user === undefined ? [] : [directive('user', user)]),
    '# nginx is a child of the agent, which tells it of another configuration.',
    'worker_processes auto;',
    'worker_rlimit_nofile 16384;',
    'daemon off;',
    directive('pid', `${folder}/nginx.pid`),
    'error_log stderr notice;',
    '# After a reload the old workers end their requests; what takes longer than any answer may is cut off.',
    directive('worker_shutdown_timeout', inSeconds(Math.max(30_000, proxy.readTimeoutMs))),
    'events {',
    '  worker_connections 4096;',
    '}',
  ];
}

function http(input: RenderInput): Lines {
  return [
    ...temporaryPaths(input.place.folder),
    directive('log_format', 'genops', `'${requestLogFormat}'`),
    '# To the agent, of requests that were passed on: it weighs Pods by them.',
    directive(
      'access_log',
      `syslog:server=127.0.0.1:${input.place.logPort},nohostname,tag=${requestLogTag}`,
      'genops',
      'if=$proxy_host',
    ),
    'server_tokens off;',
    'sendfile on;',
    'tcp_nopush on;',
    'default_type application/octet-stream;',
    ...mediaTypes,
    ...clients(input),
    ...compression(input),
    ...proxying(input),
    ...caching(input),
    ...upstreams(input),
    ...servers(input),
  ];
}

/** Only for files that nginx serves itself. */
const mediaTypes: Lines = [
  '# Of files that nginx serves itself; the workload says its own.',
  'types {',
  '  text/html html;',
  '  text/css css;',
  '  text/plain txt;',
  '  text/javascript js mjs;',
  '  application/json json map;',
  '  application/wasm wasm;',
  '  image/png png;',
  '  image/jpeg jpg jpeg;',
  '  image/gif gif;',
  '  image/webp webp;',
  '  image/x-icon ico;',
  '  image/svg+xml svg;',
  '  font/woff2 woff2;',
  '}',
];

function clients({ settings: { client }, capabilities }: RenderInput): Lines {
  const { largeHeaderBuffers } = client;
  return [
    '# Clients: how long their connections are kept, and how large requests may be.',
    directive('keepalive_timeout', inTime(client.keepaliveTimeoutMs)),
    directive('keepalive_requests', client.keepaliveRequests),
    // A reload closes idle connections at once: of 159 clients that were reset by 50 reloads this leaves 5.
    ...(capabilities.has('keepaliveMinTimeout') ? ['keepalive_min_timeout 3s;'] : []),
    directive('large_client_header_buffers', largeHeaderBuffers.count, inBytes(largeHeaderBuffers.sizeBytes)),
    directive('client_body_buffer_size', inBytes(client.bodyBufferBytes)),
    directive('client_max_body_size', inBytes(client.maxBodyBytes)),
    'server_names_hash_bucket_size 512;',
  ];
}

const longestMediaType = 46;

/** Two names of one type (RFC 9239): workloads say either, and nginx the second one of its own files. */
const javaScript = ['application/javascript', 'text/javascript'] as const;

/** text/html always is compressed, and nginx warns of what stands twice. A longer one does not fit into its table, and it refuses them all. */
function compressedTypes(declared: readonly string[]): readonly string[] {
  const names = javaScript.some((name) => declared.includes(name)) ? [...declared, ...javaScript] : declared;
  return [...new Set(names)].filter((type) => type !== 'text/html' && type.length <= longestMediaType);
}

function compression({ settings: { gzip }, capabilities }: RenderInput): Lines {
  const vary = ['# What is compressed on the way, of whatever Pod it comes.', 'gzip_vary on;']; // also for files that lie there compressed
  if (gzip === undefined) return vary;
  const types = compressedTypes(gzip.types);
  const listed = (name: string): Lines => (types.length === 0 ? [] : [directive(name, ...types)]);
  const brotli = [
    'brotli on;',
    directive('brotli_min_length', gzip.minLengthBytes),
    directive('brotli_comp_level', Math.min(gzip.level, 6)), // beyond, it takes as long as the answer itself
    ...listed('brotli_types'),
  ];
  return [
    ...vary,
    'gzip on;',
    'gzip_proxied any;',
    directive('gzip_min_length', gzip.minLengthBytes),
    directive('gzip_comp_level', gzip.level),
    ...listed('gzip_types'),
    ...(capabilities.has('brotli') ? brotli : []),
  ];
}

/** Pods that are asked for one request: two may have gone at once, and nginx not know yet. */
const tries = 3;

function proxying({ settings: { proxy, upstream } }: RenderInput): Lines {
  const { headBufferBytes, buffers } = proxy;
  const largest = Math.max(headBufferBytes, buffers.sizeBytes);
  // nginx refuses buffers of which the busy ones (at least one, and the head's) would be all: then there are as many as it takes.
  const count = Math.max(buffers.count, 2, Math.ceil(largest / buffers.sizeBytes) + 1);
  const busy = Math.max(largest, Math.min(2 * largest, (count - 1) * buffers.sizeBytes));
  return [
    '# To Pods: over connections that are kept, with who asked, and how long each step may take.',
    'proxy_http_version 1.1;',
    ...requestHeaders,
    "# No answer leads to another path, which may be another component's, and none is kept against its own Cache-Control.",
    directive('proxy_ignore_headers', 'X-Accel-Redirect', 'X-Accel-Expires'),
    directive('proxy_buffer_size', inBytes(headBufferBytes)),
    directive('proxy_buffers', count, inBytes(buffers.sizeBytes)),
    directive('proxy_busy_buffers_size', inBytes(busy)),
    directive('proxy_temp_file_write_size', inBytes(busy)),
    directive('proxy_connect_timeout', inTime(proxy.connectTimeoutMs)),
    directive('proxy_send_timeout', inTime(proxy.sendTimeoutMs)),
    directive('proxy_read_timeout', inTime(proxy.readTimeoutMs)),
    '# A request that could not be sent to one Pod goes to another, and then to a third.',
    directive('proxy_next_upstream', 'error', 'timeout', ...(upstream.retryNonIdempotent ? ['non_idempotent'] : [])),
    directive('proxy_next_upstream_tries', tries),
    // From when on no other is asked: with less than the tries take, one that nobody answers would be the last.
    directive('proxy_next_upstream_timeout', inTime(Math.max(5_000, tries * proxy.connectTimeoutMs))),
  ];
}

function caching(input: RenderInput): Lines {
  const { api, staticAssets } = input.settings;
  const said = '$genops_is_read:$genops_is_somebody:$status:$upstream_http_set_cookie:$upstream_http_cache_control';
  const ofApi = api.cacheControl === undefined ? [] : apiCacheControl(said, api.cacheControl);
  const ofAssets =
    staticAssets.folder === undefined && staticAssets.extensions.length > 0
      ? assetCacheControl(said, staticAssets.maxAgeMs)
      : [];
  const isRead = [
    '# Whether a request only reads.',
    'map $request_method $genops_is_read {',
    '  default 0;',
    '  GET 1;',
    '  HEAD 1;',
    '}',
  ];
  const judges = ofAssets.length > 0 || (ofApi.length > 0 && api.cacheControl?.apply !== 'Always');
  const isKept = input.settings.monitoringCache.ttlMs > 0;
  const whoAsks = [...(judges ? isRead : []), ...(judges || isKept ? isSomebody : [])];
  return [...monitoringCachePath(input), ...whoAsks, ...ofApi, ...ofAssets];
}

/** A map of its own: whatever a client writes is one digit to those who ask, and `0` is a name as well. */
const isSomebody: Lines = [
  '# Whether who asks says who he is.',
  `map "${identities.join('')}" $genops_is_somebody {`,
  '  default 1;',
  '  "" 0;',
  '}',
];

const monitoringCachePath = ({ settings: { monitoringCache }, place: { folder } }: RenderInput): Lines =>
  monitoringCache.ttlMs === 0
    ? []
    : [
        '# A zone whose parameters change cannot be reloaded, so these never do.',
        directive(
          'proxy_cache_path',
          `${folder}/monitoring_cache`,
          'levels=1:2',
          'keys_zone=genops_monitoring:1m',
          'max_size=64m',
          'inactive=1h',
          'use_temp_path=off',
        ),
      ];

function apiCacheControl(
  said: string,
  { apply, maxAgeMs }: NonNullable<RenderInput['settings']['api']['cacheControl']>,
): Lines {
  const value = `"public, max-age=${Math.floor(maxAgeMs / 1_000)}"`;
  return apply === 'Always'
    ? [
        '# What API answers say of that: but of an error, what the workload says.',
        'map $status $genops_cache_control {',
        `  default ${value};`,
        '  "~^[45]" $upstream_http_cache_control;',
        '}',
      ]
    : [
        '# Only what any cache may keep: read, answered well, asked for without a name, and not spoken of by the workload.',
        `map "${said}" $genops_cache_control {`,
        '  default "";',
        `  "~^1:0:2[0-9][0-9]::$" ${value};`,
        '}',
      ];
}

/** What the workload says of a file is written over where any cache may keep it: servers of files say `max-age=0` unasked. Elsewhere it is passed on. */
const assetCacheControl = (said: string, maxAgeMs: number): Lines => [
  '# The same of static files: a redirect, an answer to one who has said who he is, and what the workload keeps from caches are none.',
  `map "${said}" $genops_is_asset {`,
  '  default 0;',
  '  "~*^1:0:(200|206|304)::(?!.*(private|no-store))[^:]*$" 1;',
  '}',
  '# What the answer says then; else what the workload has said.',
  'map $genops_is_asset $genops_asset_cache_control {',
  '  default $upstream_http_cache_control;',
  `  1 "public, max-age=${Math.floor(maxAgeMs / 1_000)}, immutable";`,
  '}',
  '# Beside it this would be of another mind.',
  'map $genops_is_asset $genops_asset_expires {',
  '  default $upstream_http_expires;',
  '  1 "";',
  '}',
];

/** One for what is served; with names, one for all others; and one that leads from HTTP to HTTPS where that is asked for. */
function servers(input: RenderInput): Lines {
  const { settings, capabilities, place } = input;
  const isNamed = settings.serverNames.length > 0;
  const role = isNamed ? [] : ['default_server'];
  const names = directive('server_name', ...(isNamed ? settings.serverNames : ['_']));
  const [plain, secure] = [plainListens(input, role), secureListens(input, role)];
  const leads = settings.listen.redirect === true && secure.length > 0;
  return [
    ...(isNamed
      ? server('Names that nobody has declared.', [
          ...plainListens(input, ['default_server']),
          ...secureListens(input, ['default_server']),
          'server_name "";',
          'return 404;',
        ])
      : []),
    ...(leads ? server('HTTP leads to HTTPS.', [...plain, names, 'return 308 https://$host$request_uri;']) : []),
    ...server('What is served: the longest path wins.', [
      ...(leads ? [] : plain),
      ...secure,
      names,
      ...closing(place.folder, capabilities),
      ...locations(input),
    ]),
  ];
}

const server = (what: string, lines: Lines): Lines => [`# ${what}`, 'server {', ...lines.map(indented), '}'];

const plainListens = ({ settings: { listen }, capabilities }: RenderInput, words: readonly string[]): Lines =>
  addresses(listen.http, capabilities).map((address) => directive('listen', address, ...words));

/** IPv6 has a socket of its own: one for both is a matter of the kernel's settings. */
const addresses = (port: number, capabilities: Capabilities): readonly (string | number)[] =>
  capabilities.has('ipv6') ? [port, `[::]:${port}`] : [port];

/** Of TLS 1.2: with forward secrecy and authenticated encryption only, as Mozilla's "intermediate". Those of 1.3 all are. */
const ciphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
] as const;

/** None where there is no certificate. */
function secureListens(
  { settings: { listen }, capabilities, certificate }: RenderInput,
  words: readonly string[],
): Lines {
  if (listen.https === undefined || certificate === undefined || !capabilities.has('ssl')) return [];
  const http2 = capabilities.has('http2Directive');
  return [
    ...addresses(listen.https, capabilities).map((address) =>
      directive('listen', address, 'ssl', ...(http2 ? [] : ['http2']), ...words),
    ),
    ...(http2 ? ['http2 on;'] : []),
    directive('ssl_certificate', `${certificate}/tls.crt`),
    directive('ssl_certificate_key', `${certificate}/tls.key`),
    'ssl_protocols TLSv1.2 TLSv1.3;',
    directive('ssl_ciphers', ciphers.join(':')),
    'ssl_session_cache shared:genops_tls:4m;',
    'ssl_session_tickets off;',
  ];
}

/** Asked on new connections, it tells which generation accepts them; and how many connections there are, where the build counts them. */
const generationServer = ({ folder }: Place, capabilities: Capabilities, generation: string): Lines => [
  '# The agent asks here which generation new connections get.',
  'server {',
  `  listen unix:${generationSocket(folder)};`,
  '  # The hash of all that stands above, who answers, and what it is.',
  '  location = /generation {',
  '    default_type text/plain;',
  `    return 200 "${generation} $pid $nginx_version\\n";`,
  '  }',
  ...(capabilities.has('stubStatus')
    ? ['  # How many connections there are.', '  location = /connections {', '    stub_status;', '  }']
    : []),
  '}',
];
