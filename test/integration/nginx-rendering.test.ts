import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { connect as connectTls } from 'node:tls';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { nginxVersions } from '../../hack/servers/nginx.ts';
import { nginxCheckers } from '../../hack/servers/nginx-checkers.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { checkLoadBalancerSettings } from '../../operator/api/check-load-balancer-settings.ts';
import type { LoadBalancerSettings } from '../../operator/api/load-balancer-settings.ts';
import { Certificates } from '../../operator/levers/load-balancer/certificate.ts';
import { openDnsServer, type DnsServer } from '../../operator/levers/load-balancer/dns-server.ts';
import { openNginx, type NginxProcess } from '../../operator/levers/load-balancer/nginx-process.ts';
import {
  certificateRefusal,
  probeNginx,
  testConfiguration,
  type NginxProgram,
} from '../../operator/levers/load-balancer/nginx-program.ts';
import { render, type Place, type RenderInput } from '../../operator/levers/load-balancer/render.ts';
import { settingsFor } from '../unit/levers/load-balancer/settings.ts';
import { eventually } from '../world/eventually.ts';
import { known, servers, settings } from './nginx-settings.ts';
import { ask, askSecurely, backend, keepAsking, nginxFolder, silent } from './nginx-world.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

describe.each(nginxVersions)('nginx %s', (version) => {
  let home: Awaited<ReturnType<typeof nginxFolder>>;
  let program: NginxProgram;
  let place: Place;
  /** Every configuration that is rendered here, of the random ones some, for who reads them all. */
  const rendered = new Set<string>();
  const written = (input: RenderInput): ReturnType<typeof render> => {
    const configuration = render(input);
    rendered.add(configuration.text);
    return configuration;
  };
  beforeAll(async () => {
    home = await nginxFolder(version);
    program = await probeNginx({ ...home, modulesFolder: home.moduleFolder }, soon());
    place = {
      folder: home.folder,
      modules: program.modules,
      dnsPort: 1,
      logPort: 1,
      user: 'nobody nogroup',
    };
  });
  afterAll(async () => home[Symbol.asyncDispose]());

  test('is asked for what it can', () => {
    expect(program.version).toMatch(new RegExp(`^${version}\\.`));
    const isThere = (name: string): boolean => name !== 'ipv6' || existsSync('/proc/net/if_inet6');
    expect([...program.capabilities].toSorted()).toEqual(known[version].filter(isThere));
  });

  test('takes whatever the settings may hold', async () => {
    const { capabilities } = program;
    await fc.assert(
      fc.asyncProperty(settings, servers, async (given, pods) => {
        expect(checkLoadBalancerSettings(JSON.stringify(given))).toMatchObject({ kind: 'valid' });
        const { text } = (rendered.size < 8 ? written : render)({
          settings: given,
          servers: { monitoring: pods },
          capabilities,
          place,
          certificate: undefined,
        });
        const file = join(home.folder, 'given.conf');
        await writeFile(file, text);
        expect(await testConfiguration({ ...home, file }, soon())).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  test('takes the longest and the most of everything', async () => {
    const each = <T>(count: number, text: (index: number) => T): T[] =>
      Array.from({ length: count }, (_, index) => text(index));
    const filled = (length: number, end: string) => 'a'.repeat(length - end.length) + end;
    const label = 'a'.repeat(61);
    const given = settingsFor(
      {
        gzip: { types: each(32, (index) => `application/${filled(88, `-${index}`)}`) },
        staticAssets: { extensions: each(32, (index) => filled(8, `${index}`)) },
        api: { pathPrefix: `/${'a'.repeat(198)}/` },
      },
      {
        serverNames: each(16, (index) => `*.${label}.${label}.${label}.${filled(65, `${index}`)}`.slice(0, 253)),
        routes: each(32, (index) => ({
          path: `/${filled(199, `${index}`)}`,
          component: 'workflow',
          streaming: 'Off' as const,
        })),
      },
    );
    expect(checkLoadBalancerSettings(JSON.stringify(given))).toMatchObject({ kind: 'valid' });
    const pods = { workflow: each(500, String).map((port) => ({ address: '10.0.0.1', port: Number(port) + 1 })) };
    const { capabilities } = program;
    const { text } = written({ settings: given, servers: pods, capabilities, place, certificate: undefined });
    const file = join(home.folder, 'given.conf');
    await writeFile(file, text);
    expect(await testConfiguration({ ...home, file }, soon())).toBeUndefined();
  });

  describe('in front of a workload', () => {
    let nginx: NginxProcess;
    let dns: DnsServer;
    let pod: Awaited<ReturnType<typeof backend>>;
    let port: number;
    let mounted: string;
    let certificates: Certificates;
    let answered = 0;
    const configurationOf = async (given: LoadBalancerSettings, ports: readonly number[]) => {
      const pods = { workflow: ports.map((one) => ({ address: '127.0.0.1', port: one })) };
      dns.announce(pods);
      const where = { ...place, dnsPort: dns.port };
      const { folder: certificate } = await certificates.current(soon());
      const { capabilities } = program;
      return written({ settings: given, servers: pods, capabilities, place: where, certificate });
    };
    const load = async (given: LoadBalancerSettings, ports: readonly number[] = [pod.port]) =>
      nginx.load(await configurationOf(given, ports), soon());
    beforeAll(async () => {
      pod = await backend((incoming, response) => {
        answered += 1;
        const { host = '', authorization = 'nobody' } = incoming.headers;
        if (incoming.url === '/api/own') response.setHeader('cache-control', 'no-store');
        if (incoming.url?.endsWith('/cookie') === true) response.setHeader('set-cookie', 'a=b');
        if (incoming.url === '/api/long') response.setHeader('content-type', 'application/json');
        response.statusCode = incoming.url === '/api/missing' ? 404 : 200;
        response.end(
          `${incoming.method} ${incoming.url} of ${host} by ${authorization} over ${incoming.headers.connection ?? 'keep-alive'}`.padEnd(
            incoming.url === '/api/long' ? 2_000 : 0,
          ),
        );
      });
      port = await freePort();
      mounted = join(home.folder, 'mounted');
      await mkdir(mounted);
      certificates = new Certificates({
        mounted,
        folder: join(home.folder, 'tls'),
        refusal: (pair, signal) => certificateRefusal({ ...home, pair }, signal),
      });
      dns = await openDnsServer(silent);
      nginx = openNginx({ binary: home.binary, folder: home.folder, drainMs: 5_000, closingMs: 0, logger: silent });
      expect(await load(settingsFor({}, { ports: { http: port, https: port + 1 } }))).toEqual({ result: 'loaded' });
    });
    afterAll(async () => {
      await nginx[Symbol.asyncDispose]();
      await pod[Symbol.asyncDispose]();
      await dns[Symbol.asyncDispose]();
    });

    test('serves HTTP/2 over TLS once a certificate is there, and another one as soon as there is another', async () => {
      const authority = createAuthority('genops-test');
      const securePort = await freePort();
      const secured = settingsFor({}, { ports: { http: port, https: securePort }, tlsSecretRef: { name: 'tls' } });
      const issue = async (commonName: string) => {
        const pair = issueCertificate({ commonName, names: ['localhost'] }, authority);
        for (const [name, content] of [['tls.crt', pair.certificate] as const, ['tls.key', pair.key] as const])
          await writeFile(join(mounted, name), content);
      };
      const whoAnswers = async () => {
        const socket = connectTls({
          port: securePort,
          ca: authority.certificate,
          servername: 'localhost',
          ALPNProtocols: ['h2'],
        });
        await once(socket, 'secureConnect');
        const seen = [socket.alpnProtocol, socket.getPeerCertificate().subject.CN];
        socket.destroy();
        return seen;
      };
      await issue('first');
      expect(await load(secured)).toEqual({ result: 'loaded' });
      expect(await whoAnswers()).toEqual(['h2', 'first']);
      const led = await ask(port, '/api/x?y=1', { method: 'POST', headers: { host: 'a.example' } });
      expect(led).toMatchObject({ status: 308, headers: { location: 'https://a.example/api/x?y=1' } });
      const { key } = issueCertificate({ commonName: 'other', names: ['localhost'] }, authority);
      const accepted = await certificates.current(soon());
      await writeFile(join(mounted, 'tls.key'), key);
      expect(await certificates.current(soon())).toEqual({
        ...accepted,
        refused: expect.stringMatching(
          new RegExp(`^SSL_CTX_use_PrivateKey\\("${mounted}/tls.key"\\) failed .*key values mismatch`),
        ),
      });
      expect((await stat(join(accepted.folder ?? '', 'tls.key'))).mode & 0o777).toBe(0o600);
      expect(await load(secured, [pod.port, pod.port])).toEqual({ result: 'loaded' }); // Pods are followed all the same
      expect(await whoAnswers()).toEqual(['h2', 'first']);
      await issue('second');
      expect(await load(secured)).toEqual({ result: 'loaded' });
      expect(await whoAnswers()).toEqual(['h2', 'second']);
      await keepsToEachItsOwn({ port: securePort, ca: authority.certificate });
      await rm(join(mounted, 'tls.key'));
      expect(await load(secured)).toEqual({ result: 'loaded' });
      expect(await whoAnswers()).toEqual(['h2', 'second']); // the pair of before goes on
      expect(await load(settingsFor({}, { ports: { http: port, https: securePort } }))).toEqual({ result: 'loaded' });
      await expect(whoAnswers()).rejects.toThrow('ECONNREFUSED');
      expect((await ask(port, '/')).status).toBe(200);
    });

    /** Rows G2, G5 and G6 as a browser meets them. */
    async function keepsToEachItsOwn(at: Parameters<typeof askSecurely>[0]): Promise<void> {
      const path = '/api/monitoring/secure';
      const kept = async (headers: Readonly<Record<string, string>> = {}, of = path) =>
        (await askSecurely(at, of, headers)).headers['x-cache-status'];
      expect(await kept()).toBe('MISS');
      expect(await kept()).toBe('HIT');
      for (const identity of ['authorization', 'cookie', 'x-api-key', 'x-auth-token']) {
        const { headers, body } = await askSecurely(at, path, { [identity]: 'a' });
        expect([identity, headers['x-cache-status']]).toEqual([identity, 'BYPASS']);
        expect(body).toContain(identity === 'authorization' ? 'by a over' : 'by nobody over');
      }
      expect(await kept({ ':authority': 'other.example' })).toBe('MISS');
      expect([await kept({}, '/api/monitoring/cookie'), await kept({}, '/api/monitoring/cookie')]).toEqual(['MISS', 'MISS']); // prettier-ignore
      const { headers: asset } = await askSecurely(at, '/app.css');
      expect(asset).toMatchObject({ ':status': 200, 'cache-control': 'public, max-age=31536000, immutable' });
      const { headers: long } = await askSecurely(at, '/api/long', { 'accept-encoding': 'gzip' });
      expect(long).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    }

    test('lets caches keep only what any may keep', async () => {
      const cacheControl = async (path: string, how = {}) => (await ask(port, path, how)).headers['cache-control'];
      expect(await cacheControl('/api/x')).toBe('public, max-age=300');
      expect(await cacheControl('/api/x', { method: 'POST' })).toBeUndefined();
      for (const identity of ['authorization', 'cookie', 'x-api-key'])
        expect([identity, await cacheControl('/api/x', { headers: { [identity]: 'a' } })]).toEqual([
          identity,
          undefined,
        ]);
      expect(await cacheControl('/api/cookie')).toBeUndefined();
      expect(await cacheControl('/api/missing')).toBeUndefined();
      expect(await cacheControl('/api/own')).toBe('no-store');
    });

    test('sends what looks like a file to the API where it is one of its paths, over kept connections', async () => {
      expect((await ask(port, '/api/x.js')).body).toMatch(/^GET \/api\/x\.js .* over keep-alive$/);
      const asset = await ask(port, '/app.js', { headers: { 'accept-encoding': 'gzip' } });
      expect(asset).toMatchObject({ status: 200, headers: { 'cache-control': 'public, max-age=31536000, immutable' } });
    });

    test('keeps monitoring answers, of each host its own and of nobody who says who he is', async () => {
      const look = (host: string, more = {}) => ask(port, '/api/monitoring/x', { headers: { host, ...more } });
      expect((await look('a.example')).headers['x-cache-status']).toBe('MISS');
      const before = answered;
      expect(await look('a.example')).toMatchObject({
        headers: { 'x-cache-status': 'HIT' },
        body: expect.stringContaining('a.example'),
      });
      expect(answered).toBe(before);
      expect((await look('b.example')).body).toContain('b.example');
      const named = await look('a.example', { authorization: 'Bearer a' });
      expect(named).toMatchObject({
        headers: { 'x-cache-status': 'BYPASS' },
        body: expect.stringContaining('Bearer a'),
      });
      expect((await look('a.example')).body).toContain('nobody');
    });

    test('tells the workload the name by which it chose, whatever the Host header says besides', async () => {
      const path = `http://a.example:${port}/api/monitoring/spoofed`;
      const spoofed = await ask(port, path, { headers: { host: 'b.example' } });
      expect(spoofed.body).toContain('of a.example by');
      const asked = await ask(port, '/api/monitoring/spoofed', { headers: { host: 'b.example' } });
      expect(asked).toMatchObject({
        headers: { 'x-cache-status': 'MISS' },
        body: expect.stringContaining('of b.example by'),
      });
    });

    test('takes another configuration over without failing a request on a new connection, and ends the old workers', async () => {
      let failed = 0;
      let asked = 0;
      const asking = async (): Promise<void> => {
        asked += 1;
        if ((await ask(port, '/api/x').catch(() => undefined))?.status !== 200) failed += 1;
      };
      const serverNames = ['a.example'];
      {
        await using _ = keepAsking(asking);
        for (const level of [7, 8, 9])
          expect(await load(settingsFor({ gzip: { level } }, { ports: { http: port, https: port + 1 } }))).toEqual({
            result: 'loaded',
          });
      }
      expect({ failed, some: asked > 10 }).toEqual({ failed: 0, some: true });
      await eventually(async () => expect(await nginx.draining()).toEqual({ workers: 0, generations: 0 }));
      expect(await load(settingsFor({}, { serverNames, ports: { http: port, https: port + 1 } }))).toEqual({
        result: 'loaded',
      });
      expect((await ask(port, '/', { headers: { host: 'b.example' } })).status).toBe(404); // at once: no old worker accepts any more
      expect((await ask(port, '/', { headers: { host: 'a.example' } })).status).toBe(200);
    });

    test('sends a request whose Pod dies under it to another one, a POST only where the policy says so', async () => {
      let died = 0;
      await using dying = await backend((incoming) => {
        died += 1;
        incoming.socket.destroy();
      });
      const dies = async (retryNonIdempotent: 'On' | 'Off', method: string) => {
        const upstream = { method: 'RoundRobin', maxFails: 0, retryNonIdempotent } as const;
        const given = settingsFor({ upstream }, { ports: { http: port, https: port + 1 } });
        expect(await load(given, [dying.port, pod.port])).toEqual({ result: 'loaded' });
        const statuses = new Set<number>();
        const isEnough = (deaths: number): boolean => died >= deaths;
        for (const deaths = died + 3; !isEnough(deaths);) statuses.add((await ask(port, '/api/x', { method })).status);
        return statuses;
      };
      expect(await dies('Off', 'GET')).toEqual(new Set([200]));
      expect(await dies('Off', 'POST')).toEqual(new Set([200, 502]));
      expect(await dies('On', 'POST')).toEqual(new Set([200]));
    });

    test('a stream that is open goes on over a reload', async () => {
      const streams: ServerResponse[] = [];
      await using streaming = await backend(({ url }, response) => {
        if (url !== '/events') {
          response.end('the one that streams');
          return;
        }
        response.write('before');
        streams.push(response);
      });
      const routes = [{ path: '/', component: 'workflow', streaming: 'On' as const }];
      const given = (level: number) =>
        settingsFor({ gzip: { level } }, { routes, ports: { http: port, https: port + 1 } });
      expect(await load(given(1), [streaming.port])).toEqual({ result: 'loaded' });
      await eventually(async () => expect((await ask(port, '/')).body).toBe('the one that streams')); // an nginx that resolves knows of another Pod within a second
      const asked = ask(port, '/events');
      await eventually(() => expect(streams).toHaveLength(1));
      expect(await load(given(2), [streaming.port])).toEqual({ result: 'loaded' });
      expect(await nginx.draining()).toMatchObject({ generations: 1 });
      streams[0]?.end(' and after');
      expect(await asked).toMatchObject({ status: 200, body: 'before and after' });
      await eventually(async () => expect(await nginx.draining()).toEqual({ workers: 0, generations: 0 }));
      expect(await load(settingsFor({}, { ports: { http: port, https: port + 1 } }))).toEqual({ result: 'loaded' });
    });

    test('goes on with what it has where a port is taken, which only shows when it reloads, and says so in its words', async () => {
      expect(await load(settingsFor({}, { ports: { http: pod.port, https: 1 } }))).toEqual({
        result: 'rejected',
        message: expect.stringMatching(
          new RegExp(
            `bind\\(\\) to 0\\.0\\.0\\.0:${pod.port} failed \\(98: Address (already )?in use\\) \\| still could not bind`,
          ),
        ),
      });
      expect((await ask(port, '/', { headers: { host: 'a.example' } })).status).toBe(200);
      expect(await readFile(join(home.folder, 'nginx.conf'), 'utf8')).toContain(`listen ${port} default_server;`); // whoever reloads it by hand gets what is in force
      const given = settingsFor({}, { ports: { http: port, https: port + 1 } });
      expect(await load(given)).toEqual({ result: 'loaded' });
      // No settings lead here, and yet another agent's cache may lie there: a zone keeps the parameters it began with.
      const { text, generation } = await configurationOf(given, [pod.port]);
      const other = text.replace('levels=1:2', 'levels=2:2').replaceAll(generation, 'ffffffffffff');
      expect(await nginx.load({ text: other, generation: 'ffffffffffff' }, soon())).toEqual({
        result: 'rejected',
        message: expect.stringContaining('cache "genops_monitoring" had previously different levels'),
      });
      expect((await ask(port, '/')).status).toBe(200);
    });
  });

  test('crossplane and gixy have nothing against any of them', async () => {
    const checkers = await nginxCheckers();
    const files = await Promise.all(
      [...rendered].map(async (text, index) => {
        const file = join(home.folder, `rendered-${index}.conf`);
        // gixy takes every port with 443 in it for one of HTTPS.
        const plain = text.replaceAll(/listen (?<at>\[::\]:)?\d+(?<role> default_server)?;/g, 'listen $<at>80$<role>;');
        await writeFile(file, plain);
        return file;
      }),
    );
    expect(files.length).toBeGreaterThan(16);
    expect(await checkers.complaints(files)).toEqual([]);
  });
});
