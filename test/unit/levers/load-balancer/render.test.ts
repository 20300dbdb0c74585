import { describe, expect, test } from '@jest/globals';
import type { Capability } from '../../../../operator/levers/load-balancer/capabilities.ts';
import { render, type RenderInput } from '../../../../operator/levers/load-balancer/render.ts';
import { settingsFor } from './settings.ts';

const place = { folder: '/run/genops', modules: [], dnsPort: 5300, logPort: 5301 };
const pods = {
  workflow: [
    { address: '10.0.0.1', port: 8080 },
    { address: 'fd00::1', port: 8080, weight: 3 },
  ],
};
const input = (given: Partial<RenderInput> = {}, ...can: readonly Capability[]): RenderInput => ({
  settings: settingsFor(),
  servers: pods,
  capabilities: new Set(can),
  place,
  certificate: undefined,
  ...given,
});
const lines = (...given: Parameters<typeof input>): readonly string[] =>
  render(input(...given))
    .text.split('\n')
    .map((line) => line.trim());

/** The lines of the block that begins with this line. */
function block(all: readonly string[], begin: string): readonly string[] {
  const start = all.indexOf(begin);
  if (start < 0) throw new Error(`no ${begin} in\n${all.join('\n')}`);
  let depth = 0;
  const end = all.findIndex((line, index) => {
    if (index < start) return false;
    depth += line.endsWith('{') ? 1 : line === '}' ? -1 : 0;
    return depth === 0;
  });
  return all.slice(start + 1, end);
}

