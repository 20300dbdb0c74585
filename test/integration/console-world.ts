import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '../../hack/cluster/certificate.ts';
import type { GenerationService } from '../../operator/api/generation-service.ts';
import { rfc3339 } from '../../operator/api/rfc3339.ts';
import type { FloorLook } from '../../operator/decide/floor-look.ts';
import { createRing } from '../../operator/metrics/windows.ts';
import { serveApi } from '../../operator/serve/api.ts';
import { consolePage } from '../../operator/serve/console/pages.ts';
import { createRateLimit } from '../../operator/serve/rate-limit.ts';
import type { ViewInput } from '../../operator/serve/views/figures.ts';
import { viewColumns } from '../../operator/serve/views/rows.ts';
import type { TimelineEntry } from '../../operator/serve/views/timeline.ts';
import type { ViewsDeps, ViewSources } from '../../operator/serve/views-server.ts';
import { createLogger } from '../../operator/telemetry/logger.ts';
import { createMetrics } from '../../operator/telemetry/metrics.ts';
import { measured, service } from '../unit/serve/views/view-input.ts';

export const readersToken = 'a-token-of-the-reader';
/** What somebody could write into a message: it has to be shown as it is written. */
export const hostileText = 'scale 2 → 4 (LoadHigh): 80/s of 20/s a Pod <img src=x onerror="document.title=1">';

/** The operator's HTTPS server with views of services as a busy quarter of an hour leaves them. */
export interface ConsoleWorld extends AsyncDisposable {
  readonly url: string;
  /** Makes one of the services not Ready, from now on. */
  breakSearch(): void;
}

export async function serveConsole(): Promise<ConsoleWorld> {
  const services = new Map(['generation', 'search', 'thumbnails'].map((name) => [name, found(name)]));
  const served = await serveViews(sourcesOf(services));
  return { ...served, breakSearch: () => void services.set('search', found('search', 'NoPods')) };
}

