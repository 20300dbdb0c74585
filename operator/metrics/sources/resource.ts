import { amount } from '../../api/quantity.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { Kube } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/object.ts';
import { resource } from '../../kube/resource.ts';
import type { PodView } from '../pod-view.ts';
import { usageStandsMs, type Reading } from '../reading.ts';
import { createSharedAnswers } from './shared.ts';
import { failed, type ReadFailure, type ReadResult, type Source } from './source.ts';

interface PodMetrics extends KubeObject {
  readonly timestamp?: string;
  /** From the figure before to this one, as Go writes durations: `15.032s`. */
  readonly window?: string;
  readonly containers?: readonly { readonly name: string; readonly usage?: Readonly<Record<string, string>> }[];
}

const podMetrics = resource<PodMetrics>({
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  plural: 'pods',
  kind: 'PodMetrics',
  namespaced: true,
});

/** What one container uses: cores (over the server's own window of some seconds) and bytes of working set. */
export interface ContainerUsage {
  readonly cpuCores: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly everyMs: number;
}

/** The PodMetrics of one namespace by Pod, or why they cannot be had. */
export type NamespaceUsage =
  | {
      readonly result: 'listed';
      /** When they were listed: ms since the epoch, and of performance.now(). */
      readonly wall: number;
      readonly monotonic: number;
      readonly pods: ReadonlyMap<string, PodMetrics>;
    }
  | { readonly result: 'failed'; readonly failure: ReadFailure };

export interface ResourceUsage {
  /** One list for all components of the namespace within `maxAgeMs`. @param taken The answer that the asker took last. */
  of(
    namespace: string,
    how: { readonly maxAgeMs: number; readonly timeoutMs: number; readonly taken: NamespaceUsage | undefined },
  ): Promise<NamespaceUsage>;
}

export function createResourceUsage(kube: Pick<Kube, 'list'>): ResourceUsage {
  const answers = createSharedAnswers<NamespaceUsage>();
  return {
    of: (namespace, { maxAgeMs, timeoutMs, taken }) =>
      answers.ask(namespace, { maxAgeMs, taken }, () => list(kube, namespace, timeoutMs)),
  };
}

async function list(kube: Pick<Kube, 'list'>, namespace: string, timeoutMs: number): Promise<NamespaceUsage> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const items = await kube.list(podMetrics, { namespace }, signal);
    const pods = new Map(items.map((item) => [item.metadata.name, item]));
    return { result: 'listed', wall: Date.now(), monotonic: performance.now(), pods };
  } catch (error) {
    if (signal.aborted) return failed('TimedOut', 'metrics.k8s.io did not answer in time', needed);
    if (!(error instanceof ApiError)) throw error;
    return failed(error.status === 0 ? 'Unreachable' : 'BadStatus', error.message, nextFor(error.status));
  }
}

const needed = 'kubectl get apiservice v1beta1.metrics.k8s.io says whether metrics-server is well';
const nextFor = (status: number): string =>
  status === 404
    ? 'install metrics-server, or name another source in components[].metrics'
    : status === 403
      ? 'grant list on pods of metrics.k8s.io to the operator’s service account'
      : needed;

