import { serverKey, type ServersByUpstream, type UpstreamServer } from './upstreams.ts';
import type { WeightLabels } from './watched.ts';

export interface LabelledWeight {
  readonly weight: number;
  readonly why: 'Label' | 'NoLabel' | 'NotAWeight';
}

/** From 1 to 100; a Pod without one has 1, as with nginx itself. */
export function weightFrom(label: string | undefined): LabelledWeight {
  if (label === undefined) return { weight: 1, why: 'NoLabel' };
  return /^([1-9][0-9]?|100)$/.test(label) ? { weight: Number(label), why: 'Label' } : { weight: 1, why: 'NotAWeight' };
}

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
