import type { LeaseRefused } from '../kube/leader.ts';
import { UsageError } from './command.ts';

export const leaseName = 'genops';

/** Where README.md installs the operator. */
const installedIn = 'genops-system';

/** Namespace of the Lease. One outside of the cluster competes for that of the installed operator: with a Lease each both would act. */
export function leaseNamespaceOf(asked: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  return asked ?? env['POD_NAMESPACE'] ?? installedIn;
}

/** What a person can do about it. */
export function leaseProblem({ refusal }: LeaseRefused, namespace: string): UsageError {
  const next =
    refusal.status === 404
      ? `kubectl create namespace ${namespace}`
      : `grant get, create and update of its Leases, as config/rbac/leader.yaml does`;
  return new UsageError(
    `saw ${refusal.message}; wanted the Lease ${namespace}/${leaseName}, with which one operator acts at a time; next: ${next}, or give all operators of this cluster another --lease-namespace`,
    { cause: refusal },
  );
}
