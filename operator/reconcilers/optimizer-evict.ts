import type { PendingAction } from '../decide/optimizer/kept.ts';
import { measureText } from '../decide/optimizer/words.ts';
import { mayEvict, worstPods } from '../decide/optimizer/worst-pods.ts';
import type { OptimizerRule } from '../decide/optimizer/rules.ts';
import type { ResolvedComponent } from '../decide/resolve.ts';
import { ApiError } from '../kube/api-error.ts';
import { keyOf } from '../kube/object.ts';
import { podResource, stateOf, type PodView } from '../metrics/pod-view.ts';
import { selectPods, type PodIndex } from './caches.ts';
import { keptOf, type Visit } from './optimizer-visit.ts';

interface Chosen {
  readonly pod: PodView;
  /** In the base unit of the rule's metric. */
  readonly saw: number;
}

export interface Evicting {
  readonly pods: readonly Chosen[];
  readonly ready: number;
}

export function readyPodsOf(
  { service: { metadata } }: Pick<Visit, 'service'>,
  { target }: Pick<ResolvedComponent, 'target'>,
  pods: PodIndex,
): readonly PodView[] {
  return selectPods(pods, metadata.namespace, target.selector).filter((pod) => stateOf(pod) === 'Ready');
}

/** The worst Ready Pods of a component, as far as each tells what it has of the rule's metric. */
export function chooseWorst(rule: OptimizerRule, component: ResolvedComponent, visit: Visit): Evicting {
  const { service, deps } = visit;
  const { name } = component.spec;
  const ready = readyPodsOf(visit, component, deps.caches.pods);
  const most = mayEvict(rule, { name, readyPods: ready.length }, keptOf(visit), deps.clock.now());
  const figures = deps.collector.podFigures(keyOf(service), name).filter(({ state }) => state === 'Ready');
  const pods = worstPods(rule, figures, most).flatMap(({ name: worst, saw }) =>
    ready.filter((pod) => pod.name === worst).map((pod) => ({ pod, saw })),
  );
  return { pods, ready: ready.length };
}

type Evicted =
  | { readonly kind: 'done'; readonly message: string; readonly uids: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string };

/** Asks the API server to evict them: it says no where a PodDisruptionBudget would be broken. */
export async function evict(
  { pods }: Evicting,
  { metric }: PendingAction,
  { deps: { kube }, signal }: Visit,
): Promise<Evicted> {
  const refused: string[] = [];
  const gone: Chosen[] = [];
  for (const chosen of pods) {
    const why = await evictOne(chosen.pod, kube, signal);
    if (why === undefined) gone.push(chosen);
    else refused.push(`${chosen.pod.name}: ${why}`);
  }
  if (gone.length === 0)
    return {
      kind: 'failed',
      message: refused.length === 0 ? 'no Pod told what it has of the metric' : refused.join('; '),
    };
  const names = gone.map(({ pod, saw }) => `${pod.name} (${measureText(metric, saw)})`).join(', ');
  return {
    kind: 'done',
    message: [`${names} evicted`, ...refused].join('; '),
    uids: gone.map(({ pod }) => pod.uid),
  };
}

/** Answers that are about this Pod, not about the API server: a budget (429), a right (403), another Pod of that name (409). */
const refusals: ReadonlySet<number> = new Set([403, 404, 409, 422, 429, 500]);

/** Why it was not; undefined: it was. */
async function evictOne(
  { namespace, name, uid }: PodView,
  kube: Visit['deps']['kube'],
  signal: AbortSignal,
): Promise<string | undefined> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', deleteOptions: { preconditions: { uid } } };
  try {
    await kube.create(podResource, { ...eviction, metadata: { namespace, name } }, { subresource: 'eviction' }, signal);
    return undefined;
  } catch (error) {
    if (error instanceof ApiError && refusals.has(error.status)) return error.message;
    throw error;
  }
}

/** Longer than a Pod takes to start. */
const patienceMs = 300_000;

/** Whether others are Ready in their place. Not in five minutes: then what there is is compared; but where all of them are Ready still, nobody was evicted. */
export function replaced(
  { evicted, begunAt }: PendingAction,
  ready: readonly Pick<PodView, 'uid'>[],
  now: number,
): 'done' | 'waiting' | 'interrupted' {
  if (evicted === undefined) return 'done';
  const isReady = (of: string): boolean => ready.some(({ uid }) => uid === of);
  if (!evicted.uids.some(isReady) && ready.length >= evicted.ready) return 'done';
  if (now - begunAt < patienceMs) return 'waiting';
  return evicted.uids.every(isReady) ? 'interrupted' : 'done';
}
