import type { EffectivePolicy } from '../effective-policy.ts';
import { quantity } from '../../api/quantity.ts';
import type { Resolved } from '../resolve.ts';
import { isOver, waitAfter } from './reduction.ts';
import type { Rows } from './rows.ts';
import type { OptimizerRule } from './rules.ts';

/** How far the memory limit of a component's Pods is raised. */
export interface Raise {
  /** For each the rule that raised it, and to how many bytes; the newest last. */
  readonly steps: readonly { readonly rule: string; readonly bytes: number }[];
  /** ms since the epoch. */
  readonly changedAt: number;
  /** What has to pass before a step is given back. */
  readonly waitMs: number;
  /** ms since the epoch; of the last step that was given back. */
  readonly restoredAt?: number;
}

/** By component. */
export type Raises = Readonly<Record<string, Raise>>;

type Resources = EffectivePolicy['resources'];

/** Bytes in force: what is declared, or what a rule has raised it to where that is more. */
export const limitInForce = ({ limits }: Pick<Resources, 'limits'>, { steps = [] }: Partial<Raise> = {}): number =>
  Math.max(quantity(limits.memory), steps.at(-1)?.bytes ?? 0);

/** The limit after one step more, in bytes; undefined: its bounds let it go no further. */
export function nextLimit({ bounds }: Pick<OptimizerRule, 'bounds'>, limitBytes: number): number | undefined {
  const next = bounds === undefined ? 0 : Math.floor(Math.min(limitBytes + bounds.step, bounds.max));
  return next > limitBytes ? next : undefined;
}

/** One step more. What was needed again soon after a step was given back is given back later the next time. */
export const oneHigher = (
  before: Raise | undefined,
  { rule, bytes, now }: { readonly rule: string; readonly bytes: number; readonly now: number },
): Raise => ({
  steps: [...(before?.steps ?? []), { rule, bytes }],
  changedAt: now,
  waitMs: waitAfter(before, now),
});

export const oneLower = ({ steps, waitMs }: Raise, now: number): Raise => ({
  steps: steps.slice(0, -1),
  changedAt: now,
  waitMs,
  restoredAt: now,
});

interface LowerInput {
  readonly resources: Pick<Resources, 'limits'>;
  readonly raise: Raise;
  /** The one that has raised it last; undefined: it is gone. */
  readonly rule: Pick<OptimizerRule, 'metric' | 'operator' | 'value'> | undefined;
  readonly rows: Rows;
  readonly rowMs: number;
  readonly now: number;
}

/** Whether a step may be given back: the Pod that uses most has room under the lower limit, and the rule would not complain there. */
export function mayLower({ resources, raise, rule, ...moment }: LowerInput): boolean {
  const [from, to] = [limitInForce(resources, raise), limitInForce(resources, oneLower(raise, moment.now))];
  const hasRoom = isOver({ metric: 'memory', operator: 'GreaterThan', value: to }, raise, moment);
  if (!hasRoom || rule === undefined) return hasRoom;
  const value = rule.metric === 'memoryPercent' ? (rule.value * to) / from : rule.value; // of the lower limit the same is more
  return isOver({ ...rule, value }, raise, moment);
}

/** With the memory limits that are raised: what the lever `resources` plans by, so that it takes none for drift. */
export function withRaisedLimits(resolved: Resolved, raises: Raises = {}): Resolved {
  if (Object.values(raises).every(({ steps }) => steps.length === 0)) return resolved;
  const components = resolved.components.map((component) => {
    const { resources } = component.policy;
    const bytes = limitInForce(resources, raises[component.spec.name]);
    if (bytes === quantity(resources.limits.memory)) return component;
    const limits = { ...resources.limits, memory: bytesText(bytes) };
    return { ...component, policy: { ...component.policy, resources: { ...resources, limits } } };
  });
  return { ...resolved, components };
}

const bytesText = (bytes: number): string => {
  const mebibytes = bytes / 2 ** 20;
  return Number.isInteger(mebibytes) ? `${mebibytes}Mi` : String(bytes);
};
