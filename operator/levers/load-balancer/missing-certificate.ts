import { problemMessage } from '../../api/problem.ts';
import type { PlannedCondition } from '../lever.ts';
import { listed, type AgentSaid } from './reports.ts';
import type { LoadBalancerUnit } from './unit.ts';

type Unit = Pick<LoadBalancerUnit, 'namespace' | 'configMapName' | 'nginx' | 'gateway'>;

/** HTTPS is declared, and some nginx find no pair: which, and what they serve instead. Undefined: each has one, or is to have none. */
export function missingCertificate(
  { namespace, configMapName, nginx: { tlsSecretRef }, gateway }: Unit,
  hash: string,
  said: readonly AgentSaid[],
): PlannedCondition | undefined {
  if (tlsSecretRef === undefined) return undefined;
  const pods = said.flatMap((one) => withoutPair(one, gateway !== undefined));
  if (pods.length === 0) return undefined;
  const secret = `Secret ${namespace}/${tlsSecretRef.name}`;
  const mounted = gateway === undefined ? ', and mount it where --tls-folder of the agent leads' : '';
  const message = problemMessage({
    saw: `no tls.crt and tls.key of ${secret}: ${listed(pods)}`,
    wanted: `nginx to serve HTTPS with them, as the settings ${hash} of ConfigMap ${namespace}/${configMapName} have it`,
    next: `create that Secret, of type kubernetes.io/tls${mounted}, and wait a minute or two until the kubelet has seen it; or leave nginx.tlsSecretRef out`,
  });
  return { status: 'False', reason: 'CertificateMissing', message };
}

function withoutPair({ pod, ...one }: AgentSaid, isManaged: boolean): readonly string[] {
  if (one.kind === 'silent' || one.report.isWithoutPair !== true) return [];
  const { loaded } = one.report;
  if (loaded === undefined) return [`${pod} serves nothing and is not ready`];
  if (loaded.https) return [`${pod} goes on with the pair that it took last, and a new Pod would not be ready`];
  // Of ours a Pod that was made before HTTPS was declared has no Secret mounted, and is replaced by one that has.
  return isManaged ? [] : [`${pod} goes on with settings ${loaded.hash}, without HTTPS`];
}
