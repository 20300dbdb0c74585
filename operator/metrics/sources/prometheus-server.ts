import { isIP } from 'node:net';
import { createHash } from 'node:crypto';
import { Agent } from 'undici';
import { isProblem } from '../../api/problem.ts';
import { guardedLookup, anotherAddress, type AddressGuard } from '../address-guard.ts';
import { fetchPage, type Access } from './fetch.ts';
import { createJoins, type Joins } from './joins.ts';
import { createSharedAnswers } from './shared.ts';
import { seriesFrom, type SeriesByPod } from './series.ts';
import { failed, type ReadFailure } from './source.ts';

export type SecretData = Readonly<Record<string, Buffer>>;

/** Where a Prometheus is, and how to get in. */
export interface PrometheusServer {
  /** Undefined: the operator's own. */
  readonly url: string | undefined;
  readonly secret: { readonly namespace: string; readonly name: string } | undefined;
}

export type QueryAnswer =
  | {
      readonly result: 'answered';
      readonly series: SeriesByPod;
      /** When the answer began, ms of performance.now(). */
      readonly monotonic: number;
    }
  | { readonly result: 'failed'; readonly failure: ReadFailure };

export interface PrometheusServers extends AsyncDisposable {
  /** An instant query, asked once for all who ask the same of the same server within `maxAgeMs`. @param taken The answer that the asker took last. */
  query(
    server: PrometheusServer,
    text: string,
    how: { readonly maxAgeMs: number; readonly timeoutMs: number; readonly taken: QueryAnswer | undefined },
  ): Promise<QueryAnswer>;
  /** Of all who ask. */
  readonly joins: Joins;
}

export interface PrometheusServersOptions {
  /** One Secret by name; undefined where it is not there. @throws {Problem} where it may not be read. */
  readonly readSecret: (namespace: string, name: string, signal: AbortSignal) => Promise<SecretData | undefined>;
  /** Of addresses that users name; the operator's own server is its administrator's word. */
  readonly guard: AddressGuard;
  /** The operator's own; undefined where it was started without. */
  readonly url: string | undefined;
  /** 28 000 series fit into the default; what is longer is cut off and fails. */
  readonly maxResponseBytes?: number;
}

/** A server with its connections, as its Secret was when it was last read. */
interface Client {
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly fingerprint: string;
  readAt: number;
  usedAt: number;
}

/** A Secret that was changed is noticed within this time, or as soon as a query fails. */
const secretAgeMs = 60_000;
const idleMs = 10 * 60_000;
const types = { pattern: /^application\/json\b/i, name: 'JSON' };

/** Who has a Secret corrects it, who has none names one: also for the operator's own server, to which its option gives no login. */
function accessTo({ url, secret }: PrometheusServer): Access {
  const at = 'metrics[].prometheus.secretRef';
  const login = 'token, username and password, or a client certificate';
  const certificates = 'ca.crt of its authority, and tls.crt and tls.key where it asks for a certificate';
  if (secret !== undefined) {
    const name = `Secret ${secret.namespace}/${secret.name}`;
    return { refused: `correct ${name}: ${login}`, untrusted: `correct ${name}: ${certificates}` };
  }
  const refused = `name a Secret with ${login} in ${at}`;
  const untrusted = `name a Secret with ${certificates} in ${at}`;
  if (url !== undefined) return { refused, untrusted };
  return {
    refused: `${refused}: --prometheus-url gives no login`,
    untrusted: `have the operator believe its authority (NODE_EXTRA_CA_CERTS; extraAuthorities of the chart), or ${untrusted}`,
  };
}

export function createPrometheusServers(options: PrometheusServersOptions): PrometheusServers {
  const answers = createSharedAnswers<QueryAnswer>();
  const clients = new Map<string, Client>();
  return {
    joins: createJoins(),
    query: (server, text, { maxAgeMs, timeoutMs, taken }) =>
      answers.ask(JSON.stringify([keyOf(server), text]), { maxAgeMs, taken }, () =>
        ask(server, text, { ...options, clients, signal: AbortSignal.timeout(timeoutMs) }),
      ),
    async [Symbol.asyncDispose]() {
      await Promise.all([...clients.values()].map(({ agent }) => agent.destroy()));
      clients.clear();
    },
  };
}

const keyOf = ({ url, secret }: PrometheusServer): string => JSON.stringify([url, secret?.namespace, secret?.name]);

interface AskDeps extends PrometheusServersOptions {
  readonly clients: Map<string, Client>;
  readonly signal: AbortSignal;
}

async function ask(server: PrometheusServer, text: string, deps: AskDeps): Promise<QueryAnswer> {
  const { clients, signal } = deps;
  const target = targetOf(server, deps);
  if ('failure' in target) return target;
  const client = await clientOf(server, target.url, deps);
  if ('failure' in client) return client;
  const { url } = target;
  const page = await fetchPage(
    {
      dispatcher: client.agent,
      origin: url.origin,
      path: `${url.pathname.replace(/\/+$/, '')}/api/v1/query`,
      method: 'POST',
      headers: { ...client.headers, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ query: text }).toString(),
      types,
      access: accessTo(server),
      alsoRead: [400, 422, 503], // with these Prometheus says what was wrong with the query
    },
    signal,
  );
  if ('reason' in page) {
    client.readAt = -Infinity; // perhaps its Secret has changed
    return { result: 'failed', failure: page };
  }
  for (const [key, other] of clients) {
    if (performance.now() - other.usedAt <= idleMs) continue;
    clients.delete(key);
    void other.agent.destroy();
  }
  const series = seriesFrom(page.text, url.origin);
  return 'failure' in series
    ? { result: 'failed', failure: series.failure }
    : { result: 'answered', series, monotonic: page.monotonic };
}

