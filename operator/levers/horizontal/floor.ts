import { Problem } from '../../api/problem.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { Kube } from '../../kube/client.ts';
import type { Key, KubeObject } from '../../kube/object.ts';
import type { OwnWrites } from '../../kube/own-writes.ts';
import { resource } from '../../kube/resource.ts';
import { applyOwned, managers } from '../apply-owned.ts';
import { horizontalPodAutoscalers, type HpaView } from './hpa.ts';

export interface FloorChange {
  readonly hpa: HpaView;
  readonly floor: number;
  /** Take the field from whoever has it: only where the user gave us the HPA (FloorOnly, adopt). Else a person's edit is a Conflict. */
  readonly force: boolean;
}

interface ScaledObject extends KubeObject {
  readonly spec: { readonly minReplicaCount?: number };
}
const scaledObjects = resource<ScaledObject>({
  group: 'keda.sh',
  version: 'v1alpha1',
  plural: 'scaledobjects',
  kind: 'ScaledObject',
  namespaced: true,
});

interface FloorDeps {
  readonly kube: Kube;
  /** Of floors, to HPAs. */
  readonly floorWrites: OwnWrites<number>;
}

/** With the floor that we write or wrote a moment ago: what the cache does not show yet is neither moved nor told again, and given back all the same. */
export function withOwnFloor(hpa: HpaView, floorWrites: OwnWrites<number>): HpaView {
  const minReplicas = floorWrites.latest(`${hpa.namespace}/${hpa.name}`);
  return minReplicas === undefined ? hpa : { ...hpa, spec: { ...hpa.spec, minReplicas }, isFloorOurs: true };
}

/** With the floor that its ScaledObject has, where one owns it: KEDA brings that to the HPA in its own time. */
export async function withKeptFloor(hpa: HpaView, kube: Kube, signal: AbortSignal): Promise<HpaView> {
  if (hpa.controller?.kind !== scaledObjects.kind) return hpa;
  const owner = await readOwner(kube, `${hpa.namespace}/${hpa.controller.name}`, signal);
  return owner === undefined
    ? hpa
    : { ...hpa, spec: { ...hpa.spec, minReplicas: Math.max(owner.spec.minReplicaCount ?? 0, 1) } };
}

/**
 * Moves the floor of an autoscaler, and nothing else of it, under the scaler's own field manager: minReplicas of an HPA, or minReplicaCount of the ScaledObject that owns the HPA and would write over it.
 *
 * @returns Whether anything was written: a ScaledObject may have the floor already while its HPA does not show it yet.
 * @throws {Problem} Conflict, PermissionDenied, Failed.
 */
export async function applyFloor(
  { kube, floorWrites }: FloorDeps,
  { hpa, floor, force }: FloorChange,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace, name, uid, controller } = hpa;
  const options = { manager: managers.floor, force };
  if (controller?.kind !== scaledObjects.kind) {
    const manifest = { metadata: { namespace, name, uid }, spec: { minReplicas: floor } };
    const key = `${namespace}/${name}`;
    floorWrites.begin(key, floor);
    try {
      floorWrites.end(key, await applyOwned(kube, horizontalPodAutoscalers, manifest, options, signal));
    } catch (error) {
      floorWrites.forget(key);
      throw error;
    }
    return true;
  }
  const owner = await readOwner(kube, `${namespace}/${controller.name}`, signal);
  if (owner === undefined || owner.spec.minReplicaCount === floor) return false;
  const manifest = {
    metadata: { namespace, name: controller.name, uid: controller.uid },
    spec: { minReplicaCount: floor },
  };
  await applyOwned(kube, scaledObjects, manifest, options, signal);
  return true;
}

async function readOwner(kube: Kube, key: Key, signal: AbortSignal): Promise<ScaledObject | undefined> {
  try {
    return await kube.get(scaledObjects, key, signal);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    throw new Problem('PermissionDenied', {
      saw: error.message,
      wanted: `to read ScaledObject ${key}, which holds the floor of its HorizontalPodAutoscaler`,
      next: 'install the role of the chart again',
      cause: error,
    });
  }
}
