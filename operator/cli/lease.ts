import { isIPv6 } from 'node:net';
import type { LeaseRefused } from '../kube/leader.ts';
import type { Holder } from '../kube/lease.ts';
import type { Leader } from '../serve/leading.ts';
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

/** On the Lease: where the one who has it answers. */
const addressKey = 'genops.dev/address';

/** @param host Undefined: nobody is told where to ask. @param port Undefined: nothing is served. */
export const addressAnnotation = (
  host: string | undefined,
  port: number | undefined,
): Readonly<Record<string, string>> | undefined =>
  host === undefined || host === '' || port === undefined
    ? undefined
    : { [addressKey]: `${isIPv6(host) ? `[${host}]` : host}:${port}` };

/** Undefined: nobody leads, or we do not know yet. An address that is none counts as not told. */
export function leaderOf(seen: Holder | undefined): Leader | undefined {
  if (seen === undefined || seen.holder === '') return undefined;
  const address = seen.annotations[addressKey];
  const isAddress = address !== undefined && /^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+):[0-9]{1,5}$/i.test(address);
  return { identity: seen.holder, address: isAddress ? address : undefined };
}

/** On the Lease: which namespaces the one who has it looks after. */
const namespacesKey = 'genops.dev/namespaces';
const every = '*';

/** @param namespaces Undefined: all of them. */
export const namespacesAnnotation = (namespaces: readonly string[] | undefined): Readonly<Record<string, string>> => ({
  [namespacesKey]: namespaces?.join(',') ?? every,
});

/** Whether a leader looks after a namespace. `Unknown`: it does not say, as those of before it was told. */
export type LooksAfter = 'Yes' | 'Unknown' | { readonly only: string };

const namedNamespaces = 5;

export function looksAfter(annotations: Readonly<Record<string, string>> | undefined, namespace: string): LooksAfter {
  const said = annotations?.[namespacesKey];
  if (said === undefined) return 'Unknown';
  const names = said.split(',');
  if (said === every || names.includes(namespace)) return 'Yes';
  const more = names.length > namedNamespaces ? ` and ${names.length - namedNamespaces} more` : '';
  return { only: `${names.slice(0, namedNamespaces).join(', ')}${more}` };
}
