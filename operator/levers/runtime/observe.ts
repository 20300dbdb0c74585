import { runtimeSettingsFile } from '../../api/runtime-settings.ts';
import type { Kube } from '../../kube/client.ts';
import type { Key } from '../../kube/object.ts';
import { configMaps, seenConfigMap, type ConfigMap } from '../owned-config-map.ts';
import type { Acknowledged } from './acknowledged.ts';
import type { AdminClient } from './admin.ts';
import type { RuntimeObserved, RuntimeUnit, SettingsSeen } from './plan.ts';
import type { PodReport } from './reports.ts';

export interface RuntimeDeps {
  readonly kube: Kube;
  /** What the Ready Pods of a component (of the service `namespace/name`) say; undefined where nobody measures. */
  readonly podReports: (service: Key, of: Pick<RuntimeUnit, 'name' | 'selector'>) => readonly PodReport[] | undefined;
  /** Undefined where nobody may be told of anything. */
  readonly admin: AdminClient | undefined;
}

/** Label that names the component whose settings a ConfigMap has. */
export const componentLabel = 'genops.dev/component';

export async function observe(
  unit: RuntimeUnit,
  { kube, podReports, acknowledged }: RuntimeDeps & { readonly acknowledged: Acknowledged },
  signal: AbortSignal,
): Promise<RuntimeObserved> {
  const { namespace, configMapName, owner } = unit;
  const found = await kube.get(configMaps, `${namespace}/${configMapName}`, signal);
  const reports = podReports(`${namespace}/${owner.name}`, unit);
  return { configMap: found && seen(found), pods: reports?.map((report) => acknowledged.within(report)) };
}

const seen = (found: ConfigMap): SettingsSeen => ({
  ...seenConfigMap(found),
  component: found.metadata.labels?.[componentLabel],
  text: found.data?.[runtimeSettingsFile],
});
