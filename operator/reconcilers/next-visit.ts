import type { Resolved } from '../decide/resolve.ts';
import { awaitChange, requeueAfter, type Next } from '../kube/loop.ts';
import type { UnitResult } from '../levers/run.ts';
import { askAgainMs, isTold } from './targets.ts';

/** The earliest that a unit asks for, spread by a tenth so that services made together do not stay together. */
export function nextVisit(
  { service }: Resolved,
  results: readonly UnitResult[],
  { now, atLatestMs = Number.POSITIVE_INFINITY }: { readonly now: number; readonly atLatestMs?: number | undefined },
): Next {
  const asked = results.map(({ plan: { againMs = Number.POSITIVE_INFINITY, problem }, outcome }) =>
    problem === undefined && outcome !== 'refused' ? againMs : Math.max(againMs, backoffMs(service, now)),
  );
  const soonest = Math.min(...asked, isTold(service) ? atLatestMs : Math.min(askAgainMs, atLatestMs));
  return Number.isFinite(soonest) ? requeueAfter(soonest * (0.9 + 0.2 * Math.random())) : awaitChange;
}

/** What has been wrong for long is looked at less often: a quarter of the time that it has lasted, two minutes at most. */
function backoffMs({ status }: Resolved['service'], now: number): number {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'False' ? Math.min((now - Date.parse(ready.lastTransitionTime)) / 4, 120_000) : 0;
}
