import { podResource } from '../../operator/metrics/pod-view.ts';
import type { World } from './world.ts';

/** What a namespace of a world asks of each container. */
export const restricted = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

/** A Pod of a Deployment, here `workflow-execution`, that no node has: what listens on this port of loopback stands for its container. The operator needs --allow-metric-address 127.0.0.0/8. */
export async function readyPod(
  world: World,
  port: number,
  name = 'workflow-0',
  app = 'workflow-execution',
  resources: object = {},
): Promise<void> {
  const identity = { namespace: world.namespace, name };
  const ports = [{ name: 'metrics', containerPort: port }];
  const container = { name: 'app', image: 'app', ports, resources, securityContext: restricted };
  await world.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app } },
    spec: { schedulerName: 'nobody', containers: [container] },
  });
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions };
  const options = { manager: 'kubectl', force: true, subresource: 'status' } as const;
  await world.kube.apply(podResource, { metadata: identity, status }, options, world.signal);
}
