import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import { problemText } from '../api/field-problem.ts';
import { effectivePolicy, type EffectivePolicy } from '../decide/effective-policy.ts';
import { judgeObjectives, type Measured, type Observation } from '../decide/objectives.ts';
import { guidePaths, guideViews } from '../metrics/guide-views.ts';
import { UsageError } from './command.ts';
import { readManifests } from './manifests.ts';
import { asked, type Look } from './verdict.ts';

/** Views cannot be watched. */
const everyMs = 5_000;
const limits = { timeoutMs: 10_000, maxResponseSize: 1_000_000 };

/** The JSON of both views. Undefined: the server has no such page. */
export interface Views {
  readonly monitoring: unknown;
  readonly cache: unknown;
}

interface Reading {
  readonly url: string;
  readonly policy: EffectivePolicy['objectives'];
  /** When it is aborted there is one look more, and that is the last. */
  readonly until: AbortSignal;
}

/** How a workload stands by its own views B4 and B5: now, and every few seconds. One that cannot be read is a look too: it may come back. */
export async function* workloadLooks({ url, policy, until }: Reading, signal: AbortSignal): AsyncGenerator<Look> {
  await using stack = new AsyncDisposableStack();
  const agent = stack.adopt(new Agent({ maxResponseSize: limits.maxResponseSize }), (open) => open.destroy());
  const read = (path: string): Promise<unknown> => page(agent, `${url}${path}`, signal);
  for (;;) {
    const isLast = until.aborted;
    try {
      const views = { monitoring: await read(guidePaths.monitoring), cache: await read(guidePaths.cache) };
      yield workloadLook(url, views, { policy, now: Date.now() });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      yield { about: url, objectives: [], unsettled: error.message };
    }
    if (isLast) return;
    await pause(everyMs, undefined, { signal: AbortSignal.any([until, signal]) }).catch(() => signal.throwIfAborted());
  }
}

/** The objectives by what the views say; figures that the guide's views have no name for are not asked for where they are not there. */
export function workloadLook(
  url: string,
  views: Views,
  { policy, now }: { readonly policy: EffectivePolicy['objectives']; readonly now: number },
): Look {
  const measured = measuredFromViews(url, views, now);
  const untold = (['concurrentWorkflows', 'cachedResponseTime'] as const).filter(
    (name) => measured[name === 'concurrentWorkflows' ? 'workflowsInFlight' : name] === undefined,
  );
  const off = Object.fromEntries(untold.map((name) => [name, { ...policy[name], mode: 'Off' as const }]));
  const judgedBy: EffectivePolicy['objectives'] = { ...policy, ...off };
  const { objectives } = judgeObjectives({ policy: judgedBy, measured, previous: undefined, now });
  const left = untold.filter((name) => policy[name].mode !== 'Off');
  return {
    about: url,
    objectives: asked(objectives, policy),
    remarks: left.length === 0 ? [] : [`not judged, for the views say nothing of it: ${left.join(', ')}`],
  };
}

/** @throws {UsageError} for a view that is not as the guide has it. */
function measuredFromViews(url: string, { monitoring, cache }: Views, now: number): Measured {
  if (!hasMetrics(monitoring))
    throw new UsageError(
      `saw no object metrics in ${url}${guidePaths.monitoring}; wanted the guide’s view of a workload`,
    );
  const figures = guideViews([monitoring, cache]);
  if ('wrong' in figures)
    throw new UsageError(
      `in the views of ${url} ${figures.wrong}; wanted numbers from 0, shares up to 1, or null where one is not known`,
    );
  const { signals, hitRatios } = figures;
  const seen = (value: number | null | undefined): Observation | undefined =>
    value === undefined || value === null ? undefined : { value, observedAt: now };
  const hits = (own: number | null | undefined) => seen(own === undefined ? signals.cacheRequests : own);
  return {
    workflowDuration: seen(signals.workflowDuration),
    workflowsInFlight: seen(signals.workflowsInFlight),
    memory: seen(signals.memory),
    successRatio: seen(figures.successRatio ?? (signals.errors === undefined ? undefined : 1 - signals.errors)),
    redisHitRatio: hits(hitRatios.redis),
    workloadHitRatio: hits(hitRatios.workload),
  };
}

const hasMetrics = (view: unknown): boolean =>
  typeof view === 'object' &&
  view !== null &&
  'metrics' in view &&
  typeof view.metrics === 'object' &&
  view.metrics !== null;

/** Undefined where there is no such page. @throws {UsageError} that says what came instead. */
async function page(agent: Agent, url: string, signal: AbortSignal): Promise<unknown> {
  const wanted = 'wanted the guide’s view as JSON';
  try {
    const { origin, pathname, search } = new URL(url);
    const { statusCode, body } = await agent.request({
      origin,
      path: `${pathname}${search}`,
      method: 'GET',
      headers: { accept: 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)]),
    });
    const text = await body.text();
    if (statusCode === 404) return undefined;
    if (statusCode !== 200) throw new UsageError(`saw ${statusCode} from ${url}; ${wanted}`);
    return JSON.parse(text) as unknown;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UsageError || !Error.isError(error)) throw error;
    if (error instanceof TypeError && !('code' in error)) throw error;
    throw new UsageError(`saw no view at ${url} (${whyNone(error)}); ${wanted}`, { cause: error });
  }
}

/** What stood in the way, in a word. The code of a time-out is a number of the DOM or a word of undici's. */
export function whyNone(error: Error): string {
  if (error.name.endsWith('TimeoutError')) return `no answer within ${limits.timeoutMs / 1_000} s`;
  return 'code' in error ? String(error.code) : error.message;
}

/** Targets of the one PerformancePolicy of a file; of the defaults without one. @throws {UsageError} */
export async function objectivesOf(file: string | undefined): Promise<EffectivePolicy['objectives']> {
  if (file === undefined) return effectivePolicy({}).policy.objectives;
  const { policies } = await readManifests([file]);
  const [policy] = policies;
  if (policy === undefined || policies.length > 1)
    throw new UsageError(`saw ${policies.length} PerformancePolicies in ${file}; wanted one`);
  const { policy: effective, problems } = effectivePolicy({
    policy: { name: policy.metadata.name, spec: policy.spec },
  });
  if (problems.length > 0) throw new UsageError(`${file}: ${problems.map(problemText).join('\n')}`);
  return effective.objectives;
}

/** Without a slash at its end: paths begin with one. @throws {UsageError} */
export function workloadUrl(text: string): string {
  const url = URL.parse(text);
  const isWeb = url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
  if (!isWeb || url.username !== '' || url.search !== '')
    throw new UsageError(`saw --url ${text}; wanted where the views are, for example http://10.1.2.3:8080/`);
  return text.replace(/\/+$/, '');
}
