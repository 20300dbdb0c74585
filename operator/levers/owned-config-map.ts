import { childName } from '../api/child-name.ts';
import { Problem } from '../api/problem.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { controllerOf, type KubeObject, type ObjectMeta, type OwnerReference } from '../kube/object.ts';
import { resource } from '../kube/resource.ts';
import { managers } from './apply-owned.ts';

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
export const configMaps = resource<ConfigMap>({
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
});

/** A ConfigMap as it was looked at. What others have put there is kept when it is written again. */
export interface ConfigMapSeen {
  /** uid of its controller. */
  readonly controller: string | undefined;
  readonly metadata: ObjectMeta;
  readonly data: Readonly<Record<string, string>>;
}

export const seenConfigMap = ({ metadata, data = {} }: ConfigMap): ConfigMapSeen => ({
  controller: controllerOf({ metadata })?.uid,
  metadata,
  data,
});

export interface OwnedConfigMap {
  readonly namespace: string;
  readonly name: string;
  /** The GenerationService. */
  readonly owner: OwnerReference;
  /** Beside those that say whose it is. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  /** What is written over. */
  readonly found: ConfigMapSeen | undefined;
}

/** Creates the ConfigMap, or writes over just the one that was looked at. */
export async function writeConfigMap(
  kube: Kube,
  { namespace, name, owner, labels: own, data, found }: OwnedConfigMap,
  signal: AbortSignal,
): Promise<void> {
  const labels = {
    ...found?.metadata.labels,
    'app.kubernetes.io/managed-by': 'genops',
    'genops.dev/service': childName(owner.name),
    ...own,
  };
  const ownerReferences = [...(found?.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.uid), owner];
  const metadata = { ...found?.metadata, namespace, name, labels, ownerReferences };
  const manifest = { metadata, data: { ...found?.data, ...data } };
  const options = { manager: managers.declared };
  try {
    if (found === undefined) await kube.create(configMaps, manifest, options, signal);
    else await kube.update(configMaps, manifest, options, signal);
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 409 && error.reason !== 'AlreadyExists')) throw error;
    throw new Problem('Failed', {
      saw: `ConfigMap ${namespace}/${name} changed while it was being written`,
      wanted: 'the one that was looked at',
      cause: error,
    });
  }
}
