import { isIP } from 'node:net';
import { Problem } from '../api/problem.ts';

/** A Secret's `data`, decoded. */
export type SecretData = Readonly<Record<string, Buffer>>;

/** For messages, none of which holds a value of the Secret. */
export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** A host of one label is a Service in the Secret's own namespace, as the workload that shares the Secret sees it. @throws {Problem} SecretInvalid */
export function hostFrom(given: string, secret: SecretName): string {
  if (isIP(given) !== 0) return given;
  if (!/^[\w.-]+$/.test(given))
    throw invalidSecret(secret, {
      saw: 'a host that is no name and no address',
      wanted: 'one host name or IP address, without a port',
      next: 'correct the key host; the port has a key of its own',
    });
  return given.includes('.') || given === 'localhost' ? given : `${given}.${secret.namespace}.svc`;
}

/** `host:port`, for messages. */
export const labelOf = (host: string, port: number): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;

/** @throws {Problem} SecretInvalid */
export function portOf(text: string, secret: SecretName): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw invalidSecret(secret, {
    saw: 'a port that is none',
    wanted: 'a number from 1 to 65535',
    next: 'correct the key port',
  });
}

/** One part of an URI; undefined where it is empty. @throws {Problem} SecretInvalid */
export function decoded(part: string, secret: SecretName): string | undefined {
  try {
    return decodeURIComponent(part) || undefined;
  } catch {
    throw invalidSecret(secret, {
      saw: 'an uri with a % that encodes nothing',
      wanted: 'percent-encoded credentials',
      next: 'write % as %25, or use the keys host, username and password',
    });
  }
}

export interface Certificates {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Absent where the host is an address: no certificate has a name for it. */
  readonly servername?: string;
}

/** @param host As the Secret gives it: the name that the certificate is for. */
export const certificatesOf = (
  { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key }: SecretData,
  host: string,
): Certificates => ({
  ...(ca === undefined ? {} : { ca }),
  ...(cert === undefined ? {} : { cert }),
  ...(key === undefined ? {} : { key }),
  ...(isIP(host) === 0 ? { servername: host } : {}),
});

export const invalidSecret = (
  { namespace, name }: SecretName,
  { saw, wanted, next }: { readonly saw: string; readonly wanted: string; readonly next: string },
): Problem => new Problem('SecretInvalid', { saw: `${saw} in Secret ${namespace}/${name}`, wanted, next });
