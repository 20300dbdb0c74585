import type { EffectivePolicy } from '../effective-policy.ts';
import type { Resolved } from '../resolve.ts';
import type { Rows } from './rows.ts';
import type { OptimizerRule } from './rules.ts';

/** How far the workers of a component's Pods are reduced. */
export interface Reduction {
  /** For each the rule that took it, the newest last: by it, it is given back. */
  readonly steps: readonly string[];
  /** ms since the epoch. */
  readonly changedAt: number;
  /** What has to pass before a step is given back. */
  readonly waitMs: number;
  /** ms since the epoch; of the last step that was given back. */
  readonly restoredAt?: number;
}

/** By component. */
export type Reductions = Readonly<Record<string, Reduction>>;

const mostSteps = 2;
/** A step takes a quarter of what is declared. */
const share = 0.25;
const [shortestWaitMs, longestWaitMs] = [300_000, 3_600_000];

type Runtime = EffectivePolicy['runtime'];

const reducedBy = (declared: number, steps: number): number => Math.max(1, Math.ceil(declared * (1 - share * steps)));

/** What works on the processors: threads of the CPU pool, and the pool `cpu`. */
const workersOf = ({ cpuPool, pools }: Runtime, steps: number) => ({
  threads: reducedBy(cpuPool.threads, steps),
  cpu: pools['cpu'] === undefined ? undefined : reducedBy(pools['cpu'], steps),
});

/** Whether one step more would leave fewer workers. */
export function mayReduce(runtime: Runtime, { steps = [] }: Partial<Reduction> = {}): boolean {
  const [now, then] = [workersOf(runtime, steps.length), workersOf(runtime, steps.length + 1)];
  return steps.length < mostSteps && (then.threads < now.threads || (then.cpu ?? 0) < (now.cpu ?? 0));
}

/** `cpuPool.threads 4 → 3, pools.cpu 2 → 1` */
export function stepText(runtime: Runtime, from: number, to: number): string {
  const [before, after] = [workersOf(runtime, from), workersOf(runtime, to)];
  const parts = [
    ['cpuPool.threads', before.threads, after.threads],
    ['pools.cpu', before.cpu, after.cpu],
  ] as const;
  return parts
    .filter(([, was, is]) => was !== is)
    .map(([name, was, is]) => `${name} ${was} → ${is}`)
    .join(', ');
}

/** One step more. What was needed again soon after a step was given back is given back later the next time. */
export const oneMore = (before: Reduction | undefined, rule: string, now: number): Reduction => ({
  steps: [...(before?.steps ?? []), rule].slice(0, mostSteps),
  changedAt: now,
  waitMs: waitAfter(before, now),
});

/** What has to pass before the next step is given back, ms. */
export function waitAfter(before: Pick<Reduction, 'waitMs' | 'restoredAt'> | undefined, now: number): number {
  const { waitMs = shortestWaitMs, restoredAt } = before ?? {};
  const isRelapse = restoredAt !== undefined && now - restoredAt < 2 * waitMs;
  return isRelapse ? Math.min(longestWaitMs, 2 * waitMs) : waitMs;
}

export const oneLess = ({ steps, waitMs }: Reduction, now: number): Reduction => ({
  steps: steps.slice(0, -1),
  changedAt: now,
  waitMs,
  restoredAt: now,
});

/** The pressure has to be gone: below so much of the value, for so long. */
const [calmShare, calmMs, leastKnown] = [0.8, 600_000, 0.75];

/** Whether a step may be given back. */
export function isOver(
  { metric, operator, value }: Pick<OptimizerRule, 'metric' | 'operator' | 'value'>,
  { changedAt, waitMs }: Pick<Reduction, 'changedAt' | 'waitMs'>,
  { rows, rowMs, now }: { readonly rows: Rows; readonly rowMs: number; readonly now: number },
): boolean {
  if (now < changedAt + waitMs) return false;
  const figures = (rows.measures[metric] ?? []).filter((_, row) => (rows.times[row] ?? 0) > now - calmMs);
  const known = figures.filter((figure) => !Number.isNaN(figure));
  const isCalm = (figure: number): boolean =>
    operator === 'GreaterThan' ? figure < calmShare * value : figure > value / calmShare;
  return known.length >= leastKnown * (calmMs / rowMs) && known.every(isCalm);
}

/** With the workers that the reductions leave: what everybody plans by, so that nothing takes them for drift. */
export function withReducedWorkers(resolved: Resolved, reductions: Reductions = {}): Resolved {
  const isReduced = resolved.components.some(({ spec }) => (reductions[spec.name]?.steps.length ?? 0) > 0);
  if (!isReduced) return resolved;
  const components = resolved.components.map((component) => {
    const { length } = reductions[component.spec.name]?.steps ?? [];
    return length === 0
      ? component
      : { ...component, policy: { ...component.policy, runtime: withSteps(component.policy.runtime, length) } };
  });
  return { ...resolved, components };
}

function withSteps(runtime: Runtime, steps: number): Runtime {
  const { threads, cpu } = workersOf(runtime, steps);
  return {
    ...runtime,
    cpuPool: { ...runtime.cpuPool, threads },
    pools: cpu === undefined ? runtime.pools : { ...runtime.pools, cpu },
  };
}
