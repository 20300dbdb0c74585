import type { GenerationService } from '../../operator/api/generation-service.ts';
import { quantity } from '../../operator/api/quantity.ts';
import type { Kube } from '../../operator/kube/client.ts';
import { resource } from '../../operator/kube/resource.ts';
import { connectRedis } from '../../operator/levers/redis/connect.ts';
import { podResource, projectPod, stateOf } from '../../operator/metrics/pod-view.ts';
import { deployments, generationServices, secrets } from '../../operator/reconcilers/kinds.ts';
import type { HorizontalPodAutoscaler } from '../../operator/levers/horizontal/hpa.ts';
import { names } from './story.ts';

/** What the cluster and Redis say at one moment. */
export interface Snapshot {
  readonly replicas: { readonly ready: number; readonly desired: number };
  /** `http://10.200.0.7:8080` of each Pod that may be sent requests. */
  readonly targets: readonly string[];
  readonly autoscaler: Autoscaler | undefined;
  readonly service: GenerationService['status'];
  readonly redis: RedisSettings;
}

export interface Autoscaler {
  /** Its minReplicas. */
  readonly floor: number;
  readonly maxReplicas: number;
  /** How it came to its answer, in its own words. */
  readonly reasoning: string | undefined;
  /** What it scales on; `current` is undefined while it has no figure. */
  readonly metrics: readonly AutoscalerMetric[];
}

export interface AutoscalerMetric {
  readonly name: string;
  /** `12 %` or `20.5`. */
  readonly current: string | undefined;
  readonly target: string;
}

export interface RedisSettings {
  readonly maxMemoryBytes: number;
  readonly policy: string;
}

export interface SnapshotDeps {
  readonly kube: Kube;
}

interface Hpa extends HorizontalPodAutoscaler {
  readonly status?: {
    readonly currentMetrics?: readonly Metric[] | null;
    readonly conditions?: readonly { readonly type: string; readonly message?: string }[];
  };
}
interface Metric {
  readonly resource?: MetricValues & { readonly name: string };
  readonly pods?: MetricValues & { readonly metric: { readonly name: string } };
}
interface MetricValues {
  readonly current?: MetricValue;
  readonly target?: MetricValue;
}
interface MetricValue {
  readonly averageUtilization?: number;
  readonly averageValue?: string;
}
const autoscalers = resource<Hpa>({
  group: 'autoscaling',
  version: 'v2',
  plural: 'horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
  namespaced: true,
});

/** @throws ApiError, or Problem where Redis does not answer. */
export async function takeSnapshot({ kube }: SnapshotDeps, signal: AbortSignal): Promise<Snapshot> {
  const namespace = names.workloads;
  const [deployment, pods, [hpa], service, redis] = await Promise.all([
    kube.get(deployments, `${namespace}/${names.deployment}`, signal),
    kube.list(podResource, { namespace, labelSelector: names.selector }, signal),
    kube.list(autoscalers, { namespace }, signal),
    kube.get(generationServices, `${namespace}/${names.service}`, signal),
    redisSettings(kube, signal),
  ]);
  const ready = pods.map(projectPod).filter((pod) => stateOf(pod) === 'Ready');
  return {
    replicas: { ready: ready.length, desired: deployment?.spec.replicas ?? 0 },
    targets: ready.map(({ ip = '' }) => `http://${ip}:8080`),
    autoscaler: hpa === undefined ? undefined : autoscalerOf(hpa),
    service: service?.status,
    redis,
  };
}

async function redisSettings(kube: Kube, signal: AbortSignal): Promise<RedisSettings> {
  const [pod, secret] = await Promise.all([
    kube.get(podResource, `${names.workloads}/${names.redisPod}`, signal),
    kube.get(secrets, `${names.workloads}/redis`, signal),
  ]);
  const host = pod?.status?.podIP ?? '';
  const password = Buffer.from(secret?.data?.['password'] ?? '', 'base64').toString();
  await using redis = await connectRedis({ host, port: 6379, password, label: `${host}:6379` }, signal);
  const setting = async (name: string): Promise<string> => {
    const answer = await redis.command('CONFIG', 'GET', name);
    return Array.isArray(answer) ? String(answer[1]) : '';
  };
  return { maxMemoryBytes: Number(await setting('maxmemory')), policy: await setting('maxmemory-policy') };
}

function autoscalerOf({ spec, status }: Hpa): Autoscaler {
  const current = (status?.currentMetrics ?? []).map((metric) => [nameOf(metric), metric] as const);
  const declared = (spec.metrics ?? []) as readonly Metric[];
  return {
    floor: spec.minReplicas ?? 1,
    maxReplicas: spec.maxReplicas,
    reasoning: status?.conditions?.find(({ type }) => type === 'ScalingActive')?.message,
    metrics: declared.map((metric) => {
      const seen = current.find(([name]) => name === nameOf(metric))?.[1];
      return {
        name: nameOf(metric),
        current: valueText((seen?.resource ?? seen?.pods)?.current),
        target: valueText((metric.resource ?? metric.pods)?.target) ?? '',
      };
    }),
  };
}

const nameOf = ({ resource: ofResource, pods }: Metric): string => ofResource?.name ?? pods?.metric.name ?? '';

function valueText(value: MetricValue | undefined): string | undefined {
  if (value?.averageUtilization !== undefined) return `${value.averageUtilization} %`;
  return value?.averageValue === undefined ? undefined : String(Number(quantity(value.averageValue).toFixed(1)));
}
