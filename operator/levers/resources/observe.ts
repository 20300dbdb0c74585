import type { Kube } from '../../kube/client.ts';
import type { PodView } from '../../metrics/pod-view.ts';
import { configMaps, seenConfigMap } from '../owned-config-map.ts';
import { containerOf, type ReadTemplate } from '../pod-template.ts';
import type { ResourcesObserved, ResourcesUnit } from './plan.ts';

export interface ResourcesDeps {
  readonly kube: Kube;
  readonly readTemplate: ReadTemplate;
  /** The Pods of a component, as they were last seen. */
  readonly podsOf: (of: Pick<ResourcesUnit, 'namespace' | 'selector'>) => readonly PodView[];
}

export async function observe(
  unit: ResourcesUnit,
  { kube, readTemplate, podsOf }: ResourcesDeps,
  signal: AbortSignal,
): Promise<ResourcesObserved> {
  const isRead = unit.isWanted || unit.isReleased; // else a kind without a template of its own, or one that we may not read, is none of ours
  const [template, pods, newPods] = await Promise.all([
    isRead ? readTemplate(unit, signal) : undefined,
    isRead ? kube.discover('v1', 'Pod', signal) : undefined,
    kube.get(configMaps, `${unit.namespace}/${unit.newPodsName}`, signal),
  ]);
  return {
    pods: podsOf(unit).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    canResize: pods?.subresources.includes('resize') === true,
    template: isRead ? containerOf(template, unit) : { name: '', requests: {}, limits: {} },
    newPods: newPods && seenConfigMap(newPods),
  };
}
