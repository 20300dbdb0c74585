import type { Kube } from '../../kube/client.ts';
import type { PodView } from '../../metrics/pod-view.ts';
import { configMaps, seenConfigMap, type ConfigMapSeen } from '../owned-config-map.ts';
import { containerOf, type ReadTemplate } from '../pod-template.ts';
import { newPodsLabel } from './new-pods.ts';
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
  const [template, pods, newPods, strays] = await Promise.all([
    isRead ? readTemplate(unit, signal) : undefined,
    isRead ? kube.discover('v1', 'Pod', signal) : undefined,
    kube.get(configMaps, `${unit.namespace}/${unit.newPodsName}`, signal),
    straysOf(unit, kube, signal),
  ]);
  return {
    pods: podsOf(unit).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    canResize: pods?.subresources.includes('resize') === true,
    template: isRead ? containerOf(template, unit) : { name: '', requests: {}, limits: {} },
    newPods: newPods && seenConfigMap(newPods),
    strays,
  };
}

/** Nothing else names them: who takes a component out of the spec takes its unit with it. */
async function straysOf(
  { namespace, owner, kept }: ResourcesUnit,
  kube: Kube,
  signal: AbortSignal,
): Promise<readonly ConfigMapSeen[]> {
  if (kept === undefined) return [];
  const told = await kube.list(configMaps, { namespace, labelSelector: `${newPodsLabel}=on` }, signal);
  return told
    .map(seenConfigMap)
    .filter(({ controller, metadata }) => controller === owner.uid && !kept.includes(metadata.name));
}
