import { podResource } from '../../operator/metrics/pod-view.ts';
import type { World } from './world.ts';

/** A Pod of the Deployment `workflow-execution` that no node has: what listens on this port of loopback stands for its container. The operator needs --allow-metric-address 127.0.0.0/8. */
export async function readyPod(world: World, port: number, name = 'workflow-0'): Promise<void> {
  const identity = { namespace: world.namespace, name };
  const securityContext = {
    runAsNonRoot: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const container = { name: 'app', image: 'app', ports: [{ name: 'metrics', containerPort: port }], securityContext };
  await world.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'workflow-execution' } },
    spec: { schedulerName: 'nobody', containers: [container] },
  });
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions };
  const options = { manager: 'kubectl', force: true, subresource: 'status' } as const;
  await world.kube.apply(podResource, { metadata: identity, status }, options, world.signal);
}
