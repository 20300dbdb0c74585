import { problemMessage } from '../api/problem.ts';

/** A component that gets no more replicas. */
export interface FullComponent {
  readonly component: string;
  readonly replicas: number;
  /** What keeps them there: a bound by its name, or that more of them bring nothing. */
  readonly by: 'Saturated' | { readonly bound: string };
  /** What its scaler would have; undefined: it does not say. */
  readonly wanted: number | undefined;
}

/** A required objective that is missed. */
export interface Missed {
  readonly name: string;
  readonly target: string;
  /** Undefined: the service as a whole. */
  readonly component: string | undefined;
}

/** More replicas help these; memory, hits of a cache and errors are other levers'. */
const helped: ReadonlySet<string> = new Set(['WorkflowDuration', 'ConcurrentWorkflows', 'CachedResponseTime']);

/**
 * What to say where objectives are missed because a component has all the replicas that it can have.
 *
 * @returns undefined where replicas are not what is short.
 */
export function capacityMessage(missed: readonly Missed[], full: readonly FullComponent[]): string | undefined {
  const concerned = full.filter((one) =>
    missed.some(({ name, component }) => helped.has(name) && (component ?? one.component) === one.component),
  );
  if (concerned.length === 0) return undefined;
  const isBound = concerned.some(({ by }) => by !== 'Saturated');
  return problemMessage({
    saw: `not met: ${missed.map(({ name, target }) => `${name} (${target})`).join(', ')}; ${concerned.map(fullText).join('; ')}`,
    wanted: 'every required objective met',
    next: isBound
      ? 'raise the bound, make replicas faster (runtime.pools, resources), or lower the load; genops explain has what the scaler would have'
      : 'look behind the Pods: what they all wait for (a model, a database, a quota) is full; genops explain has the figures',
  });
}

function fullText({ component, replicas, by, wanted }: FullComponent): string {
  if (by === 'Saturated') return `more replicas of ${component} than its ${replicas} bring hardly anything`;
  const would = wanted === undefined || wanted <= replicas ? '' : `, of ${wanted} that its scaler would have`;
  return `${component} has ${replicas} replicas${would}, all that ${by.bound} allows`;
}
