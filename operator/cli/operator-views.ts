import type { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import type { ClusterConfig } from '../kube/config.ts';
import { proxiedAuthorization } from '../serve/credentials.ts';
import { UsageError } from './command.ts';

/** Options of every command that asks the operator itself. */
export const operatorOptions = {
  operator: { type: 'string', default: 'genops-system/genops' },
  'service-account': { type: 'string' },
  audience: { type: 'string' },
} as const;
export const operatorHelp = {
  operator: 'NAMESPACE/NAME of the Service of the operator',
  'service-account': 'ask as this ServiceAccount, for which a token is made: one that may get generationservices/views',
  audience: 'whom that token is for, where the operator runs with --views-audience; else the API server',
} as const;

/** The operator's Service. */
export interface OperatorService {
  readonly namespace: string;
  readonly name: string;
}

/** @throws {UsageError} */
export function operatorService(text: string): OperatorService {
  const [namespace, name, ...rest] = text.split('/');
  if (!namespace || !name || rest.length > 0) throw new UsageError(`saw --operator ${text}; wanted NAMESPACE/NAME`);
  return { namespace, name };
}

/** Authorization, as the operator is to see it. @throws {UsageError} where there is none. */
export type Credentials = (signal: AbortSignal) => Promise<string>;

export interface Account {
  readonly namespace: string;
  readonly name: string;
  /** Of its tokens; undefined: the API server. */
  readonly audience: string | undefined;
}

const views = 'views of Service';

/** What the operator answers, through the API server. @throws {ApiError} */
export function askOperator(
  kube: Pick<Kube, 'raw'>,
  { namespace, name }: OperatorService,
  { path, authorization }: { readonly path: string; readonly authorization: string },
  signal: AbortSignal,
): Promise<unknown> {
  const proxy = `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/https:${encodeURIComponent(name)}:443/proxy`;
  const headers = { [proxiedAuthorization]: authorization };
  return kube.raw({ path: `${proxy}${path}`, target: `${views} ${namespace}/${name}`, headers }, signal);
}

/** It was the operator, or its Service, that gave no answer. */
export const isOfViews = ({ target }: Pick<ApiError, 'target'>): boolean => target.startsWith(views);

/** What was refused on the way to the operator, and what to do: its views are off by default, and nobody has made the ServiceAccount. */
export function refusedText(
  { message, status, target }: ApiError,
  { operator, account }: { readonly operator: OperatorService; readonly account: Account },
): string {
  const isMissing = (what: string): boolean => status === 404 && message.includes(`: ${what} not found`);
  const next = isMissing(`services "${operator.name}"`)
    ? `views are off unless they are asked for: helm upgrade genops charts/genops -n ${operator.namespace} --reset-then-reuse-values --set views.enabled=true, or name another Service with --operator`
    : isMissing(`serviceaccounts "${account.name}"`)
      ? `kubectl create serviceaccount ${account.name} -n ${account.namespace}, and kubectl create rolebinding ${account.name} -n ${account.namespace} --clusterrole=view --serviceaccount=${account.namespace}:${account.name}`
      : `docs/views.md${isOfViews({ target }) ? `, or --operator NAMESPACE/NAME where another one looks after ${account.namespace}` : ''}`;
  return `could not ${message}; next: ${next}`;
}

/** The user's own token, which opens all that the user may: for a user who asks for that. A certificate says who somebody is to the API server only: it cannot be passed on. */
export const credentialsOfUser = (config: ClusterConfig) => async (): Promise<string> => {
  const { headers } = await config.identity();
  const [, authorization] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization') ?? [];
  if (authorization?.startsWith('Bearer ') === true) return authorization;
  throw new UsageError(
    'saw a kubeconfig without a token; wanted one, which the operator can ask the cluster about; next: --service-account NAME -n NAMESPACE, of one that may get and list generationservices/views',
  );
};

const tokenSeconds = 3_600;

/** A token of a ServiceAccount, made anew when half of its time is over. */
export function credentialsOfAccount(kube: Pick<Kube, 'raw'>, { namespace, name, audience }: Account): Credentials {
  let made: { readonly authorization: Promise<string>; readonly at: number } | undefined;
  const make = async (signal: AbortSignal): Promise<string> => {
    const request = {
      method: 'POST',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`,
      target: `token of ServiceAccount ${namespace}/${name}`,
      verb: 'create',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: tokenSeconds, ...(audience === undefined ? {} : { audiences: [audience] }) },
      },
    } as const;
    const { status } = (await kube.raw(request, signal)) as { readonly status: { readonly token: string } };
    return `Bearer ${status.token}`;
  };
  return (signal) => {
    if (made !== undefined && performance.now() - made.at < tokenSeconds * 500) return made.authorization;
    const next = { authorization: make(signal), at: performance.now() };
    made = next;
    next.authorization.catch(() => {
      if (made === next) made = undefined;
    });
    return next.authorization;
  };
}
