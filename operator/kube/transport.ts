import { isDeepStrictEqual } from 'node:util';

import { Pool, ProxyAgent, type Dispatcher } from 'undici';

import type { ClusterConfig, Identity, TlsIdentity } from './config.ts';

/**
 * The dispatcher to the API server and the headers that say who we are.
 *
 * client-node makes a new agent, so a new TLS handshake, for each request (3 ms of CPU on each side, 169 instead of 520 applies a second).
 * Here one pool is kept until the certificates change.
 */
export class Transport implements AsyncDisposable {
  readonly #config: ClusterConfig;
  readonly #options: TransportOptions;
  #identity: Promise<Identity> | undefined;
  #identityUntil = 0;
  #tls: TlsIdentity | undefined;
  #requests: Dispatcher | undefined;
  #streams: Dispatcher | undefined;
  #isClosed = false;

  constructor(config: ClusterConfig, options: TransportOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** `streams` have connections of their own: a watch never waits for a request, nor a request for a watch. */
  async dispatcher(
    use: 'requests' | 'streams',
  ): Promise<{ readonly dispatcher: Dispatcher; readonly headers: Readonly<Record<string, string>> }> {
    const { tls, headers } = await this.#currentIdentity();
    if (this.#isClosed) throw new Error('the connection to the API server was closed');
    if (!isDeepStrictEqual(tls, this.#tls)) this.#retire(tls);
    if (use === 'requests')
      return { headers, dispatcher: (this.#requests ??= this.#connect(tls, this.#options.connections)) };
    return { headers, dispatcher: (this.#streams ??= this.#connect(tls, undefined)) };
  }

  /** After a 401: the next request asks for credentials anew. */
  forgetIdentity(): void {
    this.#identity = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#requests?.destroy(), this.#streams?.destroy()]);
  }

  /** Kept for ten seconds: reading it looks at files, and may ask a credential plug-in. */
  #currentIdentity(): Promise<Identity> {
    if (this.#identity !== undefined && performance.now() < this.#identityUntil) return this.#identity;
    const identity = this.#config.identity();
    this.#identity = identity;
    this.#identityUntil = performance.now() + 10_000;
    identity.catch(() => {
      if (this.#identity === identity) this.#identity = undefined; // a plug-in that failed is asked again by the next request
    });
    return identity;
  }

  /** New certificates: what is under way ends on the old connections, which then close. */
  #retire(tls: TlsIdentity): void {
    this.#requests?.close().catch(() => undefined); // nothing is left to be done with a connection that does not close
    this.#streams?.close().catch(() => undefined);
    this.#requests = undefined;
    this.#streams = undefined;
    this.#tls = tls;
  }

  #connect(tls: TlsIdentity, connections: number | undefined): Dispatcher {
    const { server, proxy } = this.#config;
    const keepAlive = { keepAliveTimeout: 60_000, keepAliveMaxTimeout: 80_000 }; // the API server closes idle connections after 90 s
    const timeouts = { headersTimeout: 0, bodyTimeout: 0 }; // each request has a deadline of its own
    // HTTP/1.1: equal in throughput, and a request or watch that is given up takes its connection with it. Over HTTP/2 a dead one would be used again and again.
    const limit = { allowH2: false, ...(connections === undefined ? {} : { connections }) };
    if (proxy !== undefined)
      return new ProxyAgent({ uri: proxy, requestTls: tls, ...keepAlive, ...timeouts, ...limit });
    const connect = { ...tls, timeout: this.#options.connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: 30_000 };
    return new Pool(server, { connect, ...keepAlive, ...timeouts, ...limit });
  }
}

export interface TransportOptions {
  /** For requests; streams have as many as they need. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
}
