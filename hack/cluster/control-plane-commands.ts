import { join } from 'node:path';

/** Where a control plane keeps its files and listens. */
export interface ControlPlaneLayout {
  /** Absolute and short: a Unix socket lives in it (its path may have 107 bytes). */
  readonly folder: string;
  readonly address: string;
  readonly port: number;
  readonly serviceRange: string;
  /** False where `address` is loopback, which the API refuses in EndpointSlices. */
  readonly advertised: boolean;
  /** Log each request's metadata to audit.log. */
  readonly audit: boolean;
}

export function serverUrl({ address, port }: ControlPlaneLayout): string {
  return `https://${address}:${port}`;
}

export function credentialsFolder(layout: { readonly folder: string }): string {
  return join(layout.folder, 'credentials');
}

/** Less garbage collection, which is a quarter of the CPU of a start; it takes 100 MB more. */
export const controlPlaneEnv = { GOGC: '400' };

/** A socket needs no port, and nobody else on the machine can open it. Not synced to disk: it is for a cluster that is thrown away. */
export function etcdArguments({ folder }: ControlPlaneLayout): readonly string[] {
  const clients = `unix://${join(folder, 'etcd.sock')}`;
  const peers = `unix://${join(folder, 'etcd-peer.sock')}`;
  return [
    '--data-dir',
    join(folder, 'etcd'),
    '--unsafe-no-fsync',
    '--listen-client-urls',
    clients,
    '--advertise-client-urls',
    clients,
    '--listen-peer-urls',
    peers,
    '--initial-advertise-peer-urls',
    peers,
    '--initial-cluster',
    `default=${peers}`,
    '--log-level',
    'warn',
  ];
}

export function apiServerArguments(layout: ControlPlaneLayout): readonly string[] {
  const credential = (name: string): string => join(credentialsFolder(layout), name);
  return [
    `--etcd-servers=unix://${join(layout.folder, 'etcd.sock')}`,
    `--bind-address=${layout.address}`,
    `--secure-port=${layout.port}`,
    ...(layout.advertised ? [`--advertise-address=${layout.address}`] : ['--endpoint-reconciler-type=none']),
    `--service-cluster-ip-range=${layout.serviceRange}`,
    `--tls-cert-file=${credential('apiserver.crt')}`,
    `--tls-private-key-file=${credential('apiserver.key')}`,
    `--client-ca-file=${credential('ca.crt')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${credential('service-account.pub')}`,
    `--service-account-signing-key-file=${credential('service-account.key')}`,
    // aggregated APIs: who may speak for a user
    `--requestheader-client-ca-file=${credential('front-proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${credential('front-proxy-client.crt')}`,
    `--proxy-client-key-file=${credential('front-proxy-client.key')}`,
    // logs and exec of Pods
    `--kubelet-client-certificate=${credential('apiserver-kubelet-client.crt')}`,
    `--kubelet-client-key=${credential('apiserver-kubelet-client.key')}`,
    `--kubelet-certificate-authority=${credential('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
    ...(layout.audit ? auditArguments(layout.folder) : []),
  ];
}

function auditArguments(folder: string): readonly string[] {
  return [
    `--audit-policy-file=${join(folder, 'audit-policy.yaml')}`,
    `--audit-log-path=${join(folder, 'audit.log')}`,
    '--audit-log-mode=batch',
  ];
}

/** Each request once, when it is answered, without bodies. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

export interface ControllerManagerOptions {
  /** `--horizontal-pod-autoscaler-sync-period`, for example `5s`; Kubernetes' own is 15s. */
  readonly autoscalerSyncPeriod: string;
  readonly podRange: string;
}

export function controllerManagerArguments(
  layout: ControlPlaneLayout,
  { autoscalerSyncPeriod, podRange }: ControllerManagerOptions,
): readonly string[] {
  const credential = (name: string): string => join(credentialsFolder(layout), name);
  return [
    ...loopFlags(credential('controller-manager.kubeconfig')),
    `--cluster-cidr=${podRange}`,
    `--root-ca-file=${credential('ca.crt')}`,
    `--cluster-signing-cert-file=${credential('ca.crt')}`,
    `--cluster-signing-key-file=${credential('ca.key')}`,
    `--service-account-private-key-file=${credential('service-account.key')}`,
    '--use-service-account-credentials',
    `--horizontal-pod-autoscaler-sync-period=${autoscalerSyncPeriod}`,
  ];
}

export function schedulerArguments(layout: ControlPlaneLayout): readonly string[] {
  return loopFlags(join(credentialsFolder(layout), 'scheduler.kubeconfig'));
}

/** One of each is enough, and nobody asks it anything: no lease, no port. */
function loopFlags(kubeconfigPath: string): readonly string[] {
  return [
    `--kubeconfig=${kubeconfigPath}`,
    `--authentication-kubeconfig=${kubeconfigPath}`,
    `--authorization-kubeconfig=${kubeconfigPath}`,
    '--leader-elect=false',
    '--secure-port=0',
  ];
}
