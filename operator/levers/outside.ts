import { Problem } from '../api/problem.ts';

/** `service.namespace.svc`, with a Pod's name before it or the cluster's domain behind it. */
const inCluster = /^(?:(?<pod>[^.]+)\.)?(?<service>[^.]+)\.(?<namespace>[^.]+)\.svc(?:\.|$)/;
/** `service.namespace`; or a name of the Internet. */
const ambiguous = /^(?<service>[^.]+)\.(?<namespace>[^.]+)$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** Kubernetes gives this variable to every container. */
const isInPod = (env: Environment): boolean => env['KUBERNETES_SERVICE_HOST'] !== undefined;

/** Where a server is said to be. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * For a process outside of the cluster: what to do about a name that was not found and that only the cluster's own DNS knows, or may know.
 * Undefined for any other error and name.
 */
export function unknownOutside(error: unknown, { host, port }: Place, env: Environment): Problem | undefined {
  if (isInPod(env)) return undefined;
  if (!Error.isError(error) || !('code' in error) || (error.code !== 'ENOTFOUND' && error.code !== 'EAI_AGAIN'))
    return undefined;
  const certain = inCluster.exec(host)?.groups;
  const { pod, service, namespace } = certain ?? ambiguous.exec(host)?.groups ?? {};
  if (service === undefined) return undefined;
  const forward = `kubectl port-forward -n ${namespace} ${pod === undefined ? `svc/${service}` : `pod/${pod}`} ${port}`;
  const otherwise = certain === undefined ? '; where it is no Service, correct the address in the Secret' : '';
  return new Problem('Unreachable', {
    saw: `no host ${host} (${error.code}): names of Services exist only inside the cluster, and this process runs outside of it`,
    wanted: 'an answer within 1.5 s',
    next: `ask in a Pod (kubectl exec -n genops-system deploy/genops -- node /app/genops.mjs diff …), or lead the name here: ${forward}, and the line "127.0.0.1 ${host}" in /etc/hosts${otherwise}`,
    cause: error,
  });
}
