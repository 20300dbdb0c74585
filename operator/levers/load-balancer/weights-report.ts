import type { PodWeight, UpstreamWeights } from '../../api/load-balancer-report.ts';
import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import { weightFrom } from '../../decide/labelled-weight.ts';
import { serverKey, type ServersByUpstream, type UpstreamServer } from './upstreams.ts';
import type { WeightLabels } from './watched.ts';
import type { WeighedPod, Weighing } from './weighing.ts';

interface WeightsInput {
  readonly mode: LoadBalancerSettings['weights']['mode'];
  /** In force. */
  readonly servers: ServersByUpstream;
  /** Of mode Static. */
  readonly labels: WeightLabels | undefined;
  /** Of mode Adaptive. */
  readonly weighing: Pick<Weighing, 'last'> | undefined;
}

/** The weights in force of each upstream, and why they are what they are. */
export function weightsReport({
  mode,
  servers,
  labels,
  weighing,
}: WeightsInput): Readonly<Record<string, UpstreamWeights>> {
  const entries = Object.entries(servers).map(([name, all]): [string, UpstreamWeights] => {
    if (labels !== undefined) {
      const problem = labels.failure();
      return [
        name,
        { mode, ...(problem === undefined ? {} : { problem }), pods: all.map((one) => labelled(one, labels)) },
      ];
    }
    const upstream = weighing?.last(name);
    const { busyRatio, effect } = upstream?.last ?? {};
    return [
      name,
      {
        mode,
        ...(busyRatio === undefined ? {} : { busyPercent: tenths(100 * busyRatio) }),
        ...(effect === undefined ? {} : { effectPercent: tenths(100 * effect) }),
        pods: all.map((one) => weighed(one, mode, upstream?.pods.get(serverKey(one)))),
      },
    ];
  });
  return Object.fromEntries(entries);
}

const named = (server: UpstreamServer): Pick<PodWeight, 'server' | 'pod' | 'weight'> => ({
  server: serverKey(server),
  ...(server.pod === undefined ? {} : { pod: server.pod.name }),
  weight: server.weight ?? 1,
});

const labelled = (server: UpstreamServer, labels: WeightLabels): PodWeight => ({
  ...named(server),
  why: weightFrom(server.pod && labels.of(server.pod.name)).why,
});

function weighed(server: UpstreamServer, mode: string, seen: WeighedPod | undefined): PodWeight {
  const { memory, last } = seen ?? {};
  if (memory === undefined || last === undefined)
    return { ...named(server), why: mode === 'Equal' ? 'Equal' : 'Pending' };
  const { serviceMs, errorRatio, requests } = memory;
  return {
    ...named(server),
    why: last.why,
    target: last.target,
    ...(serviceMs === undefined ? {} : { serviceMs: tenths(serviceMs) }),
    errorPercent: tenths(100 * errorRatio),
    requests,
  };
}

const tenths = (value: number): number => Math.round(10 * value) / 10;
