import type { Kube } from '../../kube/client.ts';
import { controllerOf, type Key, type KubeObject } from '../../kube/object.ts';
import { resource } from '../../kube/resource.ts';
import { runtimeSettingsFile } from '../../api/runtime-settings.ts';
import type { ConfigMapSeen, RuntimeObserved, RuntimeUnit } from './plan.ts';
import type { PodReport } from './reports.ts';

export interface RuntimeDeps {
  readonly kube: Kube;
  /** What the Ready Pods of a component (of the service `namespace/name`) say; undefined where nobody measures. */
  readonly podReports: (service: Key, of: Pick<RuntimeUnit, 'name' | 'selector'>) => readonly PodReport[] | undefined;
}

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

/** Label that names the component whose settings a ConfigMap has. */
export const componentLabel = 'genops.dev/component';

export async function observe(
  unit: RuntimeUnit,
  { kube, podReports }: RuntimeDeps,
  signal: AbortSignal,
): Promise<RuntimeObserved> {
  const { namespace, configMapName, owner } = unit;
  const found = await kube.get(configMaps, `${namespace}/${configMapName}`, signal);
  return { configMap: found && seen(found), pods: podReports(`${namespace}/${owner.name}`, unit) };
}

function seen({ metadata, data = {} }: ConfigMap): ConfigMapSeen {
  return {
    controller: controllerOf({ metadata })?.uid,
    component: metadata.labels?.[componentLabel],
    text: data[runtimeSettingsFile],
    metadata,
    data,
  };
}