describe('render()', () => {
  test('gives equal bytes for equal input, and tells another certificate, Pod or figure apart', () => {
    const one = render(input());
    expect(render(input())).toEqual(one);
    expect(one.text).toContain(`return 200 "${one.generation} $pid`);
    const secured = settingsFor({}, { tlsSecretRef: { name: 'tls' } });
    const served = (certificate: string) => render(input({ settings: secured, certificate }, 'ssl')).generation;
    expect(served('/tls/a')).not.toBe(served('/tls/b'));
    for (const other of [
      { servers: { workflow: pods.workflow.slice(1) } },
      { settings: settingsFor({ gzip: { level: 7 } }) },
    ])
      expect(render(input(other)).generation).not.toBe(one.generation);
  });

  test('balances over the Pods that are ready, by the method that the build has', () => {
    const leastTime = settingsFor({ upstream: { method: 'LeastTime', keepalive: 0 } });
    expect(block(lines(), 'upstream workflow {')).toEqual([
      'zone workflow 2m;',
      'least_conn;',
      'server 10.0.0.1:8080 max_fails=2 fail_timeout=30s;',
      'server [fd00::1]:8080 weight=3 max_fails=2 fail_timeout=30s;',
      'keepalive 32;',
      'keepalive_requests 1000;',
      'keepalive_timeout 60s;',
    ]);
    const without = { settings: leastTime, servers: {} };
    expect(block(lines(without), 'upstream workflow {')).toEqual([
      'zone workflow 2m;',
      'least_conn;',
      'server 127.0.0.1:1 down; # no Pod is ready: 502',
    ]);
    expect(block(lines(without, 'leastTime'), 'upstream workflow {')).toContain('least_time header;');
  });

  test('has the same text whichever Pods there are where nginx is told of them while it runs', () => {
    const served = (...addresses: readonly string[]) =>
      lines({ servers: { workflow: addresses.map((address) => ({ address, port: 80 })) } }, 'resolveUpstreams');
    const one = served('10.0.0.1');
    expect(one).toEqual(
      expect.arrayContaining([
        'resolver 127.0.0.1:5300 valid=1s ipv6=off;',
        'server workflow.g service=http resolve max_fails=2 fail_timeout=30s;',
      ]),
    );
    expect(served()).toEqual(one);
    expect(served('10.0.0.2', '10.0.0.3')).toEqual(one);
    expect(served('fd00::1')).toContain('server [fd00::1]:80 max_fails=2 fail_timeout=30s;');
  });

  test('says HTTP/2 in the words of the build, and nothing of HTTPS without a certificate', () => {
    const settings = settingsFor({}, { tlsSecretRef: { name: 'tls' } });
    const secured = { settings, certificate: '/run/genops/tls/a' };
    expect(lines(secured, 'ssl')).toContain('listen 8443 ssl http2 default_server;');
    expect(lines(secured, 'ssl', 'http2Directive')).toEqual(
      expect.arrayContaining([
        'listen 8443 ssl default_server;',
        'http2 on;',
        'ssl_certificate /run/genops/tls/a/tls.crt;',
      ]),
    );
    expect(render(input({ settings }, 'ssl')).text).not.toContain('8443');
  });

  test('listens on IPv6 too where the kernel has it', () => {
    const listens = lines({}, 'ipv6').filter((line) => line.startsWith('listen'));
    expect(listens.slice(0, 2)).toEqual(['listen 8080 default_server;', 'listen [::]:8080 default_server;']);
    expect(render(input()).text).not.toContain('[::]');
  });

  test('leads from HTTP to HTTPS once there is a certificate, but for names that are not served', () => {
    const tlsSecretRef = { name: 'tls' };
    const settings = settingsFor({}, { tlsSecretRef, serverNames: ['api.example.com'] });
    const leads = 'return 308 https://$host$request_uri;';
    const servers = (all: readonly string[]) =>
      all.flatMap((line, index) => (line === 'server {' ? [block(all.slice(index), 'server {')] : []));
    const [others = [], plain = [], secure = []] = servers(lines({ settings, certificate: 'a' }, 'ssl'));
    expect(others).toEqual(expect.arrayContaining(['listen 8080 default_server;', 'server_name "";', 'return 404;']));
    expect(plain).toEqual(['listen 8080;', 'server_name api.example.com;', leads]);
    expect(secure).toContain('listen 8443 ssl http2;');
    expect(secure).not.toContain('listen 8080;');
    const served = settingsFor({}, { tlsSecretRef, plainHTTP: 'Serve' });
    for (const without of [{ settings }, { settings: served, certificate: 'a' }])
      expect(lines(without, 'ssl')).not.toContain(leads);
  });

  test('gives each path one location with what is said of it, the longest route wins', () => {
    const routes = [
      { path: '/', component: 'workflow', streaming: 'Off' },
      { path: '/api/events/', component: 'workflow', streaming: 'On' },
    ] as const;
    const all = lines({ settings: settingsFor({}, { routes: [...routes] }) });
    expect(all.filter((line) => line.startsWith('location'))).toEqual([
      'location @genops_closing {',
      'location ^~ / {',
      String.raw`location ~* "\.(css|gif|ico|jpeg|jpg|js|png|svg)$" {`,
      'location ^~ /api/ {',
      'location ^~ /api/events/ {',
      'location ^~ /api/monitoring/ {',
      'location = /api {',
      'location = /api/events {',
      'location = /api/monitoring {',
      'location = /generation {',
    ]);
    expect(block(all, 'location = /api {')).toEqual(['proxy_pass http://workflow$request_uri;']);
    expect(block(all, 'location = /api/events {')).toEqual(block(all, 'location ^~ /api/ {'));
    expect(block(all, 'location = /api/monitoring {')).toEqual(block(all, 'location ^~ /api/monitoring/ {'));
    expect(block(all, 'location ^~ /api/events/ {')).toEqual([
      'proxy_pass http://workflow$request_uri;',
      'proxy_buffering off;',
      '# A stream says nothing while nothing happens: that is no answer that does not come.',
      'proxy_read_timeout 1h;',
      'gzip off;',
    ]);
    const streamed = lines({ settings: settingsFor({}, { routes: [...routes] }) }, 'brotli');
    expect(block(streamed, 'location ^~ /api/events/ {')).toContain('brotli off;');
    expect(block(all, 'location ^~ /api/monitoring/ {')).toEqual(
      expect.arrayContaining([
        'deny all;',
        'proxy_cache_key "$scheme $host $request_uri";',
        'proxy_no_cache $genops_is_somebody;',
        'proxy_cache_bypass $genops_is_somebody;',
      ]),
    );
    const somebody = 'map "$http_authorization$http_cookie$http_x_api_key$http_x_auth_token" $genops_is_somebody {';
    expect(block(lines(), somebody)).toEqual(['default 1;', '"" 0;']);
  });

  test('opens what is below the path of monitoring to the cluster alone, streams too', () => {
    const routes = [
      { path: '/', component: 'workflow', streaming: 'On' },
      { path: '/api/monitoring/events/', component: 'workflow', streaming: 'On' },
    ] as const;
    const opened = (access: 'Cluster' | 'Public') => {
      const all = lines({ settings: settingsFor({ monitoringCache: { access } }, { routes: [...routes] }) });
      const heads = all.filter((line) => line.startsWith('location') && !line.includes('genops'));
      return heads.filter((head) => !block(all, head).includes('deny all;'));
    };
    const closed = [
      'location ^~ /api/monitoring/ {',
      'location ^~ /api/monitoring/events/ {',
      'location = /api/monitoring {',
      'location = /api/monitoring/events {',
    ];
    expect(opened('Public')).toEqual(expect.arrayContaining(closed));
    expect(opened('Public').filter((head) => !closed.includes(head))).toEqual(opened('Cluster'));
  });

  test('takes a path without its slash for what it is: a file, two slashes less, or beside a route of that name', () => {
    const routes = ['/', '/a.js/', '/b//', '/metrics', '/metrics/'].map((path) => ({ path, component: 'workflow', streaming: 'Off' as const })); // prettier-ignore
    const given = settingsFor({ monitoringCache: { pathPrefix: '/metrics/' } }, { routes });
    const all = lines({ settings: given });
    const file = block(all, all.find((line) => line.startsWith('location ~*')) ?? '');
    expect(block(all, 'location = /a.js {')).toEqual(file);
    const pass = ['proxy_pass http://workflow$request_uri;'];
    expect([block(all, 'location = /b/ {'), block(all, 'location = /b {')]).toEqual([pass, pass]);
    expect(block(all, 'location = /metrics {')).toContain('deny all;');
    expect(block(all, 'location ^~ /metrics {')).not.toContain('deny all;');
  });

  test('ends kept connections before a reload where nginx would cut them off, and leaves it to nginx where it waits by itself', () => {
    expect(block(lines(), 'if (-f /run/genops/closing) {')).toEqual(['return 418;']);
    expect(lines()).toContain('error_page 418 = @genops_closing;');
    expect(block(lines(), 'location @genops_closing {')).toContain('keepalive_timeout 0;');
    const { text } = render(input({}, 'keepaliveMinTimeout'));
    expect(text).not.toMatch(/closing|418|proxy_pass .*request_uri/);
    expect(text).toContain('proxy_pass http://workflow;');
  });

  test('says before each block what it is for', () => {
    const named = settingsFor({}, { tlsSecretRef: { name: 'tls' }, serverNames: ['api.example.com'] });
    for (const able of [['ssl'], ['ssl', 'resolveUpstreams', 'stubStatus']] as const) {
      const all = lines({ settings: named, certificate: 'a' }, ...able);
      const unexplained = all.filter(
        (line, at) =>
          /^(types|map|upstream|server|location|if) .*\{$|^server \{$/.test(line) && !all[at - 1]?.startsWith('#'),
      );
      expect(unexplained).toEqual([]);
    }
  });

  test('answers 404 where no route leads, and to names that are not served', () => {
    const routes = [{ path: '/api/', component: 'workflow', streaming: 'Off' as const }];
    const all = lines({ settings: settingsFor({}, { routes, serverNames: ['api.example.com'] }) });
    expect(block(all, 'location ^~ / {')).toEqual(['return 404;']);
    expect(all.slice(all.indexOf('server_name "";'))[1]).toBe('return 404;');
    expect(all).toContain('server_name api.example.com;');
  });

  test.each([
    { connectTimeout: '5s', limit: '15s' },
    { connectTimeout: '1s', limit: '5s' },
    { connectTimeout: '2500ms', limit: '7500ms' },
  ])('has time for a second and a third Pod where connections take $connectTimeout', ({ connectTimeout, limit }) => {
    expect(lines({ settings: settingsFor({ api: { connectTimeout } }) })).toEqual(
      expect.arrayContaining(['proxy_next_upstream_tries 3;', `proxy_next_upstream_timeout ${limit};`]),
    );
  });

  test('keeps the buffers that nginx would refuse: a large head takes more of them', () => {
    const buffers = { proxyBufferSize: '64Ki', proxyBuffers: { count: 1, size: '4Ki' } };
    expect(lines({ settings: settingsFor({ buffers }) })).toEqual(
      expect.arrayContaining(['proxy_buffers 17 4k;', 'proxy_busy_buffers_size 64k;']),
    );
  });

  test('leaves out a media type for which nginx has no room: with it it would refuse them all', () => {
    const [fits, tooLong] = [`a/${'b'.repeat(44)}`, `a/${'b'.repeat(45)}`];
    expect(lines({ settings: settingsFor({ gzip: { types: [fits, tooLong] } }) })).toContain(`gzip_types ${fits};`);
  });

  test.each([
    { types: ['application/javascript'], rendered: 'application/javascript text/javascript' },
    { types: ['text/javascript', 'text/css'], rendered: 'text/css text/javascript application/javascript' },
    { types: ['application/javascript', 'text/javascript'], rendered: 'application/javascript text/javascript' },
    { types: ['text/css'], rendered: 'text/css' },
  ])('compresses JavaScript by both of its names where one is listed: $types', ({ types, rendered }) => {
    expect(lines({ settings: settingsFor({ gzip: { types } }) }, 'brotli')).toEqual(
      expect.arrayContaining([`gzip_types ${rendered};`, `brotli_types ${rendered};`]),
    );
  });

  test.each([
    { apply: 'SafeResponses', header: 'add_header Cache-Control $genops_cache_control;' },
    { apply: 'Always', header: 'add_header Cache-Control $genops_cache_control always;' },
    { apply: 'Off', header: undefined },
  ] as const)('lets caches keep API answers: $apply', ({ apply, header }) => {
    const api = block(lines({ settings: settingsFor({ api: { cacheControl: { apply } } }) }), 'location ^~ /api/ {');
    expect(api.find((line) => line.startsWith('add_header'))).toBe(header);
  });

  test('tells Pods where answers are kept all that it tells them elsewhere, and no name that the client made up', () => {
    const told = (all: readonly string[]) => all.filter((line) => line.startsWith('proxy_set_header'));
    const kept = told(block(lines(), 'location ^~ /api/monitoring/ {'));
    const elsewhere = told(
      lines().slice(
        0,
        lines().findIndex((line) => line.startsWith('upstream ')),
      ),
    );
    expect(elsewhere).toHaveLength(5);
    const chain = 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;';
    expect(elsewhere.filter((line) => !kept.includes(line))).toEqual([chain]);
    expect(kept).toEqual(
      expect.arrayContaining([
        'proxy_set_header Host $host;',
        'proxy_set_header X-Forwarded-For $remote_addr;',
        'proxy_set_header X-Forwarded-Host $host;',
      ]),
    );
    const through = lines({ settings: settingsFor({ monitoringCache: { ttl: '0s' } }) });
    expect(told(block(through, 'location ^~ /api/monitoring/ {'))).toEqual([]);
  });

  test('calls a static file immutable by what its Pod answers, and by nothing where nginx serves it itself', () => {
    const location = String.raw`location ~* "\.(css|gif|ico|jpeg|jpg|js|png|svg)$" {`;
    expect(block(lines(), location)).toEqual([
      'proxy_pass http://workflow$request_uri;',
      'proxy_hide_header Cache-Control;',
      'proxy_hide_header Expires;',
      'add_header Cache-Control $genops_asset_cache_control always;',
      'add_header Expires $genops_asset_expires always;',
    ]);
    const [, may = ''] = block(lines(), lines().find((line) => line.endsWith('$genops_is_asset {')) ?? '');
    expect(may).toBe('"~*^1:0:(200|206|304)::(?!.*(private|no-store))[^:]*$" 1;');
    const own = lines({ settings: settingsFor({}, { staticFiles: { path: '/var/www' } }) });
    expect(block(own, location)).toEqual([
      'root /var/www;',
      'try_files $uri =404;',
      'add_header Cache-Control "public, max-age=31536000, immutable";',
    ]);
    expect(own.join()).not.toContain('genops_asset');
    const neither = settingsFor({
      api: { cacheControl: { apply: 'Off' } },
      staticAssets: { extensions: [] },
      monitoringCache: { ttl: '0s' },
    });
    expect(lines({ settings: neither }).join()).not.toContain('genops_is');
  });
});
