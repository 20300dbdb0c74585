import { expect, test } from '@jest/globals';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { openDnsServer } from '../../../../operator/levers/load-balancer/dns-server.ts';

const nothing = (): void => undefined;
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ address: `10.0.${index >> 8}.${index & 255}`, port: 8080 }));

test('a resolver that is told of a cut-off answer gets all of it by TCP, on the same port', async () => {
  await using dns = await openDnsServer(silent);
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${dns.port}`]);
  for (const count of [2, 300]) {
    dns.announce({ workflow: many(count) });
    const found = await resolver.resolveSrv('_http._tcp.workflow.g');
    expect(found).toHaveLength(count);
    expect(new Set(found.map(({ name }) => name)).size).toBe(count);
  }
});

test('queries of one connection are answered whatever the pieces in which they come; what is none ends it', async () => {
  await using dns = await openDnsServer(silent);
  dns.announce({ workflow: many(1) });
  const name = ['_http', '_tcp', 'workflow', 'g'].map((label) => String.fromCodePoint(label.length) + label).join('');
  const query = Buffer.concat([
    Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    Buffer.from(`${name}\0\0\x21\0\x01`, 'latin1'),
  ]);
  const whole = Buffer.concat([Buffer.from([0, query.length]), query]);
  const answers = async (...pieces: readonly Buffer[]): Promise<number> => {
    const socket = connect(dns.port, '127.0.0.1');
    let bytes = 0;
    socket.on('error', () => undefined); // who says something else is cut off, maybe while it still speaks
    socket.on('data', (chunk) => (bytes += chunk.length));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    socket.end();
    await closed;
    return bytes;
  };
  const one = await answers(whole);
  expect(one).toBeGreaterThan(whole.length);
  expect(await answers(whole.subarray(0, 1), whole.subarray(1, 9), Buffer.concat([whole.subarray(9), whole]))).toBe(
    2 * one,
  );
  expect(await answers(Buffer.from([0, 1, 7]), whole)).toBe(0);
});
