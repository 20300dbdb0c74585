import { ApiError } from '../kube/api-error.ts';
import type { SecretDenied } from '../reconcilers/lever-deps.ts';

/** What somebody may not read leaves a page with a gap, and not without the rest. */
export async function orForbidden<T>(answer: Promise<T>): Promise<T | 'Forbidden'> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return 'Forbidden';
    throw error;
  }
}

const table = 'docs/security.md#who-needs-what';
/** As the API server's authorizers say it. */
const refused =
  /User "(?<user>[^"]+)" cannot (?<verb>\w+) resource "(?<resource>[^"]+)" in API group "(?<group>[^"]*)" in the namespace "(?<namespace>[^"]+)"/;
const reading: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

/** For a shell: a name of a user is what its identity provider says. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** For `kubectl create rolebinding`. */
function subject(user: string): string {
  const account = /^system:serviceaccount:([a-z0-9.:-]+)$/.exec(user)?.[1];
  return account === undefined ? `--user=${quoted(user)}` : `--serviceaccount=${account}`;
}

/** Of a Secret that whoever runs a command may not read: the operator has rights of its own. */
export const secretDenied: SecretDenied = (namespace, name, { message }) => {
  const { user = '' } = refused.exec(message)?.groups ?? {};
  const role = `read-${name}`;
  return {
    saw: `you may not read Secret ${namespace}/${name}`,
    wanted: 'get of it',
    next: `ask an administrator for it: kubectl create role ${role} -n ${namespace} --verb=get --resource=secrets --resource-name=${name}; kubectl create rolebinding ${role} -n ${namespace} --role=${role} ${subject(user)} (${table})`,
  };
};

/** What an administrator does about a right that is missing, to go behind the message; empty where it is about something else. */
export function rightsNext(error: Error): string {
  if (!(error instanceof ApiError) || error.status !== 403) return '';
  const { user = '', verb = '', group, namespace = '' } = refused.exec(error.message)?.groups ?? {};
  if (group !== 'genops.dev') return `; next: ${table}`;
  const role = reading.has(verb) ? 'view' : 'edit';
  return `; next: an administrator gives it the role ${role}: kubectl create rolebinding genops-${role} -n ${namespace} --clusterrole=${role} ${subject(user)}; where it has that already: kubectl apply -f config/rbac/users.yaml (${table})`;
}
