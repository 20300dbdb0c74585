/** What some builds of nginx can and others cannot. It is asked of the program, never told by its version: builds of one version differ. */
export const capabilityNames = [
  'brotli',
  'gzipStatic',
  'http2Directive',
  'ipv6',
  'keepaliveMinTimeout',
  'leastTime',
  'resolveUpstreams',
  'ssl',
  'stubStatus',
] as const;
export type Capability = (typeof capabilityNames)[number];
export type Capabilities = ReadonlySet<Capability>;

/** Modules that are loaded where they are there as files, and compiled in else. */
export const brotliModules = ['ngx_http_brotli_filter_module.so', 'ngx_http_brotli_static_module.so'] as const;

export interface ProbePlace {
  /** Of the agent, for what nginx writes even when it only tests. */
  readonly folder: string;
  /** Absolute paths of the brotli modules that are there. */
  readonly modules: readonly string[];
}

/** What stands in `http { }`: nginx takes it or it lacks the capability. */
const probes: Readonly<Record<Capability, string>> = {
  brotli: 'brotli on; brotli_static on;',
  gzipStatic: 'gzip_static on;',
  http2Directive: 'http2 on;',
  ipv6: 'server { listen [::]:65535; }', // it binds when it tests: a kernel without IPv6 has no such address, and a port that is taken is no matter
  keepaliveMinTimeout: 'keepalive_min_timeout 3s;',
  leastTime: 'upstream u { zone u 64k; least_time header; server 127.0.0.1:1; }',
  resolveUpstreams: 'resolver 127.0.0.1; upstream u { zone u 64k; server u.g service=http resolve; }',
  ssl: 'ssl_protocols TLSv1.2 TLSv1.3;',
  stubStatus: 'server { listen 127.0.0.1:65535; location / { stub_status; } }',
};

/** A configuration that nginx -t takes only where it has the capability. */
export function probeText(capability: Capability, { folder, modules }: ProbePlace): string {
  const loading = capability === 'brotli' ? modules.map((file) => `load_module ${file};`) : [];
  return [...loading, ...probing(folder, probes[capability])].join('\n');
}

/** One that it takes only where it takes the certificate and key of a folder. */
export const certificateText = (folder: string, pair: string): string =>
  probing(
    folder,
    `server { listen unix:${folder}/probe.sock ssl; ssl_certificate ${pair}/tls.crt; ssl_certificate_key ${pair}/tls.key; }`,
  ).join('\n');

function probing(folder: string, asked: string): readonly string[] {
  return [
    `pid ${folder}/probe.pid;`,
    'error_log stderr;',
    'events {}',
    'http {',
    'access_log off;',
    ...temporaryPaths(folder),
    asked,
    '}\n',
  ];
}

/** Every path that is compiled in (/var/lib, /run) may be unwritable. */
export const temporaryPaths = (folder: string): readonly string[] =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name}_temp;`);
