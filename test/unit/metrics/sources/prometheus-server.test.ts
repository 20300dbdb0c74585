import { expect, test } from '@jest/globals';
import { createPrometheusServers } from '../../../../operator/metrics/sources/prometheus-server.ts';

test.each([{ tokn: 'x' }, {}])('a Secret that has only %j is no login, and says what it may have', async (data) => {
  await using servers = createPrometheusServers({
    readSecret: () =>
      Promise.resolve(Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text)]))),
    guard: () => true,
    url: undefined,
  });
  const server = { url: 'http://127.0.0.1:1', secret: { namespace: 'ai', name: 'login' } };
  expect(await servers.query(server, 'up', { maxAgeMs: 0, timeoutMs: 1_000, taken: undefined })).toMatchObject({
    failure: {
      reason: 'Secret',
      message: 'none of its keys in Secret ai/login',
      next: 'it has some of token, username, password, ca.crt, tls.crt, tls.key',
    },
  });
});
