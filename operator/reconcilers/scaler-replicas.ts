import { Problem } from '../api/problem.ts';
import type { ComponentSpec } from '../decide/resolve.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { managers } from '../levers/apply-owned.ts';
import type { KeptScaler } from './scaler-algorithm.ts';

interface Now {
  /** Or the floor, where that is what is moved. */
  readonly replicas: number;
  readonly cooldownMs: number;
  readonly now: number;
}

/**
 * What the scaler goes on from where there is no HPA: the replicas that there are, whoever set them. A step that was written down and not taken counts as taken while its cooldown runs,
 * so that it is taken now; later the load may be another.
 */
export function goesOnFrom(kept: KeptScaler | undefined, { replicas, cooldownMs, now }: Now): KeptScaler {
  const isUntaken = kept?.from === replicas && now < kept.lastScaledAt + cooldownMs;
  return { lastScaledAt: 0, ...kept, floor: isUntaken ? kept.floor : replicas };
}

/**
 * What the scaler goes on from where it moves a floor: what it asked for last, which others may have raised further. A step up that is not taken (the API server refuses it) stands while its cooldown runs;
 * the next one is from the floor that there is: an hour without the right is not made up for in one leap.
 */
export function goesOnFromFloor(
  kept: KeptScaler | undefined,
  { replicas: floor, cooldownMs, now }: Now,
): KeptScaler | undefined {
  if (kept === undefined) return undefined;
  const isGivenUp = kept.from === floor && kept.floor > floor && now >= kept.lastScaledAt + cooldownMs;
  return isGivenUp ? { ...kept, floor } : kept;
}

/** What to write down: the next step; or that the one before is over, as the replicas have moved. Undefined: nothing new. */
export function keepStep(
  kept: KeptScaler | undefined,
  next: KeptScaler | undefined,
  replicas: number,
): KeptScaler | undefined {
  if (next !== undefined) return { ...next, from: replicas };
  if (kept?.from === undefined || kept.from === replicas) return undefined;
  const { from: _, ...over } = kept;
  return over;
}

/**
 * Sets the replicas of a workload by its scale subresource, unless somebody has done so meanwhile.
 *
 * @returns Whether they were set; false: they are not what was decided on any more.
 * @throws {Problem} PermissionDenied.
 */
export async function applyReplicas(
  kube: Kube,
  { apiVersion, kind, name }: ComponentSpec['targetRef'],
  { namespace, from, to }: { readonly namespace: string; readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<boolean> {
  const found = await kube.discover(apiVersion, kind, signal);
  if (found === undefined) return false; // TargetFound tells of it
  const operations = [
    { op: 'test', path: '/spec/replicas', value: from },
    { op: 'replace', path: '/spec/replicas', value: to },
  ] as const;
  try {
    await kube.patch(
      found.resource,
      `${namespace}/${name}`,
      operations,
      { subresource: 'scale', manager: managers.floor },
      signal,
    );
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 422 || error.status === 404) return false;
    if (error.status !== 403 || error.isNamespaceTerminating) throw error;
    throw new Problem('PermissionDenied', {
      saw: error.message,
      wanted: `to set the replicas of ${kind} ${namespace}/${name}`,
      next: `install the role of the chart again; it has Deployments and StatefulSets, for another kind grant patch on its scale subresource`,
      cause: error,
    });
  }
}
