import { isIP } from 'node:net';
import { Problem } from '../../api/problem.ts';
import {
  certificatesOf,
  decoded,
  hostFrom,
  invalidSecret,
  labelOf,
  portOf,
  type Certificates,
  type SecretData,
  type SecretName,
} from '../server-address.ts';
import type { Endpoint } from './topology.ts';

/** Where a server is and how to get in. Holds secrets: only `label` may be shown. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: Certificates;
  /** `host:port`, for messages. */
  readonly label: string;
}

const keys =
  'uri (redis://user:password@host:6379), or host with port, username, password, ca.crt, tls.crt and tls.key';

/**
 * Reads the Secret of a Redis: `uri` or `url`, else `host` and the rest; credentials beside an URI fill in what it leaves out.
 *
 * @throws {Problem} SecretNotFound for a missing key, SecretInvalid for one that cannot be read.
 */
export function redisAddress(data: SecretData, secret: SecretName): RedisAddress {
  const text = (key: string): string | undefined => data[key]?.toString('utf8').trim() || undefined;
  const uri = text('uri') ?? text('url');
  const fromUri = uri === undefined ? undefined : parseUri(uri, secret);
  const given = fromUri?.host ?? text('host');
  if (given === undefined) {
    throw new Problem('SecretNotFound', {
      saw: `Secret ${secret.namespace}/${secret.name} with neither uri nor host`,
      wanted: 'the address of the server',
      next: `give it the keys ${keys}`,
    });
  }
  const host = hostFrom(given, secret);
  const port = fromUri?.port ?? portOf(text('port') ?? '6379', secret);
  const username = fromUri?.username ?? text('username');
  const password = fromUri?.password ?? text('password');
  const hasCertificates = data['ca.crt'] !== undefined || data['tls.crt'] !== undefined;
  return {
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...((fromUri?.secure ?? hasCertificates) ? { tls: certificatesOf(data, given) } : {}),
    label: labelOf(host, port),
  };
}

/** Another node of the same topology: the same credentials. A node that is announced by its IP shows the certificate of the name in the Secret. */
export function nodeAddress(address: RedisAddress, { host, port }: Endpoint): RedisAddress {
  const tls = address.tls === undefined || isIP(host) !== 0 ? address.tls : { ...address.tls, servername: host };
  return { ...address, host, port, ...(tls === undefined ? {} : { tls }), label: labelOf(host, port) };
}

interface UriParts {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly secure: boolean;
}

function parseUri(uri: string, secret: SecretName): UriParts {
  // Neither the text nor URL's own error may get into a message: both hold the password.
  const url = URL.parse(uri);
  const scheme = url?.protocol;
  if (url === null || url.hostname === '' || (scheme !== 'redis:' && scheme !== 'rediss:')) {
    throw invalidSecret(secret, {
      saw: 'an uri that is no address of a Redis',
      wanted: 'redis://user:password@host:6379, or rediss:// for TLS',
      next: 'correct it; special characters of a password are percent-encoded',
    });
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    username: decoded(url.username, secret),
    password: decoded(url.password, secret),
    secure: scheme === 'rediss:',
  };
}
