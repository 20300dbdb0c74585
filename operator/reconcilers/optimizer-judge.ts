import type { EventReason } from '../api/event-reasons.ts';
import { compare, type Compared } from '../decide/optimizer/compare.ts';
import type { KeptOptimizer, PendingAction } from '../decide/optimizer/kept.ts';
import { judgedAt } from '../decide/optimizer/holds.ts';
import { withDone, withEvicted, withMessage, withOutcome } from '../decide/optimizer/records.ts';
import { comparedText } from '../decide/optimizer/words.ts';
import { mustLead } from '../levers/run.ts';
import { cooldownOf, count, keep, keptOf, rowMsOf, rowsOf, tell, type Visit } from './optimizer-visit.ts';
import { readyPodsOf, replaced } from './optimizer-evict.ts';
import { limitProgress } from './optimizer-limits.ts';
import { acknowledgement } from './optimizer-workers.ts';

/** Whether something was judged. */
export async function judgePending(visit: Visit): Promise<boolean> {
  const { deps } = visit;
  const kept = keptOf(visit);
  const { pending } = kept;
  const rowMs = rowMsOf(visit);
  if (pending === undefined) return false;
  if (pending.doneAt === undefined && isAwaited(pending)) return awaitOthers(pending, visit);
  if (pending.doneAt !== undefined && deps.clock.now() < judgedAt(pending) + rowMs) return false;
  const { doneAt } = pending;
  if (doneAt === undefined) return end(pending, interrupted, visit);
  const rows = rowsOf(visit, pending.component, 0);
  return end(pending, compare({ pending: { ...pending, doneAt }, rows, acts: kept.acts, intervalMs: rowMs }), visit);
}

const interrupted: Compared = { outcome: 'Inconclusive', reason: 'Interrupted' };

async function end(
  pending: PendingAction,
  compared: Compared,
  visit: Visit,
  kept: KeptOptimizer = keptOf(visit),
): Promise<true> {
  const { deps } = visit;
  mustLead(deps.mayAct);
  const text = comparedText(pending.metric, compared);
  await keep(visit, withMessage(withOutcome(kept, compared, cooldownOf(pending, visit)), pending, text));
  count(pending, compared.outcome, deps);
  tell(pending, judgedReasons[compared.outcome], `${compared.outcome}: ${text}`, visit);
  return true;
}

/** What others do after we have begun it is there when it can be seen, also by an operator that was started meanwhile. */
export const isAwaited = ({ action }: PendingAction): boolean =>
  action === 'ReduceWorkers' || action === 'EvictWorstPod' || action === 'RaiseMemoryLimit';

function progressOf(pending: PendingAction, visit: Visit): 'done' | 'waiting' | 'failed' | 'interrupted' {
  const { resolved, deps } = visit;
  const now = deps.clock.now();
  if (pending.action === 'ReduceWorkers') return acknowledgement(pending, resolved, now);
  const component = resolved.components.find(({ spec }) => spec.name === pending.component);
  if (component === undefined) return 'done';
  const ready = readyPodsOf(visit, component, deps.caches.pods);
  return pending.action === 'EvictWorstPod'
    ? replaced(pending, ready, now)
    : limitProgress(pending, component, ready, now);
}

/** Whether what an action has begun is in force, as far as can be seen. True: it is known what became of the action. */
async function awaitOthers(pending: PendingAction, visit: Visit): Promise<boolean> {
  const { deps } = visit;
  const answer = progressOf(pending, visit);
  if (answer === 'waiting') return false;
  if (answer === 'interrupted') return end(pending, interrupted, visit, withEvicted(keptOf(visit), [])); // nobody went
  mustLead(deps.mayAct);
  if (answer === 'done') {
    await keep(visit, withDone(keptOf(visit), deps.clock.now()));
    return false;
  }
  const why =
    pending.action === 'ReduceWorkers'
      ? 'not every Pod runs with the new settings after 5 minutes; they are taken back'
      : 'no Pod runs with the new limit after 5 minutes (see ResourcesApplied); it is taken back';
  const failed = withOutcome(keptOf(visit), { outcome: 'Failed' }, cooldownOf(pending, visit));
  await keep(visit, withMessage(failed, pending, why));
  count(pending, 'Failed', deps);
  tell(pending, 'ActionFailed', why, visit);
  return true;
}

const judgedReasons: Readonly<Record<Compared['outcome'], EventReason>> = {
  Improved: 'ActionHelped',
  NoEffect: 'ActionDidNotHelp',
  Inconclusive: 'ActionDidNotHelp',
  Worse: 'ActionHarmed',
};
