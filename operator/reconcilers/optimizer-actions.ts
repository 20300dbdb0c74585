import { Problem, isProblem } from '../api/problem.ts';
import type { AdminAction } from '../api/admin-actions.ts';
import type { OptimizerAction } from '../api/optimizer.ts';
import type { PendingAction } from '../decide/optimizer/kept.ts';
import { measureText } from '../decide/optimizer/words.ts';
import type { ResolvedComponent } from '../decide/resolve.ts';
import type { AdminClient, AdminReply } from '../levers/runtime/admin.ts';
import type { Collector } from '../metrics/collector.ts';
import { stateOf, type PodView } from '../metrics/pod-view.ts';
import { selectPods, type PodIndex } from './caches.ts';
import { sweepAll, type Sweep } from './optimizer-sweep.ts';
import type { RedisUnit } from '../levers/redis/unit.ts';

/** What became of asking for an action; of its effect nothing is known yet. */
export type Made =
  { readonly kind: 'done'; readonly message: string } | { readonly kind: 'failed'; readonly message: string };

export interface ActionDeps {
  readonly admin: AdminClient;
  readonly sweep: Sweep;
  readonly caches: { readonly pods: PodIndex };
  readonly collector: Pick<Collector, 'podFigures'>;
}

interface ActionTarget {
  /** `namespace/name` of the service. */
  readonly key: string;
  readonly namespace: string;
  readonly component: Pick<ResolvedComponent, 'spec' | 'target'>;
  /** Of the rule, in the base unit of its metric. */
  readonly threshold: number;
  /** Whose expired keys go where the component's own Pods cannot be asked. */
  readonly redis: readonly RedisUnit[];
}

/** What Pods are asked for, and what their answers come to. */
const asked: Readonly<
  Partial<
    Record<
      OptimizerAction,
      { readonly action: AdminAction; readonly figure: string; readonly told: (sum: number) => string }
    >
  >
> = {
  CollectGarbage: {
    action: 'collect-garbage',
    figure: 'freedBytes',
    told: (sum) => `${measureText('memory', Math.max(0, sum))} freed`,
  },
  ClearExpiredCache: { action: 'clear-expired-cache', figure: 'entries', told: (sum) => `${sum} entries cleared` },
  WarmPopularCache: { action: 'warm-cache', figure: 'keys', told: (sum) => `${sum} keys warm` },
};

/** ms; with the 5 s that the last Pod may take, well within the 30 s of a visit. */
const askedWithinMs = 15_000;
/** A collection is a full stop of a second or two, and with a leak all Pods cross the value together: three quarters of them go on answering. */
const stopping = (ready: number) => ({ atOnce: Math.max(1, Math.floor(ready / 4)), withinMs: askedWithinMs });

/** Makes an action. What can be expected to go wrong is a failure; one Pod that took it is enough for it to be done. */
export async function makeAction(
  pending: PendingAction,
  target: ActionTarget,
  deps: ActionDeps,
  signal: AbortSignal,
): Promise<Made> {
  const { admin } = target.component.spec;
  const isSwept = admin === undefined && pending.action === 'ClearExpiredCache' && target.redis.length > 0;
  if (isSwept) return sweepAll(target.redis, deps.sweep, signal);
  const ask = asked[pending.action];
  if (admin === undefined || ask === undefined) return failed(new Problem('Failed', missing(pending)));
  const ready = readyPods(target, deps);
  const pods = concerned(ready, pending, target, deps);
  const pace = ask.action === 'collect-garbage' && { pace: stopping(ready.length) };
  try {
    const replies = await deps.admin.ask({ admin, pods, action: ask.action, ...pace }, signal);
    return told(replies, ask, pods.length < ready.length);
  } catch (error) {
    if (isProblem(error)) return failed(error);
    throw error;
  }
}

const missing = ({ action, component }: PendingAction) => ({
  saw: `no components[${component}].admin`,
  wanted: `a port to ask for ${action}`,
});
const failed = ({ message }: { readonly message: string }): Made => ({ kind: 'failed', message });

const readyPods = ({ namespace, component: { target } }: ActionTarget, { caches }: ActionDeps): readonly PodView[] =>
  selectPods(caches.pods, namespace, target.selector).filter((pod) => stateOf(pod) === 'Ready');

/** A collection stops a Pod for a moment: of memory, only those that have too much are asked. */
function concerned(
  ready: readonly PodView[],
  { component, metric, operator, action }: PendingAction,
  { key, threshold }: ActionTarget,
  { collector }: ActionDeps,
): readonly PodView[] {
  if (action !== 'CollectGarbage' || metric !== 'memory' || operator !== 'GreaterThan') return ready;
  const large = new Set(
    collector
      .podFigures(key, component)
      .filter(({ memoryBytes = 0 }) => memoryBytes > threshold)
      .map(({ name }) => name),
  );
  return large.size === 0 ? ready : ready.filter(({ name }) => large.has(name));
}

function told(
  replies: readonly AdminReply<AdminAction>[],
  { figure, told: text }: NonNullable<(typeof asked)[OptimizerAction]>,
  isOfLarge: boolean,
): Made {
  const done = replies.filter((reply) => reply.kind === 'done');
  const refused = replies.find((reply) => reply.kind === 'failed');
  const late = replies.filter((reply) => reply.kind === 'notAsked').length;
  const why = [
    ...(refused === undefined ? [] : [`; ${refused.pod.name}: ${refused.failure.message}`]),
    ...(late === 0 ? [] : [`; ${late} not asked, since the others took ${askedWithinMs / 1_000} s`]),
  ].join('');
  const of = `${replies.length} Pods${isOfLarge ? ' above the value' : ''}`;
  if (done.length === 0) return { kind: 'failed', message: `saw none of ${of} do it${why}` };
  const sum = done.reduce((all, { result }) => all + ((result as Readonly<Record<string, number>>)[figure] ?? 0), 0);
  return { kind: 'done', message: `${text(sum)} in ${done.length} of ${of}${why}` };
}
