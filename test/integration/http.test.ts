import { expect, test } from '@jest/globals';
import { Counter, Gauge, Registry } from 'prom-client';
import { serveHealth, serveMetrics } from '../../operator/serve/http.ts';

const ask = async (
  port: number,
  path: string,
  method = 'GET',
): Promise<{ status: number; text: string; type: string | null }> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, signal: AbortSignal.timeout(5_000) });
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
};

test('serves metrics in the Prometheus text format, and nothing else', async () => {
  const registry = new Registry();
  new Counter({ name: 'genops_x_total', help: 'x', registers: [registry] }).inc(3);
  await using server = await serveMetrics('127.0.0.1:0', registry);
  const port = server?.port ?? 0;
  expect(await ask(port, '/metrics')).toMatchObject({ status: 200, text: expect.stringContaining('genops_x_total 3') });
  expect((await ask(port, '/metrics?x=y')).type).toContain('text/plain');
  expect(await ask(port, '/')).toMatchObject({ status: 404 });
  expect(await ask(port, '/metrics', 'POST')).toMatchObject({ status: 405 });
});

test('a metric that throws costs its reader an error, and the server goes on', async () => {
  const registry = new Registry();
  let isBroken = true;
  const collect = (): void => {
    if (isBroken) throw new Error('not now');
  };
  registry.registerMetric(new Gauge({ name: 'genops_y', help: 'y', registers: [], collect }));
  await using server = await serveMetrics('127.0.0.1:0', registry);
  expect(await ask(server?.port ?? 0, '/metrics')).toMatchObject({
    status: 500,
    text: expect.stringContaining('not now'),
  });
  isBroken = false;
  expect(await ask(server?.port ?? 0, '/metrics')).toMatchObject({ status: 200 });
});

test('probes say what is wrong, and are asked anew each time', async () => {
  let problem: string | undefined = 'pods not listed yet';
  const ready = { name: 'synced-pods', problem: () => problem };
  await using server = await serveHealth('127.0.0.1:0', { ready: [ready], live: () => [] });
  const port = server?.port ?? 0;
  expect(await ask(port, '/readyz')).toMatchObject({
    status: 503,
    text: '[-]synced-pods failed: pods not listed yet\n',
  });
  expect(await ask(port, '/healthz')).toMatchObject({ status: 200 });
  problem = undefined;
  expect(await ask(port, '/readyz')).toMatchObject({ status: 200, text: '[+]synced-pods ok\n' });
});

test('an empty address switches a server off; one that is none is refused with an example', async () => {
  expect(serveMetrics('', new Registry())).toBeUndefined();
  await expect(serveMetrics('8080', new Registry())).rejects.toThrow(':8080');
  await expect(serveMetrics(':99999', new Registry())).rejects.toThrow(RangeError);
});
