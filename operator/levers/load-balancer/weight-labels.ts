import { weightFrom } from '../../decide/labelled-weight.ts';
import { serverKey, type ServersByUpstream, type UpstreamServer } from './upstreams.ts';
import type { WeightLabels } from './watched.ts';

interface LabelsInput {
  readonly servers: ServersByUpstream;
  readonly inForce: ServersByUpstream;
  readonly labels: Pick<WeightLabels, 'of' | 'problem'>;
}

/** Servers with the weights that their Pods are labelled with. While labels are not known, weights stay. */
export function withLabels({ servers, inForce, labels }: LabelsInput): ServersByUpstream {
  const isKnown = labels.problem() === undefined;
  const labelled = (upstream: string, server: UpstreamServer): UpstreamServer => {
    if (server.pod === undefined) return server;
    const label = labels.of(server.pod.name);
    const before = (inForce[upstream] ?? []).find((one) => serverKey(one) === serverKey(server));
    const weight = label === undefined && !isKnown ? before?.weight : weightFrom(label).weight;
    return weight === undefined ? server : { ...server, weight };
  };
  return Object.fromEntries(
    Object.entries(servers).map(([name, all]) => [name, all.map((server) => labelled(name, server))]),
  );
}
