import type { KubeConfig } from '@kubernetes/client-node';

/** Where the API server is and who we are. Nothing secret is kept longer than `identity` says. */
export interface ClusterConfig {
  /** `https://10.96.0.1:443`, without a trailing slash. */
  readonly server: string;
  /** Namespace of the kubeconfig's context or of our service account; `default` when neither names one. */
  readonly namespace: string;
  /** TLS and headers for the next connection or request. Re-reads token files and runs credential plug-ins when theirs expired. */
  identity(): Promise<Identity>;
}

export interface Identity {
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly rejectUnauthorized?: boolean;
    readonly servername?: string;
  };
  /** Authorization, Impersonate-User, … */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Configuration as kubectl finds it: the given kubeconfig, $KUBECONFIG, ~/.kube/config, or the service account of the Pod.
 *
 * @throws Error that says which file was looked at, when there is none or it does not parse.
 */
export declare function loadConfig(options?: {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}): ClusterConfig;

/** The same for a KubeConfig that is already loaded (tests, other sources). */
export declare function fromKubeConfig(kubeConfig: KubeConfig): ClusterConfig;
