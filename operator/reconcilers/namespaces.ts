import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { managers } from '../levers/apply-owned.ts';
import { configMaps } from './kinds.ts';

/** Whether a namespace is being deleted. The API server tells whoever would make something there: no right to read namespaces is needed, and nothing is made. */
export async function isTerminating(namespace: string, kube: Kube, signal: AbortSignal): Promise<boolean> {
  const manifest = { metadata: { namespace, name: 'genops-is-terminating' } };
  try {
    await kube.create(configMaps, manifest, { manager: managers.declared, dryRun: true }, signal);
    return false;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.isNamespaceTerminating;
  }
}
