import type { Resolved } from '../decide/resolve.ts';
import { awaitChange, requeueAfter, type Next, type Reconcile } from '../kube/loop.ts';
import { hashOf } from '../kube/hash.ts';
import type { UnitPlan, UnitResult } from '../levers/run.ts';
import { assess, statesOf } from './assess.ts';
import { ensureFinalizer, release } from './release.ts';
import { report } from './report.ts';
import { isWatched } from './targets.ts';
import { applyRemembered, planService, policyOf, resolveService, type VisitDeps } from './visit.ts';

/** For a target of a kind that is not watched. */
const askAgainMs = 30_000;

/** Brings one GenerationService to its policy. */
export function generationService(deps: VisitDeps): Reconcile {
  return async (key, signal) => {
    const cached = deps.caches.services.get(key);
    if (cached === undefined) {
      deps.decisions.forget(key);
      deps.assessed.forget(key);
      deps.hitRatios.forget(key);
      deps.states.forget(key);
      return awaitChange;
    }
    const service = deps.statuses.latest(cached);
    if (service.metadata.deletionTimestamp !== undefined) return release(service, deps, signal);
    await ensureFinalizer(service, deps, signal); // before the first change: what we touch we can put back

    const resolution = await resolveService(service, deps, signal);
    if (resolution.kind === 'problem') {
      await report(service, { kind: 'problem', resolution }, deps, signal);
      return service.spec.components.every(({ targetRef }) => isWatched(targetRef))
        ? awaitChange
        : requeueAfter(askAgainMs);
    }
    const { resolved } = resolution;
    const { observations, state, plans } = await planService(service, resolved, deps, signal);
    deps.hitRatios.note(service, observations, deps.clock.now());
    const results = await applyRemembered(service, plans, state, deps, signal);
    const assessment = assess(resolved, deps);
    deps.assessed.put(service, statesOf(assessment));
    const visit = {
      kind: 'reconciled',
      resolution,
      results,
      assessment,
      scaler: deps.decisions.of(service),
      policyGeneration: policyOf(service, deps.caches)?.metadata.generation,
      policyHash: deps.policies.hash([resolved.policy, ...resolved.components.map(({ policy }) => policy)]),
      planHash: planHash(plans),
    } as const;
    await report(service, visit, deps, signal);
    return nextVisit(resolved, results, deps.clock.now());
  };
}

function planHash(plans: readonly UnitPlan[]): string | undefined {
  const changes = plans.flatMap(({ lever, unit, changes: made }) =>
    made.map(({ differences }) => [lever.name, unit.name, differences]),
  );
  return changes.length === 0 ? undefined : hashOf(changes);
}

/** What has been wrong for long is looked at less often: a quarter of the time that it has lasted, two minutes at most. */
function backoffMs({ status }: Resolved['service'], now: number): number {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'False' ? Math.min((now - Date.parse(ready.lastTransitionTime)) / 4, 120_000) : 0;
}

/** The earliest that a unit asks for, spread by a tenth so that services made together do not stay together. */
function nextVisit({ service, components }: Resolved, results: readonly UnitResult[], now: number): Next {
  const isTold = components.every(({ spec }) => isWatched(spec.targetRef));
  const asked = results.map(({ plan: { againMs = Number.POSITIVE_INFINITY, problem } }) =>
    problem === undefined ? againMs : Math.max(againMs, backoffMs(service, now)),
  );
  const soonest = Math.min(...asked, isTold ? Number.POSITIVE_INFINITY : askAgainMs);
  return Number.isFinite(soonest) ? requeueAfter(soonest * (0.9 + 0.2 * Math.random())) : awaitChange;
}
