import type { PodView } from '../../operator/metrics/pod-view.ts';

/** A Pod that has always been ready, in namespace ai; its name is also its uid. */
export function podView(name: string, changes: Partial<PodView> = {}): PodView {
  return {
    namespace: 'ai',
    name,
    uid: name,
    labels: {},
    ip: '10.0.0.1',
    phase: 'Running',
    ready: true,
    readySince: 0,
    createdAt: 0,
    deleting: false,
    ports: [],
    containers: [],
    oomKilledAt: undefined,
    ...changes,
  };
}

/** One whose port `metrics` is on loopback: what serves there stands for its container. */
export function podServing(name: string, port: number, changes: Partial<PodView> = {}): PodView {
  return podView(name, { ip: '127.0.0.1', ports: [{ name: 'metrics', containerPort: port }], ...changes });
}
