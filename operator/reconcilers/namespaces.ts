import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { managers } from '../levers/apply-owned.ts';
import { configMaps } from './kinds.ts';

/** Whether a namespace is being deleted. The API server tells whoever would make something there: no right to read namespaces is needed, and nothing is made. @throws {ApiError} where it cannot tell. */
export async function isTerminating(namespace: string, kube: Kube, signal: AbortSignal): Promise<boolean> {
  const manifest = { metadata: { namespace, name: 'genops-is-terminating' } };
  try {
    await kube.create(configMaps, manifest, { manager: managers.declared, dryRun: true }, signal);
    return false;
  } catch (error) {
    if (!(error instanceof ApiError) || isNoAnswer(error)) throw error;
    return error.isNamespaceTerminating;
  }
}

/** From a server that could not be asked, or is not well. */
const isNoAnswer = ({ status }: ApiError): boolean => status === 0 || status === 429 || status >= 500;
