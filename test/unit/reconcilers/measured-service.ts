import { jest } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { GenerationServiceStatus } from '../../../operator/api/status.ts';
import { resolve } from '../../../operator/decide/resolve.ts';
import { keyOf } from '../../../operator/kube/object.ts';
import { createCollector } from '../../../operator/metrics/collector.ts';
import type { PodView } from '../../../operator/metrics/pod-view.ts';
import { createPageReader, createPodPages, takeReading, type PodPages } from '../../../operator/metrics/reading.ts';
import { createStandings } from '../../../operator/metrics/standings.ts';
import type { Source } from '../../../operator/metrics/sources/source.ts';
import { assess, type Assessment } from '../../../operator/reconcilers/assess.ts';
import type { ScalerReport } from '../../../operator/reconcilers/decisions.ts';
import { createCacheServers } from '../../../operator/reconcilers/cache-servers.ts';
import { createLastWords } from '../../../operator/reconcilers/last-words.ts';
import { createLogger } from '../../../operator/telemetry/logger.ts';
import { createMetrics } from '../../../operator/telemetry/metrics.ts';
import { podView } from '../../world/pod-view.ts';
import { storedService } from '../../world/builders.ts';

export const start = Date.UTC(2026, 0, 1);
export const intervalMs = 10_000;
export const mi = 1024 ** 2;

export const componentOf = (name: string): GenerationServiceSpec['components'][number] => ({
  name,
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
});
export const pod = (name: string, changes: Partial<PodView> = {}): PodView =>
  podView(name, {
    labels: { app: 'workflow' },
    readySince: start - 3_600_000,
    createdAt: start - 3_600_000,
    containers: [{ name: 'app', cpuRequest: 1, cpuLimit: 1, memoryRequest: undefined, memoryLimit: undefined }],
    ...changes,
  });

/** What a Pod serves, by the seconds that it has been there: 5 requests a second, a fifth of a core. */
export type Page = (seconds: number) => string;
export const memory: Page = () => `process_resident_memory_bytes ${512 * mi}\n`;
const requests: Page = (seconds) =>
  ['bucket{le="0.05"}', 'bucket{le="+Inf"}', 'count']
    .map((series) => `http_server_request_duration_seconds_${series} ${5 * seconds}\n`)
    .join('');
export const full: Page = (seconds) =>
  `${requests(seconds)}${memory(seconds)}process_cpu_seconds_total ${seconds / 5}\n`;

/** All of the contract, of a workload that nobody has asked for long. */
export const idle: Page = () => `${full(100)}generation_workflow_duration_seconds_bucket{le="+Inf"} 3
generation_workflow_duration_seconds_count 3
generation_workflow_duration_seconds_sum 9
generation_workflows_in_flight 0
generation_cache_requests_total{level="l1",result="hit"} 7
generation_cache_requests_total{level="l1",result="miss"} 2
`;

/** Reads pages as the Pods source does, without the network in between. An Error: the Pod does not answer. */
function pagesSource(page: () => Page | Error): Source {
  const reader = createPageReader();
  const pods = new Map<string, PodPages>();
  return {
    type: 'Pods',
    id: 'pages',
    forget: (uid) => void pods.delete(uid),
    read({ uid }) {
      const answer = page();
      if (answer instanceof Error)
        return Promise.resolve({ result: 'failed', failure: { reason: 'Unreachable', message: answer.message } });
      const monotonic = performance.now();
      const pages = pods.get(uid) ?? createPodPages(reader);
      pods.set(uid, pages);
      const reading = takeReading(answer(monotonic / 1_000), reader, pages, { wall: Date.now(), monotonic });
      return Promise.resolve({ result: 'read', reading });
    },
  };
}

export interface Given {
  readonly spec?: Partial<GenerationServiceSpec>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly status?: GenerationServiceStatus;
  readonly podsMetrics?: 'Shadow' | 'MetricsAPI';
  /** Components whose target is not there. */
  readonly missing?: readonly string[];
  readonly pods?: readonly PodView[];
  /** Of each target. */
  readonly replicas?: number;
  readonly page?: Page | Error;
  /** What is read, made of the source that reads `page`. */
  readonly source?: (pages: Source) => Source;
}

/** A service that a real collector measures, on a clock that the test moves. Components are told apart by the label `app`. */
export function serviceWith({
  spec,
  annotations = {},
  status,
  podsMetrics = 'Shadow',
  missing = [],
  replicas = 1,
  ...given
}: Given = {}) {
  let { pods = [], page = full }: Pick<Given, 'pods' | 'page'> = given;
  const { source = (pages: Source) => pages } = given;
  const service = storedService({
    metadata: { annotations },
    spec: { components: [componentOf('workflow')], ...spec },
    ...(status && { status }),
  });
  const { components } = service.spec;
  const selectorOf = (app: string) => [{ key: 'app', operator: 'In', values: [app] }] as const;
  const targets = new Map(
    components
      .filter(({ name }) => !missing.includes(name))
      .map(({ name }) => [name, { kind: 'found', replicas, selector: selectorOf(name) } as const]),
  );
  const collector = createCollector({
    metrics: createMetrics(),
    logger: createLogger({ level: 'error', format: 'text' }),
  });
  const { interval = '10s' } = spec?.overrides?.collector ?? {};
  const options = { intervalMs: parseInt(interval) * 1_000, timeoutMs: 2_000, history: 100, windowMs: 300_000 };
  const deps = {
    collector,
    caches: { pods: { list: () => pods.values(), by: () => pods } },
    decisions: createLastWords<ScalerReport>(),
    cacheServers: createCacheServers(),
    standings: createStandings(),
    told: createLastWords<GenerationServiceStatus['objectives']>(),
    clock: { now: () => Date.now() },
  };
  const resolution = (shown = service.status) => {
    const answer = resolve({
      service: { ...service, ...(shown && { status: shown }) },
      policy: undefined,
      targets,
      podsMetrics,
    });
    if (answer.kind === 'problem') throw new Error(JSON.stringify(answer.conditions));
    return answer;
  };
  return {
    ...deps,
    service,
    resolution,
    /** What is said of it now, given what its status said before. */
    assess: (shown?: GenerationServiceStatus): Assessment => assess(resolution(shown).resolved, deps),
    setPods: (next: readonly PodView[]) => void (pods = next),
    setPage: (next: Page | Error) => void (page = next),
    track: () =>
      collector.track(
        keyOf(service),
        components.map(({ name }) => ({
          ...options,
          name,
          containerName: undefined,
          source: source(pagesSource(() => page)),
          pods: () => pods.filter(({ labels }) => labels['app'] === name),
        })),
      ),
    [Symbol.dispose]: () => collector[Symbol.dispose](),
  };
}

/** `looks` intervals later; nothing is measured in the first moment. */
export async function after(looks: number, given: Given): Promise<ReturnType<typeof serviceWith>> {
  const world = serviceWith(given);
  world.track();
  await jest.advanceTimersByTimeAsync(looks * intervalMs);
  return world;
}

export const conditionOf = (assessment: Assessment, type: string) =>
  assessment.conditions.find((condition) => condition.type === type);

export interface Row {
  readonly name: string;
  readonly given: Given;
  readonly looks: number;
  readonly condition: object;
}
