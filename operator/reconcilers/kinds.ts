import type { GenerationService } from '../api/generation-service.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import type { ContainerSizes } from '../decide/resolve.ts';
import type { KubeObject } from '../kube/object.ts';
import type { LabelSelector } from '../kube/label-selector.ts';
import { resource } from '../kube/resource.ts';

export { configMaps, type ConfigMap } from '../levers/owned-config-map.ts';

const ours = { group: 'genops.dev', version: 'v1alpha1', namespaced: true } as const;
export const generationServices = resource<GenerationService & KubeObject>({
  ...ours,
  plural: 'generationservices',
  kind: 'GenerationService',
});
export const performancePolicies = resource<PerformancePolicy & KubeObject>({
  ...ours,
  plural: 'performancepolicies',
  kind: 'PerformancePolicy',
});

/** A Deployment or StatefulSet: the two kinds of target that are watched; others are asked for when they are needed. */
export interface Workload extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: LabelSelector;
    readonly template?: PodTemplate;
    /** Of a Deployment. */
    readonly strategy?: { readonly type?: string };
    readonly paused?: boolean;
    /** Of a StatefulSet. */
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
  };
  readonly status?: {
    readonly replicas?: number;
    /** Those of the newest template. */
    readonly updatedReplicas?: number;
    /** Of a StatefulSet. */
    readonly updateRevision?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}
interface PodTemplate {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly containers?: readonly TemplateContainer[];
    readonly initContainers?: readonly TemplateContainer[];
  };
}
interface TemplateContainer {
  readonly name: string;
  readonly resources?: Partial<Pick<ContainerSizes, 'requests' | 'limits'>>;
  readonly restartPolicy?: string;
}
const apps = { group: 'apps', version: 'v1', namespaced: true } as const;
export const deployments = resource<Workload>({ ...apps, plural: 'deployments', kind: 'Deployment' });
export const statefulSets = resource<Workload>({ ...apps, plural: 'statefulsets', kind: 'StatefulSet' });

export interface Secret extends KubeObject {
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}
export const secrets = resource<Secret>({
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
});

export interface ResourceQuota extends KubeObject {
  readonly spec?: {
    readonly hard?: Readonly<Record<string, string>>;
    readonly scopes?: readonly string[];
    readonly scopeSelector?: object;
  };
}
export const resourceQuotas = resource<ResourceQuota>({
  group: '',
  version: 'v1',
  plural: 'resourcequotas',
  kind: 'ResourceQuota',
  namespaced: true,
});

export interface ApiService extends KubeObject {
  readonly spec: {
    readonly group?: string;
    readonly service?: { readonly namespace?: string; readonly name?: string };
  };
}
export const apiServices = resource<ApiService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  plural: 'apiservices',
  kind: 'APIService',
  namespaced: false,
});

/** autoscaling/v1, what a scale subresource answers. */
export interface Scale extends KubeObject {
  readonly spec: { readonly replicas?: number };
  readonly status: { readonly selector?: string };
}
