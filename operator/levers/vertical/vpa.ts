import { childName } from '../../api/child-name.ts';
import { controllerOf, type KubeObject, type OwnerReference } from '../../kube/object.ts';
import { resource } from '../../kube/resource.ts';

/** autoscaling.k8s.io/v1, as far as it is ours to say. */
interface VerticalPodAutoscaler extends KubeObject {
  readonly spec: VpaSpec;
  readonly status?: {
    readonly recommendation?: {
      readonly containerRecommendations?: readonly {
        readonly containerName: string;
        readonly target?: Readonly<Record<string, string>>;
      }[];
    };
  };
}
export interface VpaSpec {
  readonly targetRef?: TargetRef;
  readonly updatePolicy?: { readonly updateMode?: string };
  readonly resourcePolicy?: { readonly containerPolicies?: readonly unknown[] };
}
interface TargetRef {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
}

export const verticalPodAutoscalers = resource<VerticalPodAutoscaler>({
  group: 'autoscaling.k8s.io',
  version: 'v1',
  plural: 'verticalpodautoscalers',
  kind: 'VerticalPodAutoscaler',
  namespaced: true,
});

/** What we look at of a VPA. */
export interface VpaView {
  readonly name: string;
  readonly uid: string;
  readonly controller: OwnerReference | undefined;
  readonly spec: VpaSpec;
  /** Target of its recommendation, by container; quantities as the recommender writes them. */
  readonly targets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export function projectVpa({ metadata, spec, status }: VerticalPodAutoscaler): VpaView {
  const recommended = status?.recommendation?.containerRecommendations ?? [];
  return {
    name: metadata.name,
    uid: metadata.uid,
    controller: controllerOf({ metadata }),
    spec,
    targets: Object.fromEntries(recommended.map(({ containerName, target = {} }) => [containerName, target])),
  };
}

/** Of the VPA that we make for a component. */
export const vpaName = (service: string, component: string): string => childName(service, component, 'vpa');

/** Whether it sizes that workload, whatever version of its kind it names. */
export function aimsAt({ spec: { targetRef } }: VpaView, { apiVersion, kind, name }: Required<TargetRef>): boolean {
  return (
    targetRef?.name === name && targetRef.kind === kind && groupOf(targetRef.apiVersion ?? '') === groupOf(apiVersion)
  );
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');
