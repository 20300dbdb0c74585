import { expect, test } from '@jest/globals';
import { freePort } from '../../hack/servers/free-port.ts';
import { openDnsServer } from '../../operator/levers/load-balancer/dns-server.ts';
import { openNginx } from '../../operator/levers/load-balancer/nginx-process.ts';
import { probeNginx } from '../../operator/levers/load-balancer/nginx-program.ts';
import { render } from '../../operator/levers/load-balancer/render.ts';
import { settingsFor } from '../unit/levers/load-balancer/settings.ts';
import { eventually } from '../world/eventually.ts';
import { ask, backend, nginxFolder, silent } from './nginx-world.ts';

const patience = { withinMs: 60_000 };
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

test('nginx 1.31 is told of more Pods than a datagram has room for without a reload, and of fewer again', async () => {
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await nginxFolder('1.31'));
  const program = await probeNginx({ ...home, modulesFolder: home.moduleFolder }, soon());
  const reached = new Set<string>();
  // Each address of 127.0.0.0/8 is this machine: a Pod by its address, and one server for all.
  const pods = stack.use(
    await backend((incoming, response) => {
      reached.add(incoming.socket.localAddress ?? '');
      response.end();
    }),
  );
  const dns = stack.use(await openDnsServer(silent));
  const nginx = stack.use(openNginx({ ...home, drainMs: 5_000, closingMs: 0, logger: silent }));
  const port = await freePort();
  const settings = settingsFor({ upstream: { method: 'RoundRobin' } }, { ports: { http: port, https: port + 1 } });
  const place = {
    folder: home.folder,
    modules: program.modules,
    dnsPort: dns.port,
    logPort: 1,
    user: 'nobody nogroup',
  };
  const announce = (count: number) => {
    const address = (index: number) => `127.1.${index >> 8}.${index & 255}`;
    const workflow = Array.from({ length: count }, (_, index) => ({ address: address(index), port: pods.port }));
    dns.announce({ workflow });
    const { capabilities } = program;
    return render({ settings, servers: { workflow }, capabilities, place, certificate: undefined });
  };
  const few = announce(2);
  expect(await nginx.load(few, soon())).toEqual({ result: 'loaded' });
  for (const count of [300, 1_000, 3]) {
    expect(announce(count)).toEqual(few); // nothing to load
    await eventually(async () => {
      reached.clear();
      for (let asked = 0; asked < count; asked += 50)
        await Promise.all(Array.from({ length: 50 }, () => ask(port, '/api/x')));
      expect(reached.size).toBeGreaterThan(0.9 * count); // workers go round by one list, each request by itself
      expect(reached.size).toBeLessThanOrEqual(count);
    }, patience);
  }
}, 240_000);
