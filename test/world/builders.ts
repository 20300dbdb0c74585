import type { GenerationService, GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';

type DeepPartialSpec = Partial<GenerationServiceSpec>;

/** A service with one component that aims at the Deployment `workflow-execution`; whatever is given stands instead. */
export function generationService(
  spec: DeepPartialSpec = {},
  {
    name = 'generation',
    annotations = {},
  }: { readonly name?: string; readonly annotations?: Readonly<Record<string, string>> } = {},
) {
  return {
    apiVersion: 'genops.dev/v1alpha1',
    kind: 'GenerationService',
    metadata: { name, annotations },
    spec: {
      components: [
        { name: 'workflow', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' } },
      ],
      ...spec,
    },
  };
}

/** A service as the API server gives it back: ai/generation without a component; whatever is given stands instead. */
export function storedService({
  metadata,
  spec,
  ...given
}: {
  readonly metadata?: Partial<GenerationService['metadata']>;
  readonly spec?: Partial<GenerationServiceSpec>;
  readonly status?: NonNullable<GenerationService['status']>;
} = {}): GenerationService {
  return {
    apiVersion: 'genops.dev/v1alpha1',
    kind: 'GenerationService',
    metadata: {
      namespace: 'ai',
      name: 'generation',
      uid: 'u',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: { mode: 'Enforce', deletionPolicy: 'Retain', components: [], ...spec },
    ...given,
  };
}

export const performancePolicy = (spec: PolicySpec = {}, name = 'standard') => ({
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'PerformancePolicy',
  metadata: { name },
  spec,
});

/** A Deployment that is enough to be scaled; its Pods run nothing but the pause image. */
export function deployment(
  name = 'workflow-execution',
  { replicas = 0, ...container }: { readonly replicas?: number; readonly [field: string]: unknown } = {},
) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'app', image: 'registry.k8s.io/pause:3.10', ...container }] },
      },
    },
  };
}

/** An HPA as somebody else would write it. */
export const hpa = (
  name: string,
  { minReplicas, maxReplicas }: { readonly minReplicas: number; readonly maxReplicas: number },
) => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
    minReplicas,
    maxReplicas,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }],
  },
});
