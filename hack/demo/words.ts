import type { Cluster } from '../cluster/cluster.ts';
import type { Claim } from './claims.ts';
import { names } from './story.ts';

/** The end of the account: each claim with its figures, and where the picture is. */
export function verdict(
  claims: readonly Claim[],
  { pictures, seconds }: { readonly pictures: readonly string[]; readonly seconds: number },
): string {
  const lines = claims.flatMap(({ text, holds, evidence }) => [`  ${holds ? '✓' : '✗'} ${text}`, `      ${evidence}`]);
  const failed = claims.filter(({ holds }) => !holds).length;
  const sum = failed === 0 ? `all ${claims.length} claims hold` : `${failed} of ${claims.length} claims do not hold`;
  return [
    '\nwhat happened',
    ...lines,
    '',
    `  ${sum}, after ${seconds.toFixed(0)} s`,
    ...pictures.map((path) => `  picture: ${path}`),
    '',
  ].join('\n');
}

/** How a person goes on from here. */
export function lookAround({ kubeconfigPath, binDir }: Pick<Cluster, 'kubeconfigPath' | 'binDir'>): string {
  const { workloads, operator, release, service } = names;
  return `
everything is left up; look around:

  export KUBECONFIG=${kubeconfigPath} PATH=${binDir}:$PATH
  kubectl get gensvc,perf,hpa,pods -n ${workloads}
  kubectl get gensvc ${service} -n ${workloads} -o yaml        # status: decision, conditions
  kubectl get events -n ${workloads} --sort-by=.lastTimestamp
  kubectl explain gensvc.spec
  kubectl logs -n ${operator} deploy/${release} -f
  kubectl edit perf demo -n ${workloads}

  make demo           # cleans this up and begins anew
  make cluster-down   # ends the cluster
`;
}
