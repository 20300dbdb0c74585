import { join } from 'node:path';

/** Where a cluster's kubeconfig is, and the links to its client programs: in the checkout that it belongs to. */
export function clusterFolder({ name, checkout }: { readonly name: string; readonly checkout: string }): string {
  return join(checkout, '.cache', name === 'default' ? 'cluster' : `cluster-${name}`);
}
