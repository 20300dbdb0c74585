import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** How this cluster's API server proves that it is the one who asks: ConfigMap kube-system/extension-apiserver-authentication. */
export interface FrontProxy {
  /** PEM bundle that signs the front proxy's client certificates. */
  readonly ca: string;
  /** Common names that it may have; empty: any that `ca` signed. */
  readonly allowedNames: readonly string[];
  /** Headers that name the user, lower case. */
  readonly usernameHeaders: readonly string[];
}

/** @returns undefined where the cluster has no aggregation layer, or the ConfigMap is not what it should be. */
export function frontProxyFrom(data: Readonly<Record<string, string>> | undefined): FrontProxy | undefined {
  const ca = data?.['requestheader-client-ca-file'];
  const [allowedNames, usernameHeaders] = [
    stringList(data?.['requestheader-allowed-names']),
    stringList(data?.['requestheader-username-headers']),
  ];
  if (
    ca === undefined ||
    !ca.includes('-----BEGIN CERTIFICATE-----') ||
    allowedNames === undefined ||
    usernameHeaders === undefined
  )
    return undefined;
  return { ca, allowedNames, usernameHeaders: usernameHeaders.map((header) => header.toLowerCase()) };
}

function stringList(json: string | undefined): readonly string[] | undefined {
  if (json === undefined) return [];
  try {
    const parsed: unknown = JSON.parse(json);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === 'string') ? parsed : undefined;
  } catch (error) {
    if (Error.isError(error) && error.name === 'SyntaxError') return undefined;
    throw error;
  }
}

/** The common name in a client's certificate. */
export type PeerName = (socket: TLSSocket) => string | undefined;

/** Remembers it for each connection: taking a certificate apart costs more than answering, and the API server keeps its connections. */
export function createPeerNames(): PeerName {
  const names = new WeakMap<TLSSocket, string | undefined>();
  return (socket) => {
    if (!names.has(socket)) {
      const { CN } = socket.getPeerCertificate().subject;
      names.set(socket, Array.isArray(CN) ? CN[0] : CN);
    }
    return names.get(socket);
  };
}

export type Refusal = { readonly status: 401 | 403; readonly message: string };

/**
 * Why a request is refused; undefined when it comes from the API server, which has then authenticated and authorised its user.
 * The TLS server must ask for client certificates and have `frontProxy.ca` as its only authority.
 */
export function refusal(
  { socket, headers }: IncomingMessage,
  frontProxy: FrontProxy | undefined,
  peerName: PeerName,
): Refusal | undefined {
  if (frontProxy === undefined) return { status: 401, message: 'the request-header CA of this cluster is not known' };
  if (!(socket instanceof TLSSocket) || !socket.authorized)
    return { status: 401, message: 'only the API server may ask here: use kubectl get --raw' };
  const name = peerName(socket);
  if (frontProxy.allowedNames.length > 0 && !frontProxy.allowedNames.includes(name ?? ''))
    return { status: 403, message: `client certificate ${name ?? ''} is not one of the front proxy` };
  if (!frontProxy.usernameHeaders.some((header) => headers[header] !== undefined && headers[header] !== ''))
    return { status: 401, message: 'the front proxy names no user' };
  return undefined;
}
