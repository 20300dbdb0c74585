import { describe, expect, test } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import { createLeading } from '../../operator/serve/leading.ts';
import { listen } from '../../operator/serve/listen.ts';

const authority = createAuthority('views-ca');

describe('a follower sends a token to nobody but a replica of its own certificate', () => {
  const certified = { commonName: 'genops', names: ['genops.genops-system.svc', '127.0.0.1'] };
  const own = issueCertificate(certified, authority);
  const other = createAuthority('views-ca');
  test.each([
    { name: 'its own', served: own, ca: authority.certificate, expected: 200 },
    { name: 'its own, where nobody says who signed it', served: own, ca: undefined, expected: 200 },
    {
      name: 'one of another authority',
      served: issueCertificate(certified, other),
      ca: authority.certificate,
      expected: 503,
    },
    {
      name: 'one for another name',
      served: issueCertificate({ commonName: 'genops', names: ['127.0.0.1'] }, authority),
      ca: authority.certificate,
      expected: 503,
    },
    {
      name: 'another one, where nobody says who signed it',
      served: issueCertificate(certified, authority),
      ca: undefined,
      expected: 503,
    },
  ])('$name: $expected', async ({ served, ca, expected }) => {
    const heard: (string | undefined)[] = [];
    const server = createServer({ cert: served.certificate, key: served.key }, (seen, response) => {
      heard.push(seen.headers.authorization);
      response.end('{}');
    });
    await using listening = await listen(server, '127.0.0.1:0');
    await using leading = createLeading({
      leads: () => false,
      leader: () => ({ identity: 'leader', address: `127.0.0.1:${listening.port}` }),
      keyPair: () => ({ cert: own.certificate, key: own.key, ca }),
    });
    const asked = { url: '/', headers: { authorization: 'Bearer secret' } } as IncomingMessage;
    expect((await leading.forward(asked)).status).toBe(expected);
    expect(heard).toEqual(expected === 200 ? ['Bearer secret'] : []);
  });
});
