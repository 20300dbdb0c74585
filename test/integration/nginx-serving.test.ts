import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { nginxVersions } from '../../hack/servers/nginx.ts';
import { closingFile } from '../../operator/levers/load-balancer/closing.ts';
import { openDnsServer, type DnsServer } from '../../operator/levers/load-balancer/dns-server.ts';
import { openNginx, type NginxProcess } from '../../operator/levers/load-balancer/nginx-process.ts';
import { probeNginx, type NginxProgram } from '../../operator/levers/load-balancer/nginx-program.ts';
import { render } from '../../operator/levers/load-balancer/render.ts';
import { workersOf } from '../../operator/levers/load-balancer/workers.ts';
import { settingsFor } from '../unit/levers/load-balancer/settings.ts';
import { ask, askSecurely, backend, nginxFolder, silent, silentPod } from './nginx-world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

/** What a client of a configuration that the agent renders is answered with. */
describe.each(nginxVersions)('nginx %s', (version) => {
  const stack = new AsyncDisposableStack();
  let home: Awaited<ReturnType<typeof nginxFolder>>;
  let program: NginxProgram;
  let dns: DnsServer;
  let nginx: NginxProcess;
  let pod: Awaited<ReturnType<typeof backend>>;
  let port: number;

  /** Other ports than those of before it has at once only by a reload. */
  const byReload = { weights: { delivery: 'Reload' } } as const;
  const attempt = async (
    [policy, more]: Parameters<typeof settingsFor> = [],
    ports: readonly number[] = [pod.port],
    certificate?: string,
  ) => {
    const settings = settingsFor(policy, { ports: { http: port, https: port + 1 }, ...more });
    const servers = { workflow: ports.map((one) => ({ address: '127.0.0.1', port: one })) };
    dns.announce(servers);
    const { modules, capabilities } = program;
    const { folder } = home;
    const place = { folder, modules, dnsPort: dns.port, logPort: 1, user: 'nobody nogroup' };
    const rendered = render({ settings, servers, capabilities, place, certificate });
    return nginx.load(rendered, soon());
  };
  const load = async (...given: Parameters<typeof attempt>): Promise<void> =>
    expect(await attempt(...given)).toEqual({ result: 'loaded' });

  beforeAll(async () => {
    home = stack.use(await nginxFolder(version));
    program = await probeNginx({ ...home, modulesFolder: home.moduleFolder }, soon());
    pod = stack.use(
      await backend(
        (incoming, response) =>
          void text(incoming).then((body) => response.end(`${incoming.method} ${incoming.url}${body}`)),
      ),
    );
    dns = stack.use(await openDnsServer(silent));
    nginx = stack.use(openNginx({ ...home, drainMs: 5_000, closingMs: 0, logger: silent }));
    port = await freePort();
  });
  afterAll(async () => stack.disposeAsync());

  test('tells clients before a reload that their connections end, where it would cut them off, and answers them as ever', async () => {
    await load();
    let kept = new Agent({ keepAlive: true });
    const paths = ['/api/a%2Fb//c?d=%20e', '/x%0Ay', '/app.css', '/api/monitoring/closing', '/api'];
    const answers = () =>
      Promise.all(
        paths.flatMap((path) => [
          ask(port, path, { agent: kept }),
          ask(port, path, { method: 'POST', agent: kept, body: ' with a body' }),
        ]),
      );
    type Answers = Awaited<ReturnType<typeof answers>>;
    const content = (all: Answers) =>
      all.map(({ status, body, headers }) => ({ status, body, cacheControl: headers['cache-control'] }));
    const connections = (all: Answers) => [...new Set(all.map(({ headers }) => headers.connection))];
    const before = await answers();
    expect(connections(before)).toEqual(['keep-alive']);
    expect(before.map(({ body }) => body)).toEqual(
      paths.flatMap((path) => [`GET ${path}`, `POST ${path} with a body`]),
    );
    await writeFile(closingFile(home.folder), '');
    const told = await answers();
    expect(connections(told)).toEqual([program.capabilities.has('keepaliveMinTimeout') ? 'keep-alive' : 'close']);
    expect(content(told)).toEqual(content(before));
    await load([{ gzip: { level: 2 } }]);
    kept.destroy();
    kept = new Agent({ keepAlive: true }); // workers that end and wait by themselves say `close` on what they have
    expect(connections(await answers())).toEqual(['keep-alive']);
    kept.destroy();
  });

  test('serves static files itself where they are, compressed ones where it can, and asks no Pod for them', async () => {
    const path = join(home.folder, 'files');
    await mkdir(path);
    const content = '.a { color: black }'.repeat(100);
    await writeFile(join(path, 'app.css'), content);
    await writeFile(join(path, 'app.css.gz'), gzipSync(content));
    await mkdir(join(path, 'folder.css'));
    await load([{ gzip: { mode: 'Off' } }, { staticFiles: { path } }]);
    const headers = { 'cache-control': 'public, max-age=31536000, immutable', 'content-type': 'text/css' };
    expect(await ask(port, '/app.css')).toMatchObject({ status: 200, headers, body: content });
    const squeezed = await ask(port, '/app.css', { headers: { 'accept-encoding': 'gzip' } });
    expect(squeezed).toMatchObject({ status: 200, headers });
    expect(squeezed.headers['content-encoding']).toBe(program.capabilities.has('gzipStatic') ? 'gzip' : undefined);
    const missing = await ask(port, '/gone.css');
    expect(missing.status).toBe(404);
    expect(missing.headers['cache-control']).toBeUndefined();
    expect((await ask(port, '/folder.css')).status).toBe(404);
    expect((await ask(port, '/app.css/more')).body).toBe('GET /app.css/more');
    expect((await ask(port, '/api/app.css')).body).toBe('GET /api/app.css');
  });

  test('compresses JavaScript by either of its names, that of its own files too', async () => {
    const path = join(home.folder, 'scripts');
    await mkdir(path);
    const content = 'const a = 1; '.repeat(200);
    await writeFile(join(path, 'app.js'), content);
    await using workload = await backend(({ url }, response) => {
      response.setHeader(
        'content-type',
        url === '/api/new' ? 'text/javascript; charset=utf-8' : 'application/javascript',
      );
      response.end(content);
    });
    await load([byReload, { staticFiles: { path } }], [workload.port]);
    const encodings = (asked: string) =>
      Promise.all(
        ['gzip', 'br'].map(
          async (one) => (await ask(port, asked, { headers: { 'accept-encoding': one } })).headers['content-encoding'],
        ),
      );
    const both = ['gzip', program.capabilities.has('brotli') ? 'br' : undefined];
    for (const asked of ['/app.js', '/api/new', '/api/old'])
      expect([asked, await encodings(asked)]).toEqual([asked, both]);
    expect((await ask(port, '/app.js')).headers['content-type']).toBe('text/javascript');
  });

  test('passes a path on that lacks the slash of a route, as the one that it is, and redirects nobody', async () => {
    const routes = ['/', '/canary/', '/b//', '/file.css/'].map((path) => ({ path, component: 'workflow', streaming: 'Off' as const })); // prettier-ignore
    await load([byReload, { routes }]);
    const paths = [
      '/canary',
      '/canary/',
      '/canary?a=%20b',
      '/api',
      '/api/monitoring',
      '/b',
      '/b/',
      '/b//',
      '/file.css',
    ];
    for (const path of paths)
      for (const [method, body] of [['GET', ''] as const, ['POST', ' with a body'] as const]) {
        const { status, headers, body: answer } = await ask(port, path, { method, body });
        expect([status, headers.location, answer]).toEqual([200, undefined, `${method} ${path}${body}`]);
      }
    const said = async (path: string) => (await ask(port, path)).headers['cache-control'];
    expect(await said('/api')).toBeUndefined();
    expect(await said('/api/')).toBe('public, max-age=300');
    expect(await said('/file.css')).toBe('public, max-age=31536000, immutable');
    expect((await ask(port, '/api/monitoring')).headers['x-cache-status']).toBe('HIT');
    await load([byReload, { routes: [{ path: '/canary/', component: 'workflow', streaming: 'Off' }] }]);
    expect((await ask(port, '/canary')).status).toBe(404);
    expect((await ask(port, '/canary/')).status).toBe(200);
  });

  test('asks other Pods where nobody takes a connection, whatever the request is', async () => {
    await using first = await silentPod();
    await using second = await silentPod();
    const upstream = { method: 'RoundRobin', maxFails: 0 } as const;
    await load([{ ...byReload, upstream }], [first.port, second.port, pod.port]);
    const methods = Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? 'GET' : 'POST'));
    const began = performance.now();
    const answers = await Promise.all(methods.map((method) => ask(port, '/x', { method })));
    expect(answers.map(({ status }) => status)).toEqual(methods.map(() => 200));
    expect(performance.now() - began).toBeGreaterThan(9_000); // some went by both
  });

  test('lets caches keep a static file only where any may, and passes on what the workload says elsewhere', async () => {
    const answers: Readonly<Record<string, readonly [number, Readonly<Record<string, string | string[]>>]>> = {
      '/app.js': [200, { 'cache-control': 'public, max-age=0', expires: 'Thu, 01 Jan 1970 00:00:00 GMT' }],
      '/part.js': [206, { 'content-range': 'bytes 0-0/2', 'content-length': '1' }],
      '/same.js': [304, {}],
      '/created.js': [201, { 'cache-control': 'max-age=3' }],
      '/cookie.js': [200, { 'cache-control': 'no-cache', 'set-cookie': 'a=b' }],
      '/odd.js': [200, { 'set-cookie': ':a=b' }],
      '/private.js': [200, { 'cache-control': 'max-age=7, Private', expires: 'Thu, 01 Jan 2060 00:00:00 GMT' }],
      '/login.js': [302, { location: '/login', 'cache-control': 'no-store', 'set-cookie': 'a=b' }],
      '/bare.js': [302, { location: '/login' }],
      '/gone.js': [404, { 'cache-control': 'no-store' }],
      '/lines.js': [404, { 'cache-control': ['max-age=1', 'no-store'] }],
    };
    await using workload = await backend((incoming, response) => {
      const [status, headers] = answers[incoming.url ?? ''] ?? [500, {}];
      response.writeHead(status, headers).end(status === 206 ? '1' : '');
    });
    await load([byReload], [workload.port]);
    const said = async (path: string, how: Parameters<typeof ask>[2] = {}) => {
      const { status, headers } = await ask(port, path, how);
      return [status, headers['cache-control'], headers.expires];
    };
    const immutable = 'public, max-age=31536000, immutable';
    expect(await said('/app.js')).toEqual([200, immutable, undefined]);
    expect(await said('/app.js', { method: 'HEAD' })).toEqual([200, immutable, undefined]);
    expect(await said('/part.js', { headers: { range: 'bytes=0-0' } })).toEqual([206, immutable, undefined]);
    expect(await said('/same.js')).toEqual([304, immutable, undefined]);
    const own = ['public, max-age=0', 'Thu, 01 Jan 1970 00:00:00 GMT'];
    expect(await said('/app.js', { method: 'POST' })).toEqual([200, ...own]);
    for (const identity of ['authorization', 'cookie', 'x-api-key', 'x-auth-token'])
      for (const value of ['a', '0', '::', '::a'])
        expect([identity, value, ...(await said('/app.js', { headers: { [identity]: value } }))]).toEqual([identity, value, 200, ...own]); // prettier-ignore
    expect(await said('/created.js')).toEqual([201, 'max-age=3', undefined]);
    expect(await said('/cookie.js')).toEqual([200, 'no-cache', undefined]);
    expect(await said('/odd.js')).toEqual([200, undefined, undefined]);
    expect(await said('/private.js')).toEqual([200, 'max-age=7, Private', 'Thu, 01 Jan 2060 00:00:00 GMT']);
    expect(await said('/login.js')).toEqual([302, 'no-store', undefined]);
    expect(await said('/bare.js')).toEqual([302, undefined, undefined]);
    expect(await said('/gone.js')).toEqual([404, 'no-store', undefined]);
    const seen = version === '1.22' ? 'max-age=1' : 'max-age=1, no-store'; // a limit that docs/levers/nginx.md names
    expect(await said('/lines.js')).toEqual([404, seen, undefined]);
  });

  test('keeps no answer by a header that names another host, path, scheme or method, and none to somebody', async () => {
    await using workload = await backend((incoming, response) => response.end(JSON.stringify(incoming.headers)));
    await load([byReload], [workload.port]);
    const forged = {
      forwarded: 'host=evil.example',
      'front-end-https': 'on',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-port': '1',
      'x-forwarded-prefix': '/evil',
      'x-forwarded-scheme': 'https',
      'x-forwarded-server': 'evil.example',
      'x-forwarded-ssl': 'on',
      'x-host': 'evil.example',
      'x-http-method': 'DELETE',
      'x-http-method-override': 'DELETE',
      'x-method-override': 'DELETE',
      'x-original-host': 'evil.example',
      'x-original-url': '/evil',
      'x-rewrite-url': '/evil',
    };
    const seen = async (path: string) => {
      const { headers, body } = await ask(port, path, {
        headers: { host: 'a.example', 'x-forwarded-for': '192.0.2.1', ...forged },
      });
      return [headers['x-cache-status'], JSON.parse(body) as unknown] as const;
    };
    const told = {
      host: 'a.example',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'a.example',
      'x-forwarded-proto': 'http',
    };
    expect(await seen('/api/monitoring/forged')).toEqual(['MISS', told]);
    expect(await seen('/api/monitoring/forged')).toEqual(['HIT', told]);
    const chain = { ...forged, 'x-forwarded-for': '192.0.2.1, 127.0.0.1' };
    expect(await seen('/api/forged')).toEqual([undefined, expect.objectContaining(chain)]);
    for (const identity of ['authorization', 'cookie', 'x-api-key', 'x-auth-token']) {
      const headers = { host: 'a.example', [identity]: '0' };
      const { headers: said } = await ask(port, '/api/monitoring/forged', { headers });
      expect([identity, said['x-cache-status']]).toEqual([identity, 'BYPASS']);
    }
  });

  test('keeps answers of HTTPS and of HTTP apart, whatever host a client makes up', async () => {
    const authority = createAuthority('genops-test');
    const pair = issueCertificate({ commonName: 'localhost', names: ['localhost'] }, authority);
    const certificate = join(home.folder, 'pair');
    await mkdir(certificate);
    await writeFile(join(certificate, 'tls.crt'), pair.certificate);
    await writeFile(join(certificate, 'tls.key'), pair.key);
    await using workload = await backend(({ headers }, response) =>
      response.end(`${String(headers['x-forwarded-proto'])} ${String(headers.host)}`),
    );
    const https = await freePort();
    const both = { tlsSecretRef: { name: 'tls' }, plainHTTP: 'Serve', ports: { http: port, https } } as const;
    await load([byReload, both], [workload.port], certificate);
    const path = '/api/monitoring/apart';
    const plainly = async (host: string) => {
      const { headers, body } = await ask(port, path, { headers: { host } });
      return [headers['x-cache-status'], body];
    };
    const at = { port: https, ca: authority.certificate };
    const { headers, body } = await askSecurely(at, path, { ':authority': 'a.example' });
    expect([headers['x-cache-status'], body]).toEqual(['MISS', 'https a.example']);
    expect(await plainly('sa.example')).toEqual(['MISS', 'http sa.example']);
    expect(await plainly('a.example')).toEqual(['MISS', 'http a.example']);
    for (const same of ['a.example', 'A.example:8443']) expect(await plainly(same)).toEqual(['HIT', 'http a.example']);
  });

  test('is led to no other path by an answer, and keeps none by what that tells nginx alone', async () => {
    const told: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      '/api/elsewhere': { 'x-accel-redirect': '/api/other' },
      '/api/monitoring/own': { 'x-accel-expires': '300', 'cache-control': 'private' },
      '/api/monitoring/never': { 'x-accel-expires': '0' },
    };
    await using workload = await backend(({ url = '' }, response) => {
      response.writeHead(200, told[url]).end(`of ${url}`);
    });
    await load([byReload], [workload.port]);
    const seen = async (path: string) => {
      const { headers, body } = await ask(port, path);
      return [headers['x-cache-status'], body];
    };
    expect(await seen('/api/elsewhere')).toEqual([undefined, 'of /api/elsewhere']);
    for (const path of ['/api/monitoring/own', '/api/monitoring/own'])
      expect(await seen(path)).toEqual(['MISS', `of ${path}`]);
    expect(await seen('/api/monitoring/never')).toEqual(['MISS', 'of /api/monitoring/never']);
    expect(await seen('/api/monitoring/never')).toEqual(['HIT', 'of /api/monitoring/never']);
  });

  test('says of a worker that does not stop accepting just that, and not that the master does not react', async () => {
    await load();
    const master = Number(await readFile(join(home.folder, 'nginx.pid'), 'utf8'));
    const pid = (await workersOf(master)).find(({ isDraining }) => !isDraining)?.pid ?? 0;
    expect(pid).toBeGreaterThan(0);
    process.kill(pid, 'SIGSTOP');
    try {
      const message = expect.stringMatching(
        /^nginx has loaded it, but it is not in force after 10 s: a worker of what/,
      );
      expect(await attempt([{ gzip: { level: 3 } }])).toEqual({ result: 'rejected', message });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await load([{ gzip: { level: 3 } }]);
  });

  test('calls every API answer public where that is asked for, but for errors', async () => {
    await using workload = await backend((incoming, response) => {
      const status = Number(incoming.url?.slice('/api/'.length));
      response.writeHead(status, { 'cache-control': 'no-store' }).end();
    });
    await load([{ ...byReload, api: { cacheControl: { apply: 'Always' } } }], [workload.port]);
    const said = async (status: number) => (await ask(port, `/api/${status}`)).headers['cache-control'];
    for (const status of [200, 202, 302]) expect([status, await said(status)]).toEqual([status, 'public, max-age=300']);
    for (const status of [404, 500]) expect([status, await said(status)]).toEqual([status, 'no-store']);
  });
});
