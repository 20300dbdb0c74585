import type { PendingAction } from '../decide/optimizer/kept.ts';
import { isOver, mayReduce, type Reductions } from '../decide/optimizer/reduction.ts';
import type { Rows } from '../decide/optimizer/rows.ts';
import type { OptimizerRules } from '../decide/optimizer/rules.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { targetKey } from '../levers/horizontal/hpa.ts';
import { hasRuntimeSettings } from '../levers/runtime/lever.ts';
import type { Caches } from './caches.ts';
import { isMovedDirectly } from './replica-range.ts';

/** What holds of a component's workers; undefined: its Pods have no settings from us. */
export function workersOf(
  resolved: Resolved,
  component: ResolvedComponent,
  { reductions = {}, caches }: { readonly reductions?: Reductions | undefined; readonly caches: Pick<Caches, 'hpas'> },
) {
  const { spec, policy, target } = component;
  if (!hasRuntimeSettings(resolved, component) || policy.runtime.mode !== 'Enforce') return undefined;
  if (hashOf(resolved, spec.name) === undefined) return undefined; // nobody has told what its Pods run with
  const [hpa] = caches.hpas.by('target', targetKey(resolved.service.metadata.namespace, spec.targetRef));
  const isScaled = policy.horizontal.mode === 'Enforce' || isMovedDirectly(resolved, component);
  const most = hpa?.spec.maxReplicas ?? (isScaled ? policy.horizontal.maxReplicas : 0);
  return { isAtMax: target.replicas >= most, mayReduce: mayReduce(policy.runtime, reductions[spec.name]) };
}

/** Longer than a mounted ConfigMap takes to arrive. */
const patienceMs = 300_000;

/** Whether every Pod runs with the settings that an action has written. */
export function acknowledgement(
  { component, hash, begunAt }: PendingAction,
  { service }: Resolved,
  now: number,
): 'done' | 'waiting' | 'failed' {
  const runtime = service.status?.components?.find(({ name }) => name === component)?.runtime;
  const { podsCurrent, podsTotal = 0 } = runtime ?? {};
  if (runtime?.hash !== hash && podsTotal > 0 && podsCurrent === podsTotal) return 'done';
  return now - begunAt < patienceMs ? 'waiting' : 'failed';
}

export const hashOf = ({ service }: Resolved, component: string): string | undefined =>
  service.status?.components?.find(({ name }) => name === component)?.runtime?.hash;

interface GiveBackInput {
  readonly resolved: Resolved;
  /** Undefined: there is no optimizer any more. */
  readonly rules: OptimizerRules | undefined;
  readonly reductions: Reductions | undefined;
  /** An action is: a step that goes back within its comparison would count as its doing. */
  readonly isAtWork: boolean;
  readonly rowsOf: (component: string, sinceMs: number) => Rows;
  readonly rowMs: number;
  readonly now: number;
}

/** What is to be given back now, and the steps that are left: at once what rules took that are gone or off, and a step where the pressure of its rule is. A rule that is only told took it when a person approved, and has it as long as any other. */
export function givenBack({ resolved, rules, reductions = {}, isAtWork, rowsOf, rowMs, now }: GiveBackInput) {
  const shedding = rules?.rules.filter(({ action }) => action === 'ReduceWorkers') ?? [];
  return Object.entries(reductions).flatMap(([component, reduction]) => {
    const { steps } = reduction;
    const from = steps.length;
    const isThere = resolved.components.some(({ spec }) => spec.name === component);
    const left = isThere ? steps.filter((step) => shedding.some(({ name }) => name === step)) : [];
    if (left.length < from) return [{ component, from, left }];
    const newest = shedding.find(({ name }) => name === steps.at(-1));
    if (newest === undefined || isAtWork) return [];
    const rows = rowsOf(component, now - 3_600_000);
    return isOver(newest, reduction, { rows, rowMs, now }) ? [{ component, from, left: steps.slice(0, -1) }] : [];
  });
}
