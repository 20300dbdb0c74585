import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { Logger } from '../kube/logger.ts';
import { failure, send, type Answer } from './answer.ts';
import { followKeyPair, readKeyPair, type KeyPair } from './key-pair.ts';
import { listen, type Listening } from './listen.ts';

export interface SecureServerOptions {
  /** `:8443`; see {@link listen}. */
  readonly address: string;
  /** Folder with tls.crt and tls.key, as a Secret of type kubernetes.io/tls is mounted. Read again when they change. */
  readonly certDir: string;
  readonly logger: Logger;
  /** How often the files are looked at; default 30 s. */
  readonly lookEveryMs?: number;
  /** Ends the looking after the files. */
  readonly signal: AbortSignal;
  /** Whether clients are asked for certificates. None is refused for lacking one: that is for who answers. */
  readonly asksForCertificates: boolean;
}

export interface SecureServer extends Listening {
  /** The pair that is served now. */
  keyPair(): KeyPair;
  /** PEM bundle by which clients' certificates are judged from now on. */
  trustClients(ca: string | undefined): void;
}

const limits = { requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 16_384, keepAliveTimeout: 30_000 };
const mostConnections = 500;

/**
 * HTTPS with a certificate from files. Requests have no body here: one that has is refused before anybody sees it.
 *
 * @throws when the certificate cannot be read or the address cannot be had.
 */
export async function serveSecurely(
  options: SecureServerOptions,
  answer: (request: IncomingMessage) => Answer | Promise<Answer>,
): Promise<SecureServer> {
  const { certDir, logger, signal, lookEveryMs = 30_000, asksForCertificates } = options;
  let keyPair = await readKeyPair(certDir);
  let clientCa: string | undefined;
  const tls = ({ cert, key }: KeyPair) => ({
    cert,
    key,
    ...(clientCa === undefined ? {} : { ca: clientCa }),
    minVersion: 'TLSv1.2' as const,
  });
  const server = createServer(
    { ...limits, ...tls(keyPair), requestCert: asksForCertificates, rejectUnauthorized: false },
    (request, response) => void answered(request, answer, logger).then((ready) => send(response, ready)),
  );
  server.maxConnections = mostConnections;
  const ended = new AbortController();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => ended.abort());
  void followKeyPair(
    { certDir, logger, lookEveryMs, initial: keyPair, signal: AbortSignal.any([signal, ended.signal]) },
    (next) => {
      server.setSecureContext(tls(next)); // throws where the two do not belong together: one file is written before the other
      keyPair = next;
    },
  );
  const listening = stack.use(await listen(server, options.address));
  const owned = stack.move();
  return {
    port: listening.port,
    keyPair: () => keyPair,
    trustClients(ca) {
      clientCa = ca;
      server.setSecureContext(tls(keyPair));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function answered(
  request: IncomingMessage,
  answer: (request: IncomingMessage) => Answer | Promise<Answer>,
  logger: Logger,
): Promise<Answer> {
  try {
    return hasBody(request) ? tooLarge : await answer(request);
  } catch (error) {
    logger.error('a request could not be answered', { path: request.url?.split('?', 1)[0], error });
    return failure(500, 'InternalError', 'the request could not be answered; the log of the operator says why');
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
/** What would still come is not read: the connection ends. */
const tooLarge: Answer = {
  ...failure(413, 'RequestEntityTooLarge', 'saw a request with a body; wanted one without; next: ask with GET'),
  headers: { connection: 'close' },
};
