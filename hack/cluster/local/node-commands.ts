import { join } from 'node:path';
import type { Identities } from '../authority.ts';
import { credentialsFolder } from '../control-plane-commands.ts';
import type { ClusterPlan } from './plan.ts';

/** What the node's programs call themselves. DNS and metrics-server are ours, and read only: no roles need to be made for them first. */
export function nodeIdentities({ nodeName, nodeAddress }: ClusterPlan): Identities {
  return {
    node: { commonName: `system:node:${nodeName}`, organization: 'system:nodes', names: [nodeName, nodeAddress] },
    'kube-proxy': { commonName: 'system:kube-proxy' },
    dns: { commonName: 'genops-dns', organization: 'system:masters' },
    metrics: {
      commonName: 'genops-metrics',
      organization: 'system:masters',
      names: ['metrics-server.kube-system.svc'],
    },
  };
}

export function kubeletArguments(plan: ClusterPlan): readonly string[] {
  return [
    `--config=${join(plan.folder, 'kubelet.yaml')}`,
    `--kubeconfig=${join(credentialsFolder(plan), 'node.kubeconfig')}`,
    `--root-dir=${join(plan.folder, 'kubelet')}`,
    '--housekeeping-interval=5s', // what metrics-server reads every 10 s is then not older than that
    `--hostname-override=${plan.nodeName}`,
    `--node-ip=${plan.nodeAddress}`,
  ];
}

export function metricsServerArguments(plan: ClusterPlan): readonly string[] {
  const credential = (name: string): string => join(credentialsFolder(plan), name);
  const kubeconfig = credential('metrics.kubeconfig');
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    `--bind-address=${plan.nodeAddress}`,
    `--secure-port=${metricsPort}`,
    `--tls-cert-file=${credential('metrics.crt')}`,
    `--tls-private-key-file=${credential('metrics.key')}`,
    `--kubelet-certificate-authority=${credential('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--kubelet-use-node-status-port',
    '--metric-resolution=10s',
    '--kubelet-request-timeout=5s', // has to be smaller than the resolution
  ];
}

const metricsPort = 4443;

/** metrics.k8s.io, served by a program of the node behind a Service without selector. */
export function metricsObjects({ nodeAddress }: ClusterPlan, authority: string): readonly unknown[] {
  const metadata = { name: 'metrics-server', namespace: 'kube-system' };
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 443, targetPort: metricsPort }] } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': metadata.name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [nodeAddress], conditions: { ready: true } }],
      ports: [{ port: metricsPort, protocol: 'TCP' }],
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1beta1.metrics.k8s.io' },
      spec: {
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        service: { name: metadata.name, namespace: metadata.namespace },
        caBundle: Buffer.from(authority).toString('base64'),
      },
    },
  ];
}

/** Run as root in the node's namespaces. */
export function insideCommands({
  nodeAddress,
  uplinkAddress,
  hostAddress,
  serviceRange,
}: ClusterPlan): readonly string[] {
  return [
    'mount -t tmpfs tmpfs /run', // what containerd, the kubelet and iptables keep under fixed names stays in here
    'mount -t tmpfs tmpfs /var/log',
    'mount -t tmpfs tmpfs /var/lib/kubelet',
    'ip link set lo up',
    `ip address add ${nodeAddress}/32 dev lo`,
    `ip address add ${uplinkAddress}/30 dev uplink`,
    'ip link set uplink up',
    `ip route add default via ${hostAddress}`,
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
    // What kube-proxy leads nowhere yet would circle between the node and the machine, and who asked would wait until they give up. By a reset: of ICMP the kernel sends a host only some.
    `iptables -A FORWARD -d ${serviceRange} -p tcp -j REJECT --reject-with tcp-reset`,
  ];
}

/** Run as root on the machine: a cable to the node, and the way to all its addresses. `holder` is a process in the node's namespaces. */
export function outsideCommands(
  { linkName, hostAddress, uplinkAddress, range }: ClusterPlan,
  holder: number,
): readonly string[] {
  return [
    `ip link add ${linkName} type veth peer name uplink netns ${holder}`,
    `ip address add ${hostAddress}/30 dev ${linkName}`,
    `ip link set ${linkName} up`,
    `ip route add ${range} via ${uplinkAddress}`,
  ];
}
