import type { Finding } from '../api/conditions.ts';
import { conditions } from '../api/reasons.ts';
import { withRaisedLimits, type Raises } from '../decide/optimizer/raise.ts';
import type { Resolved } from '../decide/resolve.ts';
import type { Observation } from '../levers/run.ts';
import { leftBy, type KnownBounds, type LeftByBudgets } from './budget-bounds.ts';
import type { BudgetPart, BudgetWord } from './budget-part.ts';
import { judgeConnectionBudgets, type ConnectionDeps, type ConnectionsPart } from './connection-budgets.ts';
import { judgeMemoryBudgets } from './memory-budgets.ts';
import { isDeclared } from './declared.ts';
import { judgeQuotaBudgets, type QuotaDeps } from './quota-budgets.ts';
import { judgeTimeoutBudgets } from './timeout-budgets.ts';

/** What is said of the budgets of one service. */
export interface Budgets extends Pick<ConnectionsPart, 'connections'> {
  /** Empty where there is nothing to be reckoned. */
  readonly conditions: readonly Finding<'BudgetsConsistent'>[];
  readonly left: LeftByBudgets;
}

interface Judged extends Budgets {
  /** For the next visit: what nobody knows now stays as it was known before. */
  readonly known: KnownBounds;
}

export type BudgetDeps = ConnectionDeps & QuotaDeps;

/** Whether the figures of the layers fit together. @param looked What was seen, also of a server that an older service tunes. @param last What was known at the last visit, and the memory limits that are raised. */
export function judgeBudgets(
  declared: Resolved,
  looked: readonly Observation[],
  deps: BudgetDeps,
  { known: before, raises }: { readonly known?: KnownBounds | undefined; readonly raises?: Raises | undefined } = {},
): Judged {
  const resolved = withRaisedLimits(declared, raises);
  const connections = judgeConnectionBudgets(resolved, looked, deps);
  const quota = judgeQuotaBudgets(resolved, deps);
  const parts = [connections, quota, judgeMemoryBudgets(resolved, looked, deps), judgeTimeoutBudgets(resolved)];
  const servers = [...connections.byServer].map(
    ([name, bounds]) => [name, bounds ?? before?.connections.get(name)] as const,
  );
  const known = { connections: new Map(servers), quota: quota.bounds ?? before?.quota };
  return {
    conditions: conditionOf(parts, isDeclared(resolved, 'budgets')),
    connections: connections.connections,
    known,
    left: leftBy(known),
  };
}

/** What does not fit is said whole, before what nobody knows. */
function conditionOf(
  parts: readonly Omit<BudgetPart, 'bounds'>[],
  isAsked: boolean,
): readonly Finding<'BudgetsConsistent'>[] {
  const problems = parts.flatMap((part) => part.problems);
  const [problem = parts.find(({ unknown }) => unknown !== undefined)?.unknown] = problems;
  if (problem !== undefined) {
    const message = problems.length === 0 ? problem.message : problems.map((one) => one.message).join(' | ');
    return [finding({ ...problem, message })];
  }
  const fits = parts.flatMap((part) => part.fits);
  if (fits.length === 0 && isAsked) return [finding({ reason: 'Consistent', message: nothing })];
  return fits.length === 0 ? [] : [finding({ reason: 'Consistent', message: fits.join(' ') })];
}

const nothing =
  'There is nothing to be reckoned: no PostgreSQL, no ResourceQuota that asks of its Pods, no memory limit and no time-outs of ours.';

const finding = ({ reason, message }: BudgetWord): Finding<'BudgetsConsistent'> => ({
  type: 'BudgetsConsistent',
  status: conditions.BudgetsConsistent.reasons[reason].status,
  reason,
  message,
});