/** The operator's HTTPS server with these views and the console, for who has `readersToken`. */
export async function serveViews(sources: ViewSources): Promise<AsyncDisposable & { readonly url: string }> {
  await using stack = new AsyncDisposableStack();
  const certDir = await mkdtemp(join(tmpdir(), 'genops-console-'));
  stack.defer(() => rm(certDir, { recursive: true }));
  const { certificate, key } = issueCertificate({ commonName: 'genops', names: ['localhost'] }, createAuthority('ca'));
  await writeFile(join(certDir, 'tls.crt'), certificate);
  await writeFile(join(certDir, 'tls.key'), key);
  const ended = new AbortController();
  stack.defer(() => ended.abort());
  const api = await serveApi({
    address: '127.0.0.1:0',
    certDir,
    logger: createLogger({ level: 'error', format: 'text' }),
    signal: ended.signal,
    customMetrics: undefined,
    views: viewsOf(sources),
  });
  stack.use(api);
  const owned = stack.move();
  return {
    url: `https://localhost:${api.port}/`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const viewsOf = (sources: ViewSources): ViewsDeps => ({
  sources,
  authority: {
    authenticate: (token) => Promise.resolve(token === readersToken ? { username: 'reader' } : undefined),
    isAllowed: (_, access) => Promise.resolve('namespace' in access && access.namespace === 'ai'),
  },
  leading: { leads: () => true, forward: () => Promise.reject(new Error('it leads')) },
  limit: createRateLimit({ perSecond: 50, atOnce: 100 }),
  registry: createMetrics().registry,
  pages: consolePage,
});

const minute = 60_000;
const startedAt = Date.now();

const { objectives } = measured.policy;
const judgedByWorkload: typeof measured.policy = {
  ...measured.policy,
  objectives: { ...objectives, cacheHitRatio: { ...objectives.cacheHitRatio, source: 'Workload' } },
};

const judgedByAnother: typeof measured.policy = {
  ...measured.policy,
  objectives: { ...objectives, workflowDuration: { ...objectives.workflowDuration, percentile: 99 } },
};

const sourcesOf = (services: ReadonlyMap<string, GenerationService>): ViewSources => ({
  serviceOf: (_, name) => services.get(name),
  servicesIn: () => [...services.values()],
  inputOf: (one) => ({
    ...measured,
    policy: one.metadata.name === 'generation' ? judgedByWorkload : judgedByAnother,
    service: one,
    looks: one.metadata.name === 'generation' ? looks : undefined,
    now: Date.now(),
  }),
  rowsOf: (_, since) => [{ rows: busyRows().since(since, viewColumns), bounds: boundsOf() }],
  changesOf: () => changes,
  replicasOf: ({ metadata: { name } }) => ({ generation: 4, search: 2 })[name] ?? null,
});

/** Fourteen minutes of a wave of load, with a gap in the middle, and before it ten looks at which a Pod was silent. */
function busyRows() {
  const ring = createRing(viewColumns, 1_000);
  for (let at = startedAt - 14 * minute, step = 0; at <= startedAt; at += 10_000, step++) {
    if (step > 38 && step < 43) continue;
    const load = 45 + 35 * Math.sin(step / 13);
    const podsReady = load > 50 ? 4 : 2;
    ring.append(at, {
      podsReady,
      podsAnswered: step > 20 && step <= 30 ? podsReady - 1 : podsReady,
      requestRatePartial: 0,
      requestRate: load,
      responseTimeP95: 0.4 + load / 150,
      workflowDurationP95: 12 + load / 6,
      cacheHitRate: load * (0.6 + step / 400),
      cacheMissRate: load * (0.4 - step / 400),
    });
  }
  return ring;
}

const boundsOf = () => [
  { at: startedAt - 15 * minute, floor: 2, max: 12 },
  { at: startedAt - 9 * minute, floor: 4, max: 12 },
];

const changes: readonly TimelineEntry[] = [
  { at: startedAt - 12 * minute, kind: 'spec', component: '', text: 'spec changed (generation 3)' },
  { at: startedAt - 9 * minute, kind: 'decision', component: 'workflow', text: hostileText },
  { at: startedAt - 9 * minute + 2_000, kind: 'bounds', component: 'workflow', text: 'replicas 2–12 → 4–12' },
  { at: startedAt - 4 * minute, kind: 'condition', component: '', text: 'ObjectivesMet is True (AllMet)' },
];

/** Six minutes ago, so that nothing else is beside its mark. */
const held: FloorLook = {
  action: 'Hold',
  from: 4,
  to: 4,
  reason: 'WithinBand',
  message: '11.2/s a Pod ask for 3',
  figures: [
    {
      metric: 'requests_per_second',
      source: 'Pods',
      perPod: 11.2,
      target: 20,
      asksFor: 3,
      podsMeasured: 4,
      podsMissing: 0,
      observedAt: startedAt - 6 * minute,
    },
  ],
  terms: [],
  heldBy: 'ScaleDownStabilization',
  heldUntil: undefined,
  at: startedAt - 6 * minute,
  nextAt: startedAt - 2 * minute,
};
const looks: ViewInput['looks'] = new Map([['workflow', { newest: held, lastMove: undefined }]]);

const half = { grade: 'Good', summary: 'Good 2/4', score: 38, scoredOf: 50 } as const;

function found(name: string, metrics = name === 'thumbnails' ? 'NoPods' : 'Fresh'): GenerationService {
  const isWell = metrics === 'Fresh';
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => {
    return { type, status, reason, message, lastTransitionTime: rfc3339(startedAt - minute), observedGeneration: 3 };
  };
  return service({
    metadata: { ...service().metadata, name, creationTimestamp: rfc3339(startedAt - 26 * 60 * minute) },
    status: {
      conditions: [
        condition(
          'Ready',
          isWell ? 'True' : 'False',
          isWell ? 'Reconciled' : 'Degraded',
          'what was asked for is in force',
        ),
        condition(
          'MetricsAvailable',
          isWell ? 'True' : 'False',
          metrics,
          'saw no Ready Pod; wanted one; next: kubectl get pods',
        ),
      ],
      mode: 'Enforce',
      objectivesMet: isWell ? '4/5' : '0/6',
      ...(isWell ? { rating: name === 'search' ? half : { grade: 'Good', score: 75, scoredOf: 100 } } : {}),
      components: [
        {
          name: 'workflow',
          replicas: {
            current: 4,
            min: 2,
            floor: 4,
            max: 12,
            ...(name === 'search' ? { boundBy: 'PostgresConnections' } : {}),
          },
        },
      ],
    },
  });
}
