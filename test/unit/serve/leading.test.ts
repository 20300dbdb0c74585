import { expect, test } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { createLeading, type Leader } from '../../../operator/serve/leading.ts';

const keyPair = () => ({ cert: '', key: '', ca: undefined });
const asked = (headers: IncomingMessage['headers'] = {}) => ({ url: '/', headers }) as IncomingMessage;

test.each<{ name: string; leader: Leader | undefined; headers?: IncomingMessage['headers']; saw: string }>([
  { name: 'nobody leads', leader: undefined, saw: 'saw no leader' },
  {
    name: 'the leader does not say where it is',
    leader: { identity: 'genops-1', address: undefined },
    saw: 'saw the leader genops-1 without an address',
  },
  {
    name: 'it was forwarded here already',
    leader: { identity: 'genops-1', address: '10.0.0.1:8443' },
    headers: { 'x-genops-forwarded': '1' },
    saw: 'saw the leader genops-1',
  },
])('forward() says so where $name', async ({ leader, headers, saw }) => {
  await using leading = createLeading({ leads: () => false, leader: () => leader, keyPair });
  expect(await leading.forward(asked(headers))).toMatchObject({
    status: 503,
    body: { kind: 'Status', reason: 'ServiceUnavailable', message: expect.stringContaining(saw) },
    headers: { 'retry-after': '2' },
  });
});
