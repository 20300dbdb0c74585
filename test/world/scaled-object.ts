import type { KubeObject, Manifest } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { eventually } from './eventually.ts';
import { customResourceDefinitions, type World } from './world.ts';

interface ScaledObject extends KubeObject {
  readonly spec: { readonly minReplicaCount: number; readonly maxReplicaCount: number };
}
const group = 'keda.sh';
export const scaledObjects = resource<ScaledObject>({
  group,
  version: 'v1alpha1',
  plural: 'scaledobjects',
  kind: 'ScaledObject',
  namespaced: true,
});

export const scaledObject = (namespace: string): Manifest & { readonly spec: ScaledObject['spec'] } => ({
  metadata: { name: 'by-keda', namespace },
  spec: { minReplicaCount: 1, maxReplicaCount: 9 },
});

/** KEDA's kind with as much schema as its floor needs: KEDA itself is not there, so nobody syncs the HPA. */
export async function installScaledObjects({ kube, signal }: World): Promise<void> {
  const schema = {
    type: 'object',
    properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  };
  const crd = {
    metadata: { name: `scaledobjects.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'scaledobjects', singular: 'scaledobject', kind: 'ScaledObject' },
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  await kube.apply(customResourceDefinitions, crd, { manager: 'genops-test', force: true }, signal);
  await eventually(() => kube.list(scaledObjects, { namespace: 'default' }, signal));
}
