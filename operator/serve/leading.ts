import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Agent } from 'undici';
import { failure, type Answer } from './answer.ts';
import { credentialsOf } from './credentials.ts';
import type { KeyPair } from './key-pair.ts';

/** Who leads, as the Lease says. */
export interface Leader {
  readonly identity: string;
  /** `10.0.0.7:8443`, `[fd00::7]:8443`; undefined: it has not said where it can be asked. */
  readonly address: string | undefined;
}

/** Only the leader measures: the others ask it. */
export interface Leading {
  leads(): boolean;
  /** Asks the leader what we were asked, as the one who asked us. */
  forward(request: IncomingMessage): Promise<Answer>;
}

export interface LeadingOptions {
  readonly leads: () => boolean;
  readonly leader: () => Leader | undefined;
  /** Our own certificate: the leader has the same one, and is known by it. */
  readonly keyPair: () => Omit<KeyPair, 'fingerprint256'>;
}

/** Says that a request was forwarded once: a replica that does not lead either sends it no further. */
const forwardedHeader = 'x-genops-forwarded';
const limits = { connections: 8, maxResponseSize: 8 * 1024 * 1024, headersTimeout: 5_000, bodyTimeout: 5_000 };

export function createLeading({ leads, leader, keyPair }: LeadingOptions): Leading & AsyncDisposable {
  let connection: { readonly cert: string; readonly agent: Agent } | undefined;
  const agentFor = (pair: ReturnType<LeadingOptions['keyPair']>): Agent => {
    if (connection?.cert === pair.cert) return connection.agent;
    void connection?.agent.close();
    connection = { cert: pair.cert, agent: new Agent({ ...limits, connect: identityOf(pair) }) };
    return connection.agent;
  };
  return {
    leads,
    async forward(request) {
      const known = leader();
      if (request.headers[forwardedHeader] !== undefined || known === undefined || known.address === undefined)
        return nobody(known);
      try {
        return await ask(agentFor(keyPair()), known.address, request);
      } catch (error) {
        const saw = Error.isError(error) ? error.message : String(error);
        return unavailable(
          `saw no answer of the leader ${known.identity} at ${known.address}: ${saw}; wanted its figures; next: ask again, and look at its log`,
        );
      }
    },
    [Symbol.asyncDispose]: async () => connection?.agent.destroy(),
  };
}

async function ask(dispatcher: Agent, address: string, { url = '/', headers }: IncomingMessage): Promise<Answer> {
  const authorization = credentialsOf(headers);
  const {
    statusCode,
    headers: told,
    body,
  } = await dispatcher.request({
    origin: `https://${address}`,
    path: url,
    method: 'GET',
    headers: { [forwardedHeader]: '1', ...(authorization === undefined ? {} : { authorization }) },
    signal: AbortSignal.timeout(8_000),
  });
  const kept = ['content-type', 'www-authenticate', 'retry-after'].flatMap((name) =>
    typeof told[name] === 'string' ? [[name, told[name]] as const] : [],
  );
  return { status: statusCode, body: await body.text(), headers: Object.fromEntries(kept) };
}

/** How the leader is verified, and how it knows us: its certificate has the name that ours has, and its authority. Where nobody says who that is, it has to be the same certificate. */
function identityOf({ cert, key, ca }: ReturnType<LeadingOptions['keyPair']>) {
  const servername = /DNS:([^,]+)/.exec(new X509Certificate(cert).subjectAltName ?? '')?.[1];
  return {
    cert,
    key,
    ca: ca ?? cert,
    allowPartialTrustChain: true,
    timeout: 3_000,
    ...(servername === undefined ? {} : { servername }),
  };
}

const unavailable = (message: string): Answer => ({
  ...failure(503, 'ServiceUnavailable', message),
  headers: { 'retry-after': '2' },
});

const nobody = (known: Leader | undefined): Answer =>
  unavailable(
    known === undefined
      ? 'saw no leader; wanted one, since only it measures; next: ask again in a moment'
      : `saw the leader ${known.identity} without an address that leads on from here; wanted its figures; next: give every replica --advertise-address, or ask the leader itself`,
  );
