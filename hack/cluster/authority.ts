import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createAuthority, issueCertificate, type CertificateRequest, type KeyPair } from './certificate.ts';

/** Who gets a certificate: file name → whom it names. */
export type Identities = Readonly<Record<string, CertificateRequest>>;

/** The clients of every control plane. `apiserver` serves under `names`. */
export function controlPlaneIdentities(names: readonly string[]): Identities {
  const dns = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  return {
    apiserver: { commonName: 'kube-apiserver', names: [...dns, ...names] },
    'apiserver-kubelet-client': { commonName: 'kube-apiserver-kubelet-client', organization: 'system:masters' },
    admin: { commonName: 'genops-admin', organization: 'system:masters' },
    'controller-manager': { commonName: 'system:kube-controller-manager' },
    scheduler: { commonName: 'system:kube-scheduler' },
  };
}

/**
 * Writes to `folder` the authorities (ca, front-proxy-ca), the certificates of `identities`, the key pair for service account tokens,
 * and a kubeconfig `<name>.kubeconfig` for each identity.
 */
export async function writeCredentials(folder: string, identities: Identities, server: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = createAuthority('genops-ca');
  const frontProxyAuthority = createAuthority('genops-front-proxy-ca'); // its own: who may speak for others is no ordinary client
  const pairs: Record<string, KeyPair> = {
    ca: authority,
    'front-proxy-ca': frontProxyAuthority,
    'front-proxy-client': issueCertificate({ commonName: 'front-proxy-client' }, frontProxyAuthority),
  };
  for (const [name, request] of Object.entries(identities)) {
    const pair = issueCertificate(request, authority);
    pairs[name] = pair;
    await write(join(folder, `${name}.kubeconfig`), kubeconfig(server, authority.certificate, pair));
  }
  for (const [name, pair] of Object.entries(pairs)) {
    await write(join(folder, `${name}.crt`), pair.certificate);
    await write(join(folder, `${name}.key`), pair.key);
  }
  const tokens = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await write(join(folder, 'service-account.key'), tokens.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await write(join(folder, 'service-account.pub'), tokens.publicKey.export({ type: 'spki', format: 'pem' }));
}

/** With everything in it: the file can be copied anywhere. */
export function kubeconfig(server: string, authority: string, client: KeyPair): string {
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'genops', cluster: { server, 'certificate-authority-data': base64(authority) } }],
      users: [
        {
          name: 'genops',
          user: {
            'client-certificate-data': base64(client.certificate),
            'client-key-data': base64(client.key),
          },
        },
      ],
      contexts: [{ name: 'genops', context: { cluster: 'genops', user: 'genops' } }],
      'current-context': 'genops',
    },
    { lineWidth: 0 },
  );
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

async function write(path: string, contents: string | Buffer): Promise<void> {
  await writeFile(path, contents, { mode: 0o600 });
}
