import { join } from 'node:path';
import { stringify } from 'yaml';
import { pauseImageName } from '../../image/pause.ts';
import { credentialsFolder } from '../control-plane-commands.ts';
import type { ClusterPlan } from './plan.ts';

export interface NodePaths {
  /** Folders that play `/` for Debian's packages. */
  readonly debianRoot: string;
}

export function containerdSocket({ folder }: Pick<ClusterPlan, 'folder'>): string {
  return join(folder, 'containerd.sock');
}

/** Configuration of the node's programs: file name → contents. */
export function nodeFiles(plan: ClusterPlan, { debianRoot }: NodePaths): Readonly<Record<string, string>> {
  return {
    'containerd.toml': containerdConfig(plan, debianRoot),
    'cni/10-pods.conflist': JSON.stringify(podNetwork(plan), undefined, 2),
    'kubelet.yaml': stringify(kubeletConfig(plan)),
    'kube-proxy.yaml': stringify(kubeProxyConfig(plan)),
    Corefile: corefile(plan),
  };
}

function containerdConfig(plan: ClusterPlan, debianRoot: string): string {
  const { folder } = plan;
  return `version = 3
root = '${join(folder, 'containerd')}'
state = '${join(folder, 'run')}'
disabled_plugins = ['io.containerd.nri.v1.nri']

[grpc]
  address = '${containerdSocket(plan)}'

[debug]
  level = 'warn'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${pauseImageName}'

[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true # without CAP_SYS_RESOURCE every sandbox would fail
  netns_mounts_under_state_dir = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['${join(debianRoot, 'usr/lib/cni')}']
  conf_dir = '${join(folder, 'cni')}'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '${join(debianRoot, 'usr/sbin/runc')}'
  SystemdCgroup = false
`;
}

/**
 * A cable for each Pod, and routes: no bridge. Between two ports of a bridge an answer would pass by the packet filter and keep the Pod's address
 * where the caller waits for the Service's, unless the kernel has br_netfilter.
 */
function podNetwork({ podRange }: ClusterPlan): unknown {
  return {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: podRange }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: '/run/cni',
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

function kubeletConfig(plan: ClusterPlan): unknown {
  const credential = (name: string): string => join(credentialsFolder(plan), name);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: plan.nodeAddress,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: credential('ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: credential('node.crt'),
    tlsPrivateKeyFile: credential('node.key'),
    containerRuntimeEndpoint: `unix://${containerdSocket(plan)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${plan.linkName}`,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    localStorageCapacityIsolation: false,
    clusterDNS: [plan.nodeAddress],
    clusterDomain: 'cluster.local',
    resolvConf: '',
    podLogsDir: join(plan.folder, 'pod-logs'),
    maxPods: 250,
    // The machine is somebody's own: a full disk is no reason to evict, and a loaded image cannot be pulled again.
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
    },
    imageGCHighThresholdPercent: 100,
    logging: { verbosity: 0 },
  };
}

function kubeProxyConfig(plan: ClusterPlan): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: join(credentialsFolder(plan), 'kube-proxy.kubeconfig') },
    hostnameOverride: plan.nodeName,
    mode: 'iptables',
    clusterCIDR: plan.podRange,
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' }, // the machine's, not the namespace's
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
  };
}

/** Where DNS says at /ready that it has read the Services. */
export const dnsReadyPort = 8181;

function corefile(plan: ClusterPlan): string {
  return `.:53 {
  bind ${plan.nodeAddress}
  errors
  ready ${plan.nodeAddress}:${dnsReadyPort}
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${join(credentialsFolder(plan), 'dns.kubeconfig')} genops
    ttl 5
  }
  cache 5
}
`;
}
