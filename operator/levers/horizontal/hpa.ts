import { childName } from '../../api/child-name.ts';
import type { FieldConflict } from '../../kube/api-error.ts';
import { controllerOf, type KubeObject, type OwnerReference } from '../../kube/object.ts';
import { resource } from '../../kube/resource.ts';
import { managers } from '../apply-owned.ts';
import type { UnitMemory } from '../lever.ts';

/** autoscaling/v2, as far as it is ours to say. */
export interface HorizontalPodAutoscaler extends KubeObject {
  readonly spec: HpaSpec;
}
export interface HpaSpec {
  readonly scaleTargetRef: ObjectReference;
  readonly minReplicas?: number;
  readonly maxReplicas: number;
  readonly metrics?: readonly unknown[];
  readonly behavior?: unknown;
}
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

export const horizontalPodAutoscalers = resource<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  plural: 'horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
  namespaced: true,
});

/** What the cache keeps of an HPA: its status changes every 15 s and wakes nobody. */
export interface HpaView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly controller: OwnerReference | undefined;
  readonly spec: HpaSpec;
  /** The scaler moved minReplicas, and nobody has written another since. */
  readonly isFloorOurs: boolean;
  /** Fields of the spec that others have set, where there are any. */
  readonly held?: readonly FieldConflict[];
}

export function projectHpa({ metadata, spec }: HorizontalPodAutoscaler): HpaView {
  const { namespace = '', name, uid, managedFields = [] } = metadata;
  const isFloorOurs = (managedFields as readonly ManagedFields[]).some(
    ({ manager, fieldsV1 }) => manager === managers.floor && fieldsV1?.['f:spec']?.['f:minReplicas'] !== undefined,
  );
  const held = (managedFields as readonly ManagedFields[]).flatMap(({ manager = '', fieldsV1 }) =>
    isOurs(manager) ? [] : pathsOf(fieldsV1?.['f:spec'], '.spec').map((field) => ({ manager, field })),
  );
  const view = { namespace, name, uid, controller: controllerOf({ metadata }), spec, isFloorOurs };
  return held.length === 0 ? view : { ...view, held };
}

/** Whether an HPA is one that we made for this service, or took over. @param originals What is remembered of the component's. */
export const isOwn =
  (service: string, originals: UnitMemory['originals']) =>
  ({ uid, controller }: HpaView): boolean =>
    controller?.uid === service || uid === originals?.['uid'];

/** What one field manager wrote last, as far as it is asked here. */
interface ManagedFields {
  readonly manager?: string;
  readonly fieldsV1?: { readonly 'f:spec'?: FieldSet };
}
interface FieldSet {
  readonly [field: `f:${string}`]: FieldSet;
}

const isOurs = (manager: string): boolean => Object.values<string>(managers).includes(manager);

/** Of each value or list in it, the path as the API server names it: `.spec.behavior.scaleUp.policies`. */
function pathsOf(fields: FieldSet | undefined, path: string): readonly string[] {
  if (fields === undefined) return [];
  const below = Object.entries(fields).filter(([name]) => name.startsWith('f:'));
  return below.length === 0 ? [path] : below.flatMap(([name, field]) => pathsOf(field, `${path}.${name.slice(2)}`));
}

/** Of the HPA that we make for a component. */
export const hpaName = (service: string, component: string): string => childName(service, component, 'hpa');

/** The same for two references to one object, whatever version they name. */
export function targetKey(namespace: string, { apiVersion, kind, name }: ObjectReference): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return `${namespace}/${group}/${kind}/${name}`;
}