/** A host that is an address is looked at here, since nobody looks it up; a name at each connection. */
function targetOf(
  { url: own }: PrometheusServer,
  { url: given, guard }: AskDeps,
): { readonly url: URL } | ReturnType<typeof failed> {
  const text = own ?? given;
  if (text === undefined)
    return failed(
      'AddressRefused',
      'no address of a Prometheus',
      'name it in metrics[].prometheus.url, or start the operator with --prometheus-url',
    );
  const url = URL.parse(text);
  if (url === null) return failed('AddressRefused', `the address of Prometheus, ${text}, is no URL`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (own !== undefined && isIP(host) !== 0 && !guard(host, portOf(url)))
    return failed('AddressRefused', `${host} is not an address to read metrics from`, anotherAddress(host));
  return { url };
}

const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));

async function clientOf(
  server: PrometheusServer,
  url: URL,
  deps: AskDeps,
): Promise<Client | ReturnType<typeof failed>> {
  const { clients } = deps;
  const key = keyOf(server);
  const known = clients.get(key);
  const now = performance.now();
  if (known !== undefined && now - known.readAt < secretAgeMs) return Object.assign(known, { usedAt: now });
  const secret = await secretOf(server, deps);
  if (secret.result === 'failed') return secret;
  const { data } = secret;
  const fingerprint = fingerprintOf(data);
  const current = clients.get(key); // another query may have been here meanwhile
  if (current?.fingerprint === fingerprint) return Object.assign(current, { usedAt: now, readAt: now });
  const login = authorization(data);
  if (login.result === 'failed') return login;
  const { headers } = login;
  const client = { agent: agentFor(server, url, data, deps), headers, fingerprint, readAt: now, usedAt: now };
  clients.set(key, client);
  void current?.agent.close();
  return client;
}

async function secretOf(
  { secret }: PrometheusServer,
  { readSecret, signal }: AskDeps,
): Promise<{ readonly result: 'read'; readonly data: SecretData } | ReturnType<typeof failed>> {
  if (secret === undefined) return { result: 'read', data: {} };
  const { namespace, name } = secret;
  try {
    const data = await readSecret(namespace, name, signal);
    if (data === undefined)
      return failed('Secret', `no Secret ${namespace}/${name}`, 'create it, or correct metrics[].prometheus.secretRef');
    if (!secretKeys.some((key) => data[key] !== undefined))
      return failed(
        'Secret',
        `none of its keys in Secret ${namespace}/${name}`,
        `it has some of ${secretKeys.join(', ')}`,
      );
    return { result: 'read', data };
  } catch (error) {
    if (isProblem(error)) return failed('Secret', error.saw, error.next);
    if (signal.aborted || (Error.isError(error) && error.name === 'ApiError'))
      return failed('Secret', `Secret ${namespace}/${name} could not be read just now`);
    throw error;
  }
}

/** What is read of a Secret; one that has none of them is a slip of the pen, and no server without a login. */
const secretKeys = ['token', 'username', 'password', 'ca.crt', 'tls.crt', 'tls.key'] as const;

const text = (data: SecretData, key: string): string | undefined => data[key]?.toString('utf8').trim() || undefined;

function authorization(
  data: SecretData,
): { readonly result: 'read'; readonly headers: Readonly<Record<string, string>> } | ReturnType<typeof failed> {
  const [token, username, password] = [text(data, 'token'), text(data, 'username'), text(data, 'password')];
  const headers = (authorized?: string) =>
    ({ result: 'read', headers: authorized === undefined ? {} : { authorization: authorized } }) as const;
  if (token !== undefined)
    return /^[\x21-\x7e]+$/.test(token)
      ? headers(`Bearer ${token}`)
      : failed('Secret', 'a key token that is no token', 'it is one line of printable characters');
  if (username === undefined && password === undefined) return headers();
  if (username === undefined || password === undefined)
    return failed('Secret', 'one of username and password', 'the Secret has both, or token, or neither');
  return headers(`Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
}

function agentFor({ url: own }: PrometheusServer, url: URL, data: SecretData, deps: AskDeps): Agent {
  const { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key } = data;
  return new Agent({
    connections: 4,
    keepAliveTimeout: 60_000,
    maxResponseSize: deps.maxResponseBytes ?? 4 * 1024 * 1024,
    headersTimeout: 0, // each request has its own time-out by signal
    bodyTimeout: 0,
    connect: {
      timeout: 10_000,
      ...(own === undefined ? {} : { lookup: guardedLookup(deps.guard, portOf(url)) }),
      ...(url.protocol === 'https:' && {
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      }),
    },
  });
}

function fingerprintOf(data: SecretData): string {
  const hash = createHash('sha256');
  for (const key of secretKeys) hash.update(`${key} ${data[key]?.length ?? -1} `).update(data[key] ?? '');
  return hash.digest('base64');
}
