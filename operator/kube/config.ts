import type { RequestOptions } from 'node:https';

import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';

/** Where the API server is and who we are. */
export interface ClusterConfig {
  /** `https://10.96.0.1:443`, without a trailing slash. */
  readonly server: string;
  /** Namespace of the kubeconfig's context or of our service account; `default` when neither names one. */
  readonly namespace: string;
  /** An HTTP proxy, from the kubeconfig's proxy-url. */
  readonly proxy: string | undefined;
  /** TLS and headers for the next connection or request. Re-reads token and certificate files, runs credential plug-ins when theirs expired. */
  identity(): Promise<Identity>;
}

export interface Identity {
  readonly tls: TlsIdentity;
  /** Authorization, Impersonate-User. */
  readonly headers: Readonly<Record<string, string>>;
}

/** PEM. */
export interface TlsIdentity {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/**
 * Configuration as kubectl finds it: the given kubeconfig, $KUBECONFIG, ~/.kube/config, or the service account of the Pod.
 *
 * @throws Error that says which file was looked at, when there is none or it does not parse.
 */
export async function loadConfig({
  kubeconfig,
  context,
}: { readonly kubeconfig?: string | undefined; readonly context?: string | undefined } = {}): Promise<ClusterConfig> {
  const kubeConfig = await emptyKubeConfig();
  try {
    if (kubeconfig === undefined) kubeConfig.loadFromDefault();
    else kubeConfig.loadFromFile(kubeconfig);
    if (context !== undefined) kubeConfig.setCurrentContext(context);
    return fromKubeConfig(kubeConfig);
  } catch (error) {
    const wanted = kubeconfig ?? process.env['KUBECONFIG'] ?? '~/.kube/config or the service account of a Pod';
    throw new Error(
      `no usable kubeconfig: looked at ${wanted}: ${Error.isError(error) ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** Loaded when it is asked for: with it come 900 modules of generated clients (0.8 s, 60 MB), and most commands and tests talk to no cluster. */
async function emptyKubeConfig(): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  return new KubeConfig();
}

function fromKubeConfig(kubeConfig: KubeConfig): ClusterConfig {
  const name = kubeConfig.getCurrentContext();
  const cluster = kubeConfig.getCurrentCluster();
  if (cluster === null) {
    const known = kubeConfig.getContexts().map((context) => context.name);
    throw new Error(
      `saw context ${JSON.stringify(name ?? '')}; wanted one of ${known.join(', ') || 'none: the file names no context'}`,
    );
  }
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: kubeConfig.getContextObject(name)?.namespace ?? 'default',
    proxy: cluster.proxyUrl,
    identity: async () => {
      const options: RequestOptions = {};
      await kubeConfig.applyToHTTPSOptions(options);
      return { tls: tlsOf(options), headers: headersOf(options) };
    },
  };
}

function tlsOf({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): TlsIdentity {
  return {
    ...pem('ca', ca),
    ...pem('cert', cert),
    ...pem('key', key),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  };
}

/** Files come as Buffers, a plug-in's certificates as text. */
function pem(name: 'ca' | 'cert' | 'key', value: unknown): Partial<TlsIdentity> {
  if (typeof value === 'string') return { [name]: value };
  return Buffer.isBuffer(value) ? { [name]: value.toString('utf8') } : {};
}

function headersOf({ headers, auth }: RequestOptions): Readonly<Record<string, string>> {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value).trim()] as const); // a token file may end in a newline
  const basic = auth ? [['Authorization', `Basic ${Buffer.from(auth).toString('base64')}`] as const] : [];
  return Object.fromEntries([...given, ...basic]);
}
