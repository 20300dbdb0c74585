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

/** Where a server is and how to get in. Holds secrets: only `label` may be shown. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  readonly tls?: Tls;
  /** `host:port`, for messages. */
  readonly label: string;
}

interface Tls extends Certificates {
  /** Nobody: encrypted and no more. Authority: a certificate of any host that `ca` signed. Host: of this host. */
  readonly verify: 'Nobody' | 'Authority' | 'Host';
}

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof sslModes)[number];

/**
 * Reads the Secret of a PostgreSQL: `uri` or `url`, else `host` and the rest; what an URI leaves out is filled in from beside it.
 *
 * `sslmode` means what it means to libpq, but that `allow` and `prefer` go without TLS; without it TLS is spoken, and the host verified, where `ca.crt` or `tls.crt` is there.
 *
 * @throws {Problem} SecretNotFound for a missing key, SecretInvalid for one that cannot be read.
 */
export function postgresAddress(data: SecretData, secret: SecretName): PostgresAddress {
  const text = (...keys: readonly string[]): string | undefined =>
    keys.map((key) => data[key]?.toString('utf8').trim()).find((value) => value !== undefined && value !== '');
  const uri = text('uri', 'url');
  const fromUri = uri === undefined ? undefined : parseUri(uri, secret);
  const given = fromUri?.host ?? text('host') ?? missing(secret, 'host');
  const host = hostFrom(given, secret);
  const port = portOf(fromUri?.port ?? text('port') ?? '5432', secret);
  const user = fromUri?.user ?? text('username', 'user') ?? missing(secret, 'username');
  const password = fromUri?.password ?? text('password');
  const database = fromUri?.database ?? text('dbname', 'database') ?? user;
  if ([user, password, database].some((value) => value?.includes('\0') === true)) withNul(secret);
  const tls = tlsOf(data, sslModeOf(fromUri?.sslMode ?? text('sslmode'), data, secret), given);
  return {
    host,
    port,
    user,
    ...(password === undefined ? {} : { password }),
    database,
    ...(tls === undefined ? {} : { tls }),
    label: labelOf(host, port),
  };
}

interface UriParts {
  readonly host: string;
  readonly port: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly sslMode: string | undefined;
}

function parseUri(uri: string, secret: SecretName): UriParts {
  // Neither the text nor URL's own error may get into a message: both hold the password.
  const url = URL.parse(uri);
  if (url === null || url.hostname === '' || !/^postgres(?:ql)?:$/.test(url.protocol))
    throw invalidSecret(secret, {
      saw: 'an uri that is no address of one PostgreSQL',
      wanted: 'postgresql://user:password@host:5432/database?sslmode=verify-full',
      next: 'correct it; special characters of a password are percent-encoded',
    });
  return {
    host: decoded(url.hostname, secret)?.replace(/^\[(.*)\]$/, '$1') ?? '',
    port: url.port || undefined,
    user: decoded(url.username, secret),
    password: decoded(url.password, secret),
    database: decoded(url.pathname.slice(1), secret),
    sslMode: url.searchParams.get('sslmode') ?? undefined,
  };
}

function sslModeOf(text: string | undefined, data: SecretData, secret: SecretName): SslMode {
  if (text === undefined)
    return data['ca.crt'] !== undefined || data['tls.crt'] !== undefined ? 'verify-full' : 'prefer';
  const mode = sslModes.find((one) => one === text);
  if (mode !== undefined) return mode;
  throw invalidSecret(secret, {
    saw: 'a sslmode that PostgreSQL does not have',
    wanted: sslModes.join(', '),
    next: 'correct it',
  });
}

function tlsOf(data: SecretData, mode: SslMode, host: string): Tls | undefined {
  if (mode === 'disable' || mode === 'allow' || mode === 'prefer') return undefined;
  const certificates = certificatesOf(data, host);
  const unproven = certificates.ca === undefined ? 'Nobody' : 'Authority'; // as libpq: with an authority at hand, require verifies it
  return {
    ...certificates,
    verify: mode === 'verify-full' ? 'Host' : mode === 'verify-ca' ? 'Authority' : unproven,
  };
}

/** The protocol ends a text with it: what follows would be taken for settings of the session. @throws {Problem} SecretInvalid */
function withNul(secret: SecretName): never {
  throw invalidSecret(secret, {
    saw: 'a username, password or database with a NUL in it',
    wanted: 'texts without one',
    next: 'correct it',
  });
}

const keys =
  'uri (postgresql://user:password@host:5432/database), or host with port, username, password, dbname, sslmode, ca.crt, tls.crt and tls.key';

function missing({ namespace, name }: SecretName, key: string): never {
  throw new Problem('SecretNotFound', {
    saw: `Secret ${namespace}/${name} with neither uri nor ${key}`,
    wanted: 'the address of the server and a role',
    next: `give it the keys ${keys}`,
  });
}
