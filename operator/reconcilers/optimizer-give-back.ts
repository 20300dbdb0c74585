import { withGivenBack } from '../decide/optimizer/records.ts';
import { stepText } from '../decide/optimizer/reduction.ts';
import { mustLead } from '../levers/run.ts';
import { hasOptimizer } from './optimizer-condition.ts';
import { keep, keptOf, record, rowMsOf, rowsOf, type Visit } from './optimizer-visit.ts';
import { givenBack } from './optimizer-workers.ts';

/** Whether workers were given back: one step where the pressure is gone and nothing else is at work, and all that rules took which are gone. */
export async function giveBack(visit: Visit): Promise<boolean> {
  const { resolved, rules, deps } = visit;
  const kept = keptOf(visit);
  const now = deps.clock.now();
  if (kept.pending?.action === 'ReduceWorkers' || resolved.mode !== 'Enforce') return false;
  const given = givenBack({
    resolved,
    rules: hasOptimizer(resolved) ? rules : undefined,
    reductions: kept.reductions,
    isAtWork: kept.pending !== undefined,
    rowsOf: (component, since) => rowsOf(visit, component, since),
    rowMs: rowMsOf(visit),
    now,
  });
  if (given.length === 0) return false;
  mustLead(deps.mayAct);
  await keep(visit, withGivenBack(kept, given, { now, untilMs: rules.windowMs }));
  for (const { component, from, left } of given) {
    const found = resolved.components.find(({ spec }) => spec.name === component);
    const text = found === undefined ? 'its component is gone' : stepText(found.policy.runtime, from, left.length);
    record('WorkersGivenBack', { action: 'RestoreWorkers', note: `${component}: ${text}` }, visit);
  }
  return true;
}
