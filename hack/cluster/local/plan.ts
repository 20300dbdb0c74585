import { join } from 'node:path';

/**
 * Where one cluster keeps its files and which addresses it has. Everything follows from its slot, a number that this machine gives to no other cluster.
 *
 * The node lives in a network namespace of its own: the Pods' links and kube-proxy's rules are nobody else's, and ports need not be searched for.
 */
export interface ClusterPlan {
  readonly slot: number;
  /** Short: the sockets in it may have paths of 107 bytes. */
  readonly folder: string;
  /** The machine's end of the cable to the node, and its cgroup below the root. */
  readonly linkName: string;
  readonly nodeName: string;
  /** All addresses of the cluster; the machine routes them to the node. */
  readonly range: string;
  readonly podRange: string;
  readonly serviceRange: string;
  /** On the node's loopback: the node's own address, and where the API server and DNS listen. */
  readonly nodeAddress: string;
  readonly uplinkAddress: string;
  /** This machine, as the Pods reach it. */
  readonly hostAddress: string;
}

/** Slots are few, so that a cluster that was forgotten is noticed. */
export const slots: readonly number[] = Array.from({ length: 20 }, (_, slot) => slot);

export function clusterPlan(baseFolder: string, slot: number): ClusterPlan {
  const prefix = `10.${200 + slot}`;
  return {
    slot,
    folder: join(baseFolder, String(slot)),
    linkName: `genops${slot}`,
    nodeName: `genops-node-${slot}`,
    range: `${prefix}.0.0/16`,
    podRange: `${prefix}.0.0/17`,
    serviceRange: `${prefix}.128.0/18`,
    nodeAddress: `${prefix}.0.1`,
    uplinkAddress: `${prefix}.255.2`,
    hostAddress: `${prefix}.255.1`,
  };
}
