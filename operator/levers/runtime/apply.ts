import { childName } from '../../api/child-name.ts';
import { Problem } from '../../api/problem.ts';
import { runtimeSettingsFile } from '../../api/runtime-settings.ts';
import { ApiError } from '../../kube/api-error.ts';
import { managers } from '../apply-owned.ts';
import type { Outcome } from '../lever.ts';
import { componentLabel, configMaps, type RuntimeDeps } from './observe.ts';
import type { RuntimeChange, RuntimeUnit } from './plan.ts';

/** Creates the ConfigMap, or writes over just the one that was looked at. */
export async function apply(
  { name, text, found }: RuntimeChange,
  unit: RuntimeUnit,
  { kube }: Pick<RuntimeDeps, 'kube'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { namespace, owner } = unit;
  const manifest = {
    metadata: {
      ...found?.metadata,
      namespace,
      name,
      labels: {
        ...found?.metadata.labels,
        'app.kubernetes.io/managed-by': 'genops',
        'genops.dev/service': childName(owner.name),
        [componentLabel]: unit.name,
      },
      ownerReferences: [...(found?.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.uid), owner],
    },
    data: { ...found?.data, [runtimeSettingsFile]: text },
  };
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
  return { result: 'applied' };
}
