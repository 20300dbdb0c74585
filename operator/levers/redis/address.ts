import { isIP } from 'node:net';
import { Problem } from '../../api/problem.ts';

/** A Secret's `data`, decoded. */
export type SecretData = Readonly<Record<string, Buffer>>;

/** Where a server is and how to get in. Holds secrets: only `label` may be shown. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer; readonly servername?: string };
  /** `host:port`, for messages. */
  readonly label: string;
}

const keys =
  'uri (redis://user:password@host:6379), or host with port, username, password, ca.crt, tls.crt and tls.key';

/**
 * Reads the Secret of a Redis: `uri` or `url`, else `host` and the rest; credentials beside an URI fill in what it leaves out.
 *
 * A host of one label is a Service in the Secret's own namespace, as the workload that shares the Secret sees it.
 *
 * @param secret Its namespace and name, for messages too; no message holds a value of the Secret.
 * @throws {Problem} SecretNotFound for a missing key, SecretInvalid for one that cannot be read.
 */
export function redisAddress(
  data: SecretData,
  secret: { readonly namespace: string; readonly name: string },
): RedisAddress {
  const secretName = `${secret.namespace}/${secret.name}`;
  const text = (key: string): string | undefined => data[key]?.toString('utf8').trim() || undefined;
  const uri = text('uri') ?? text('url');
  const fromUri = uri === undefined ? undefined : parseUri(uri, secretName);
  const given = fromUri?.host ?? text('host');
  if (given === undefined) {
    throw new Problem('SecretNotFound', {
      saw: `Secret ${secretName} with neither uri nor host`,
      wanted: 'the address of the server',
      next: `give it the keys ${keys}`,
    });
  }
  const host = isShort(given) ? `${given}.${secret.namespace}.svc` : given;
  const port = fromUri?.port ?? portOf(text('port') ?? '6379', secretName);
  const username = fromUri?.username ?? text('username');
  const password = fromUri?.password ?? text('password');
  const hasCertificates = data['ca.crt'] !== undefined || data['tls.crt'] !== undefined;
  return {
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...((fromUri?.secure ?? hasCertificates) ? { tls: tlsOf(data, given) } : {}),
    label: isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`,
  };
}

const isShort = (host: string): boolean => !host.includes('.') && host !== 'localhost' && isIP(host) === 0;

interface UriParts {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly secure: boolean;
}

function parseUri(uri: string, secretName: string): UriParts {
  // Neither the text nor URL's own error may get into a message: both hold the password.
  const url = URL.parse(uri);
  const scheme = url?.protocol;
  if (url === null || url.hostname === '' || (scheme !== 'redis:' && scheme !== 'rediss:')) {
    throw new Problem('SecretInvalid', {
      saw: `an uri in Secret ${secretName} that is no address of a Redis`,
      wanted: 'redis://user:password@host:6379, or rediss:// for TLS',
      next: 'correct it; special characters of a password are percent-encoded',
    });
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    username: decoded(url.username, secretName),
    password: decoded(url.password, secretName),
    secure: scheme === 'rediss:',
  };
}

function decoded(part: string, secretName: string): string | undefined {
  try {
    return decodeURIComponent(part) || undefined;
  } catch {
    throw new Problem('SecretInvalid', {
      saw: `an uri in Secret ${secretName} with a % that encodes nothing`,
      wanted: 'percent-encoded credentials',
      next: 'write % as %25, or use the keys host, username and password',
    });
  }
}

function portOf(text: string, secretName: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Problem('SecretInvalid', {
    saw: `a port in Secret ${secretName} that is none`,
    wanted: 'a number from 1 to 65535',
    next: 'correct the key port',
  });
}

function tlsOf(data: SecretData, host: string): NonNullable<RedisAddress['tls']> {
  const { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key } = data;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
  };
}
