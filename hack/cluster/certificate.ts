import { createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate with its key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** Kubernetes reads it as the user's group. */
  readonly organization?: string;
  /** DNS names and IPv4 addresses; none for a certificate that only identifies a client. */
  readonly names?: readonly string[];
}

const yearMs = 365 * 24 * 3600 * 1000;
const hourMs = 3600 * 1000;

/** A certificate authority that lives for a year. ECDSA P-256: made in a millisecond, where RSA takes a tenth of a second. */
export function createAuthority(commonName: string): KeyPair {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [extension(oid.basicConstraints, sequence(boolean(true)), true), keyUsage(0x06, 1)]; // keyCertSign, cRLSign
  const subject = name({ commonName });
  return assemble(
    { subject, issuer: subject, publicKey: pair.publicKey, signingKey: pair.privateKey, extensions },
    pair,
  );
}

/** A certificate signed by `authority`, good for servers (its `names`) and clients. */
export function issueCertificate(request: CertificateRequest, authority: KeyPair): KeyPair {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const names = request.names ?? [];
  const extensions = [
    keyUsage(0x80, 7), // digitalSignature
    extension(oid.extendedKeyUsage, sequence(objectIdentifier(oid.clientAuth), objectIdentifier(oid.serverAuth))),
    ...(names.length === 0 ? [] : [extension(oid.subjectAltName, sequence(...names.map(alternativeName)))]),
  ];
  const issuer = name({ commonName: commonNameOf(authority) });
  const signingKey = createPrivateKey(authority.key);
  return assemble({ subject: name(request), issuer, publicKey: pair.publicKey, signingKey, extensions }, pair);
}

type Pair = ReturnType<typeof generateKeyPairSync>;

interface Contents {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: Pair['publicKey'];
  readonly signingKey: Pair['privateKey'];
  readonly extensions: readonly Buffer[];
}

function assemble({ subject, issuer, publicKey, signingKey, extensions }: Contents, pair: Pair): KeyPair {
  const now = Date.now();
  const algorithm = sequence(objectIdentifier(oid.ecdsaWithSha256));
  const toBeSigned = sequence(
    tlv(0xa0, integer(2)), // version 3
    serialNumber(),
    algorithm,
    issuer,
    sequence(utcTime(new Date(now - hourMs)), utcTime(new Date(now + yearMs))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', toBeSigned, signingKey);
  return {
    certificate: pem('CERTIFICATE', sequence(toBeSigned, algorithm, bitString(signature, 0))),
    key: pem('PRIVATE KEY', pair.privateKey.export({ type: 'pkcs8', format: 'der' })),
  };
}

// Just enough of DER (X.690) for the certificates above (RFC 5280).

const oid = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

function tlv(tag: number, ...contents: readonly Buffer[]): Buffer {
  const value = Buffer.concat(contents);
  if (value.length < 0x80) return Buffer.concat([Buffer.from([tag, value.length]), value]);
  const length = Buffer.from(value.length.toString(16).padStart(value.length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, value]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return tlv(0x30, ...contents);
}

function boolean(value: boolean): Buffer {
  return tlv(0x01, Buffer.from([value ? 0xff : 0]));
}

/** A small positive number. */
function integer(value: number): Buffer {
  return tlv(0x02, Buffer.from([value]));
}

/** 64 random bits behind 0x40: positive, and without the leading zero byte that DER forbids. */
function serialNumber(): Buffer {
  return tlv(0x02, Buffer.from([0x40]), randomBytes(8));
}

function bitString(value: Buffer, unusedBits: number): Buffer {
  return tlv(0x03, Buffer.from([unusedBits]), value);
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): readonly number[] {
  const last = value & 0x7f;
  const groups: number[] = [last];
  for (let left = value >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
  return groups;
}

function utcTime(date: Date): Buffer {
  return tlv(0x17, Buffer.from(date.toISOString().replaceAll(/^..|[-:T]|\..*$/g, '') + 'Z'));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), tlv(0x04, value));
}

function keyUsage(bits: number, unusedBits: number): Buffer {
  return extension(oid.keyUsage, bitString(Buffer.from([bits]), unusedBits), true);
}

function name({ commonName, organization }: CertificateRequest): Buffer {
  const attribute = (id: string, value: string): Buffer =>
    tlv(0x31, sequence(objectIdentifier(id), tlv(0x0c, Buffer.from(value))));
  return sequence(
    ...(organization === undefined ? [] : [attribute(oid.organization, organization)]),
    attribute(oid.commonName, commonName),
  );
}

function alternativeName(value: string): Buffer {
  return isIP(value) === 4 ? tlv(0x87, Buffer.from(value.split('.').map(Number))) : tlv(0x82, Buffer.from(value));
}

function commonNameOf({ certificate }: KeyPair): string {
  return new X509Certificate(certificate).subject.replace(/^CN=/, '');
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
