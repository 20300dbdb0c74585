import type { World } from './world.ts';
import { podResource, projectPod, stateOf } from '../../operator/metrics/pod-view.ts';

/** Where the local clusters have their Pods and Services: the only addresses, besides loopback, that load may go to. */
export const clusterRanges = ['10.200.0.0/13', '10.208.0.0/15'];

/** Base URLs of the Ready Pods with these labels, looked up again each second as a load balancer would. */
export function followPods(
  world: World,
  labelSelector: string,
): Disposable & { readonly urls: () => readonly string[] } {
  let urls: readonly string[] = [];
  const look = async (): Promise<void> => {
    const pods = await world.kube.list(podResource, { namespace: world.namespace, labelSelector }, world.signal);
    urls = pods
      .map(projectPod)
      .flatMap((pod) => (stateOf(pod) === 'Ready' && pod.ip !== undefined ? [`http://${pod.ip}:8080`] : []));
  };
  const timer = setInterval(() => void look().catch(() => undefined), 1_000); // the test's own assertions say when the API server is gone
  return { urls: () => urls, [Symbol.dispose]: () => clearInterval(timer) };
}
