import type { Kube } from '../../kube/client.ts';
import type { ObjectMeta } from '../../kube/object.ts';
import { apiVersionOf } from '../../kube/resource.ts';
import { applyOwned, managers } from '../apply-owned.ts';
import { horizontalPodAutoscalers, type HpaView } from './hpa.ts';

export interface FloorChange {
  readonly hpa: HpaView;
  readonly floor: number;
  /** Take the field from whoever has it: only where the user gave us the HPA (FloorOnly, adopt). Else a person's edit is a Conflict. */
  readonly force: boolean;
}

/**
 * Moves minReplicas of an HPA, and nothing else of it, under the scaler's own field manager.
 *
 * @throws {Problem} Conflict, PermissionDenied, Failed.
 */
export async function applyFloor(
  kube: Kube,
  { hpa: { namespace, name, uid }, floor, force }: FloorChange,
  signal: AbortSignal,
): Promise<ObjectMeta> {
  const manifest = {
    apiVersion: apiVersionOf(horizontalPodAutoscalers),
    kind: horizontalPodAutoscalers.kind,
    metadata: { namespace, name, uid },
    spec: { minReplicas: floor },
  };
  return applyOwned(kube, horizontalPodAutoscalers, manifest, { manager: managers.floor, force }, signal);
}
