import { runtimeSettingsFile } from '../../api/runtime-settings.ts';
import type { Outcome } from '../lever.ts';
import { writeConfigMap } from '../owned-config-map.ts';
import type { Acknowledged } from './acknowledged.ts';
import { componentLabel, type RuntimeDeps } from './observe.ts';
import type { RuntimeChange, RuntimeUnit, WriteChange } from './plan.ts';
import { push } from './push.ts';

/** The ConfigMap first: what Pods are told is what stands there. */
export async function apply(
  change: RuntimeChange,
  unit: RuntimeUnit,
  { kube, admin, acknowledged }: RuntimeDeps & { readonly acknowledged: Acknowledged },
  signal: AbortSignal,
): Promise<Outcome> {
  if (change.kind === 'Write') {
    await writeConfigMap(kube, written(change, unit), signal);
    return { result: 'applied' };
  }
  if (admin === undefined) return { result: 'nothing' };
  return push(change, { client: admin, acknowledged }, signal);
}

const written = ({ name, text, found }: WriteChange, { namespace, owner, name: component }: RuntimeUnit) => ({
  namespace,
  name,
  owner,
  labels: { [componentLabel]: component },
  data: { [runtimeSettingsFile]: text },
  found,
});
