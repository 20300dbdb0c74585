import { Problem } from '../api/problem.ts';
import { ApiError } from '../kube/api-error.ts';
import type { ApplyOptions, Kube } from '../kube/client.ts';
import { keyOf, type Manifest, type ObjectMeta } from '../kube/object.ts';
import type { Resource } from '../kube/resource.ts';
import { fieldConflict } from './field-conflict.ts';

/** Our field managers. What one of them has the other may take; what anybody else has stays. */
export const managers = { declared: 'genops', floor: 'genops-scaler' } as const;
const ours: ReadonlySet<string> = new Set(Object.values(managers));

/**
 * Server-side apply that takes fields only from ourselves.
 *
 * @throws {Problem} Conflict, naming the other manager and the field; PermissionDenied; Failed where the server finds the object invalid.
 */
export async function applyOwned(
  kube: Kube,
  resource: Resource,
  manifest: Manifest,
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<ObjectMeta> {
  try {
    return await kube.apply(resource, manifest, options, signal);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const isOurs = error.conflicts.length > 0 && error.conflicts.every(({ manager }) => ours.has(manager));
    if (isOurs && options.force !== true)
      return applyOwned(kube, resource, manifest, { ...options, force: true }, signal);
    throw asProblem(error, resource, manifest) ?? error;
  }
}

/** The refusals that a person can do something about; undefined for the rest (a lost API server, an overload), which the loop tries again. */
function asProblem(error: ApiError, { kind }: Resource, { metadata }: Manifest): Problem | undefined {
  const object = `${kind} ${keyOf({ metadata })}`;
  if (error.conflicts.length > 0)
    return fieldConflict({
      kind,
      key: keyOf({ metadata }),
      held: error.conflicts,
      manager: managers.declared,
      cause: error,
    });
  if (error.status === 403 && !error.isNamespaceTerminating)
    return new Problem('PermissionDenied', {
      saw: error.message,
      wanted: `the right to apply ${object}`,
      next: 'install the role of the chart again',
      cause: error,
    });
  if (error.status === 422)
    return new Problem('Failed', {
      saw: error.message,
      wanted: `${object} as the policy declares it`,
      next: 'correct the field that the API server names',
      cause: error,
    });
  return undefined;
}