export interface ResourceSourceOptions {
  readonly usage: ResourceUsage;
  /** Undefined: the Pod's default container. */
  readonly containerName: string | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** CPU and working set from metrics.k8s.io, of the container that is measured. */
export function resourceSource({ usage, containerName, intervalMs, timeoutMs }: ResourceSourceOptions): Source {
  const taken = new Map<string, { readonly seen: NamespaceUsage; readonly listedAt: number | undefined }>();
  return {
    type: 'Resource',
    id: JSON.stringify(['Resource', containerName]),
    forget: (uid) => void taken.delete(uid),
    async read(pod): Promise<ReadResult> {
      const before = taken.get(pod.uid);
      const seen = await usage.of(pod.namespace, { maxAgeMs: intervalMs, timeoutMs, taken: before?.seen });
      const listedAt = before?.listedAt;
      taken.set(pod.uid, { seen, listedAt: seen.result === 'listed' ? seen.monotonic : listedAt });
      if (seen.result === 'failed') return seen;
      const used = usageOf(seen.pods.get(pod.name), pod, containerName, seen.wall);
      if ('result' in used) return used;
      const elapsedMs = listedAt === undefined ? undefined : seen.monotonic - listedAt;
      return { result: 'read', reading: readingOf(used, elapsedMs) };
    },
  };
}

/** Older figures are of a kubelet that is not asked any more. Healthy ones are up to a minute and a half old where metrics-server asks each minute. */
const maxAgeMs = 120_000;

function usageOf(
  metrics: PodMetrics | undefined,
  pod: PodView,
  containerName: string | undefined,
  now: number,
): ContainerUsage | ReturnType<typeof failed> {
  const name = containerName ?? pod.containers[0]?.name;
  const container = metrics?.containers?.find((one) => one.name === name);
  const what = `Pod ${pod.name}${name === undefined ? '' : `, container ${name}`}`;
  if (container === undefined) return failed('NoFigures', `metrics.k8s.io has no figures of ${what}`, needed);
  const ageMs = now - Date.parse(metrics?.timestamp ?? '');
  if (ageMs > maxAgeMs)
    return failed(
      'NoFigures',
      `metrics.k8s.io has figures of ${what} that are ${Math.round(ageMs / 1_000)} s old`,
      needed,
    );
  const known = (value: number | undefined): number | undefined =>
    value !== undefined && Number.isFinite(value) && value >= 0 ? value : undefined;
  return {
    cpuCores: known(amount(container.usage?.['cpu'])),
    memoryBytes: known(amount(container.usage?.['memory'])),
    everyMs: everyMs(metrics?.window),
  };
}

/** The resolution of metrics-server as it is made, and about what a kubelet takes to look again: its windows wander by some seconds around it, or around a multiple of it. */
const usualMs = 15_000;
const goUnits: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

function everyMs(window = ''): number {
  const parts = [...window.matchAll(/([0-9.]+)(ms|h|m|s)/g)];
  const ms = parts.reduce((sum, [, figure, unit = '']) => sum + Number(figure) * (goUnits[unit] ?? 0), 0);
  return usualMs * Math.max(1, Math.round(ms / usualMs));
}

/** They count as measured when they are taken: the server gives means over some seconds, at most an interval old here. */
const readingOf = (
  { cpuCores, memoryBytes, everyMs: every }: ContainerUsage,
  elapsedMs: number | undefined,
): Reading => ({
  observedAt: Date.now(),
  elapsedMs,
  figures: {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(cpuCores === undefined || elapsedMs === undefined ? {} : { cpuSeconds: (cpuCores * elapsedMs) / 1_000 }),
  },
  histograms: {},
  usageEveryMs: every,
});

/** `source`, with CPU and memory as metrics.k8s.io has them where it has them: the working set is what a limit is held against, and a process knows nothing of the others in its container. */
export function withResource(source: Source, options: ResourceSourceOptions): Source {
  const usage = resourceSource(options);
  const held = new Map<string, Reading>();
  /** A list that fails says nothing of the Pod: what the one before said stands as long as it might anyway. */
  const used = async (pod: PodView, signal: AbortSignal): Promise<ReadResult> => {
    const result = await usage.read(pod, signal);
    const before = held.get(pod.uid);
    if (result.result === 'read') held.set(pod.uid, result.reading);
    else if (result.failure.reason === 'NoFigures') held.delete(pod.uid);
    else if (before !== undefined && Date.now() - before.observedAt <= usageStandsMs(before, options.intervalMs))
      return { result: 'read', reading: before };
    return result;
  };
  return {
    type: source.type,
    id: JSON.stringify([source.id, usage.id]),
    forget(uid) {
      source.forget(uid);
      usage.forget(uid);
      held.delete(uid);
    },
    usage: used,
    async read(pod, signal) {
      const [result, also] = await Promise.all([source.read(pod, signal), used(pod, signal)]);
      if (also.result === 'failed') return result;
      if (result.result === 'failed') return { ...result, usage: also.reading };
      return { result: 'read', reading: overlaid(result.reading, also.reading) };
    },
  };
}

/** Both looks cover about one interval, each its own: CPU is brought to the time of the reading that it goes into. */
function overlaid(reading: Reading, { figures, elapsedMs, usageEveryMs }: Reading): Reading {
  const { memoryBytes, cpuSeconds } = figures;
  const share = reading.elapsedMs === undefined || elapsedMs === undefined ? NaN : reading.elapsedMs / elapsedMs;
  return {
    ...reading,
    ...(usageEveryMs === undefined ? {} : { usageEveryMs }),
    figures: {
      ...reading.figures,
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(cpuSeconds === undefined || Number.isNaN(share) ? {} : { cpuSeconds: cpuSeconds * share }),
    },
  };
}
