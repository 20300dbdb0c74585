import { loadBalancerSettingsFile } from '../../api/load-balancer-settings.ts';
import { applyOwned, managers } from '../apply-owned.ts';
import type { Outcome } from '../lever.ts';
import { writeConfigMap } from '../owned-config-map.ts';
import type { LoadBalancerDeps } from './observe.ts';
import type { LoadBalancerChange } from './plan.ts';
import type { FormerUnit, LoadBalancerUnit } from './unit.ts';

export async function apply(
  change: LoadBalancerChange,
  { namespace, owner }: LoadBalancerUnit | FormerUnit,
  { kube }: Pick<LoadBalancerDeps, 'kube'>,
  signal: AbortSignal,
): Promise<Outcome> {
  switch (change.kind) {
    case 'settings': {
      const { name, text, found } = change;
      const data = { [loadBalancerSettingsFile]: text };
      await writeConfigMap(kube, { namespace, name, owner, data, found }, signal);
      break;
    }
    case 'apply':
      await applyOwned(kube, change.resource, change.manifest, { manager: managers.declared }, signal);
      break;
    case 'delete':
      await kube.delete(change.resource, `${namespace}/${change.name}`, { uid: change.uid }, signal);
  }
  return { result: 'applied' };
}
