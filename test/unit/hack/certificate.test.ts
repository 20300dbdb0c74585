import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { createAuthority, issueCertificate } from '../../../hack/cluster/certificate.ts';

const authority = createAuthority('genops-ca');
const issued = issueCertificate(
  { commonName: 'system:node:one', organization: 'system:nodes', names: ['localhost', '10.200.0.1'] },
  authority,
);

describe('createAuthority()', () => {
  test('is an authority that signed itself', () => {
    const certificate = new X509Certificate(authority.certificate);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });
});

describe('issueCertificate()', () => {
  const certificate = new X509Certificate(issued.certificate);

  test('names the user and the group as Kubernetes reads them', () => {
    expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:one');
  });

  test('is signed by the authority, and by no other of the same name', () => {
    expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    const other = createAuthority('genops-ca');
    expect(certificate.verify(new X509Certificate(other.certificate).publicKey)).toBe(false);
  });

  test('is good for its names and addresses and no others', () => {
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('10.200.0.1')).toBe('10.200.0.1');
    expect(certificate.checkIP('10.200.0.2')).toBeUndefined();
  });

  test('is valid now and for most of a year, but not for ever', () => {
    expect(certificate.validFromDate.getTime()).toBeLessThan(Date.now());
    const daysLeft = (certificate.validToDate.getTime() - Date.now()) / 86_400_000;
    expect(daysLeft).toBeGreaterThan(300);
    expect(daysLeft).toBeLessThan(400);
  });

  test('serves and authenticates a TLS connection', async () => {
    const server = createServer(
      { cert: issued.certificate, key: issued.key, ca: authority.certificate, requestCert: true },
      (socket) => socket.end(),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const client = connect({
      port: address.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: authority.certificate,
      cert: issued.certificate,
      key: issued.key,
    });
    const [accepted] = await Promise.all([once(server, 'secureConnection'), once(client, 'secureConnect')]);
    expect(accepted[0].authorized).toBe(true);
    client.destroy();
    server.close();
  });
});
