import { describe, expect, test } from '@jest/globals';
import { createAddressGuard } from '../../operator/metrics/address-guard.ts';
import { createPrometheusServers, type PrometheusServers } from '../../operator/metrics/sources/prometheus-server.ts';
import { prometheusSource } from '../../operator/metrics/sources/prometheus.ts';
import { failureOf, json, listening, secretless, sourceAt, timeoutMs, viewOf } from './source-world.ts';

describe('an address that a user names', () => {
  const readSecret = secretless;
  const ownMachine = '--allow-metric-address';
  const metadata = 'name the source by its Service or its own address: this one is link-local or of a cloud’s metadata';
  test.each([
    ['http://127.0.0.1:9090', ownMachine],
    ['http://2130706433:9090', ownMachine],
    ['http://0x7f.1:9090', ownMachine],
    ['http://[::1]:9090', ownMachine],
    ['http://[::ffff:127.0.0.1]:9090', ownMachine],
    ['http://[::ffff:a9fe:a9fe]', metadata],
    ['http://169.254.169.254', metadata],
    ['http://localhost:9090', ownMachine],
  ])('%s is not dialled', async (url, next) => {
    await using servers = createPrometheusServers({ readSecret, guard: createAddressGuard(), url: undefined });
    expect(await failureOf(sourceAt(servers, url), viewOf('a'))).toMatchObject({
      reason: 'AddressRefused',
      next: expect.stringContaining(next),
    });
  });
  test('the operator’s own may be anywhere, and without any the way to one is said', async () => {
    await using server = await listening((_, response) => json(response, {}));
    const own = (url: string | undefined) => createPrometheusServers({ readSecret, guard: createAddressGuard(), url });
    const source = (servers: PrometheusServers) =>
      prometheusSource({
        servers,
        server: { url: undefined, secret: undefined },
        namespace: 'ai',
        intervalMs: 1,
        timeoutMs,
      });
    await using there = own(server.url);
    expect(await failureOf(source(there), viewOf('a'))).toMatchObject({ reason: 'NotUnderstood' });
    await using none = own(undefined);
    expect(await failureOf(source(none), viewOf('a'))).toMatchObject({
      next: expect.stringContaining('--prometheus-url'),
    });
  });
});

test('where the operator’s own server wants a login, a component names it: a Secret without an address', async () => {
  await using server = await listening((request, response) => {
    request.resume();
    if (request.headers.authorization === 'Bearer s3cret') json(response, {});
    else response.writeHead(401).end();
  });
  await using servers = createPrometheusServers({
    readSecret: (_, name) => Promise.resolve({ token: Buffer.from(name === 'good' ? 's3cret' : 'old') }),
    guard: createAddressGuard(),
    url: server.url,
  });
  const said = async (name?: string) => {
    const secret = name === undefined ? undefined : { namespace: 'ai', name };
    const to = { servers, server: { url: undefined, secret }, namespace: 'ai', intervalMs: 1, timeoutMs };
    return await failureOf(prometheusSource(to), viewOf('a'));
  };
  expect(await said()).toMatchObject({
    message: expect.stringMatching(/answered 401$/),
    next: 'name a Secret with token, username and password, or a client certificate in metrics[].prometheus.secretRef: --prometheus-url gives no login',
  });
  expect(await said('stale')).toMatchObject({ next: expect.stringMatching(/^correct Secret ai\/stale: token, /) });
  expect(await said('good')).toMatchObject({ reason: 'NotUnderstood' });
});
