import { Type, type Static } from 'typebox';
import type { PodFigures } from '../../metrics/pod-figures.ts';
import {
  figure,
  flag,
  known,
  megabytes,
  serviceName,
  ServiceName,
  sumOf,
  textOrNull,
  time,
  timeOf,
  timeOrNull,
  view,
} from './figures.ts';
import type { ViewInput } from './figures.ts';
import { rfc3339 } from '../../api/rfc3339.ts';

const Total = view('All Pods together.', {
  pods: Type.Integer({ description: 'Pods that there are.' }),
  podsMeasured: Type.Integer({ description: 'Pods whose figures are in the sums.' }),
  cpuCores: figure('CPU cores in use.'),
  memoryMb: figure('Memory in use, in units of 2^20 bytes.'),
  activeConnections: figure('Requests being served.'),
});

const Pod = view('One Pod.', {
  name: Type.String({ description: 'Name.' }),
  state: Type.Enum(['Ready', 'Starting', 'NotReady', 'Terminating', 'Finished'], {
    type: 'string',
    description: 'Only a Ready Pod is measured.',
  }),
  ready: Type.Boolean({ description: 'Whether it is Ready.' }),
  revision: textOrNull('Of the template that it was made from: another in Pods that a roll-out replaces.'),
  cpuCores: figure('CPU cores in use.'),
  cpuPercent: figure('Of the limit, else of the request.'),
  memoryMb: figure('Memory in use, in units of 2^20 bytes.'),
  memoryPercent: figure('Of the limit, else of the request.'),
  activeConnections: figure('Requests being served.'),
  observedAt: timeOrNull('When it was last read.'),
});

export const Resources = view('View B2: CPU, memory and connections, of each Pod and in all.', {
  service: ServiceName,
  observedAt: time('When this was answered.'),
  components: Type.Array(
    view('One component.', {
      name: Type.String({ description: 'Name.' }),
      rollingOut: flag('Whether Pods of an old template are being replaced: nothing is scaled down by their figures.'),
      pods: Type.Array(Pod, { description: 'Its Pods, by name.' }),
      total: Total,
    }),
    { description: 'In the order of the spec.' },
  ),
  total: Total,
});
export type Resources = Static<typeof Resources>;

export function resources({ service, components, now }: ViewInput): Resources {
  return {
    service: serviceName(service),
    observedAt: rfc3339(now),
    components: components.map(({ name, pods, isRollingOut = null }) => ({
      name,
      rollingOut: isRollingOut,
      pods: pods.map(podOf),
      total: totalOf(pods),
    })),
    total: totalOf(components.flatMap(({ pods }) => pods)),
  };
}

const podOf = (pod: PodFigures): Static<typeof Pod> => ({
  name: pod.name,
  state: pod.state,
  ready: pod.state === 'Ready',
  revision: pod.revision ?? null,
  cpuCores: known(pod.cpuCores),
  cpuPercent: known(pod.cpuPercent),
  memoryMb: megabytes(pod.memoryBytes),
  memoryPercent: known(pod.memoryPercent),
  activeConnections: known(pod.activeConnections),
  observedAt: timeOf(pod.observedAt),
});

function totalOf(pods: readonly PodFigures[]): Static<typeof Total> {
  const memory = sumOf(pods.map(({ memoryBytes }) => memoryBytes));
  return {
    pods: pods.length,
    podsMeasured: pods.filter(({ observedAt }) => observedAt !== undefined).length,
    cpuCores: sumOf(pods.map(({ cpuCores }) => cpuCores)),
    memoryMb: megabytes(memory ?? undefined),
    activeConnections: sumOf(pods.map(({ activeConnections }) => activeConnections)),
  };
}
