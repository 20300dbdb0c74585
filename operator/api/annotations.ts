/** Annotations by which people act on a service without changing its spec: their tools keep the spec as it is in Git. */
export const annotations = {
  /** Any value but `"false"`: the same as mode: Paused, and it wins over spec. */
  paused: 'genops.dev/paused',
  /** A plan hash of status: one plan that needs approval passes once. */
  approve: 'genops.dev/approve',
  /** Kinds, separated by commas (`hpa,vpa`): objects of these kinds that already aim at the target are taken over. */
  adopt: 'genops.dev/adopt',
} as const;

/** Label of a Pod, from 1 to 100: its share of the requests beside other Pods (weights.mode Static). */
export const weightLabel = 'genops.dev/weight';
