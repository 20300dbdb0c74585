import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { freePort } from '../../hack/servers/free-port.ts';
import { nginxVersions } from '../../hack/servers/nginx.ts';
import { openDnsServer, type DnsServer } from '../../operator/levers/load-balancer/dns-server.ts';
import { openNginx, type NginxProcess } from '../../operator/levers/load-balancer/nginx-process.ts';
import { probeNginx, type NginxProgram } from '../../operator/levers/load-balancer/nginx-program.ts';
import { render } from '../../operator/levers/load-balancer/render.ts';
import { settingsFor } from '../unit/levers/load-balancer/settings.ts';
import { backend, nginxFolder, silent } from './nginx-world.ts';
import { eventually } from '../world/eventually.ts';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const readTimeoutMs = 3_000; // also of a busy event loop
const shutdownMs = 3_000;

describe.each(nginxVersions)('streams through nginx %s', (version) => {
  const stack = new AsyncDisposableStack();
  const streams: ServerResponse[] = [];
  let home: Awaited<ReturnType<typeof nginxFolder>>;
  let program: NginxProgram;
  let dns: DnsServer;
  let nginx: NginxProcess;
  let pod: Awaited<ReturnType<typeof backend>>;
  let port: number;

  const load = async (level: number) => {
    const routes = [
      { path: '/', component: 'workflow', streaming: 'Off' as const },
      { path: '/events/', component: 'workflow', streaming: 'On' as const },
    ];
    const policy = { api: { readTimeout: `${readTimeoutMs}ms` }, gzip: { level } };
    const settings = settingsFor(policy, { routes, ports: { http: port, https: port + 1 } });
    const servers = { workflow: [{ address: '127.0.0.1', port: pod.port }] };
    dns.announce(servers);
    const { modules, capabilities } = program;
    const place = { folder: home.folder, modules, dnsPort: dns.port, logPort: 1, user: 'nobody nogroup' };
    const { text, generation } = render({ settings, servers, capabilities, place, certificate: undefined });
    const shorter = text.replace('worker_shutdown_timeout 30s;', `worker_shutdown_timeout ${shutdownMs / 1_000}s;`);
    expect(shorter).not.toBe(text);
    expect(await nginx.load({ text: shorter, generation }, soon())).toEqual({ result: 'loaded' });
  };
  /** A stream that has begun and says nothing more by itself. */
  const open = async (path: string) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let received = '';
    answer.on('data', (piece: Buffer) => void (received += piece.toString()));
    const closed = Promise.withResolvers<number>();
    answer.on('error', () => undefined); // it is cut off
    answer.once('close', () => closed.resolve(performance.now()));
    await eventually(() => expect(received).toBe('first'));
    return { closed: closed.promise, answer, received: () => received };
  };

  beforeAll(async () => {
    home = stack.use(await nginxFolder(version));
    program = await probeNginx({ ...home, modulesFolder: home.moduleFolder }, soon());
    pod = stack.use(
      await backend(({ url }, response) => {
        if (url === '/asked') {
          response.setHeader('x-accel-buffering', 'no');
          response.setHeader('content-length', 'first and last'.length); // else nginx sends each piece on anyway
        }
        response.write('first');
        streams.push(response);
      }),
    );
    dns = stack.use(await openDnsServer(silent));
    nginx = stack.use(openNginx({ ...home, drainMs: 1_000, closingMs: 0, logger: silent }));
    port = await freePort();
    await load(1);
  });
  afterAll(async () => stack.disposeAsync());

  test('one that is silent for longer than any answer may take goes on, on a streaming route alone', async () => {
    const [stream, answer] = [await open('/events/'), await open('/')];
    await answer.closed; // read time-out; the stream was silent for longer by then
    expect(answer.answer.complete).toBe(false);
    streams[0]?.end(' and last');
    await stream.closed;
    expect([stream.answer.complete, stream.received()]).toEqual([true, 'first and last']);
  });

  test('an answer of any route is sent on piece by piece where it asks for that', async () => {
    const stream = await open('/asked');
    streams.at(-1)?.end(' and last');
    await stream.closed;
    expect([stream.answer.complete, stream.received()]).toEqual([true, 'first and last']);
  });

  test('one that is open when nginx is reloaded is cut at the shutdown time-out, and not before', async () => {
    const stream = await open('/events/');
    const before = performance.now();
    await load(2);
    const cutAfterMs = (await stream.closed) - before;
    expect(stream.answer.complete).toBe(false);
    expect(cutAfterMs).toBeGreaterThanOrEqual(shutdownMs);
    await eventually(async () => expect(await nginx.draining()).toEqual({ workers: 0, generations: 0 }));
  });
});
