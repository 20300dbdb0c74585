import { isDeepStrictEqual } from 'node:util';
import { awaitChange, requeueAfter, type Reconcile } from '../kube/loop.ts';
import { hashOf } from '../kube/hash.ts';
import type { UnitPlan } from '../levers/run.ts';
import { assess, statesOf } from './assess.ts';
import { ensureFinalizer, release } from './release.ts';
import { judgeBudgets, withPoolBounds } from './connection-budgets.ts';
import { resolveInForce } from './in-force.ts';
import { nextVisit } from './next-visit.ts';
import { report } from './report.ts';
import { applyRemembered, planService, type VisitDeps } from './visit.ts';

/** What the budget leaves for pools is known only once the servers were looked at: the next visit has it. */
const boundAgainMs = 500;

/** Brings one GenerationService to its policy. */
export function generationService(deps: VisitDeps): Reconcile {
  return async (key, signal) => {
    const cached = deps.caches.services.get(key);
    if (cached === undefined) {
      deps.accepted.forget(key);
      deps.decisions.forget(key);
      deps.assessed.forget(key);
      deps.told.forget(key);
      deps.cacheServers.forget(key);
      deps.databaseServers.forget(key);
      deps.connectionUses.forget(key);
      deps.poolBounds.forget(key);
      deps.states.forget(key);
      await Promise.all(deps.levers.flatMap((lever) => lever.forget?.(key, signal) ?? []));
      return awaitChange;
    }
    const service = deps.statuses.latest(cached);
    if (service.metadata.deletionTimestamp !== undefined) return release(service, deps, signal);
    await ensureFinalizer(service, deps, signal); // before the first change: what we touch we can put back

    const resolution = await resolveInForce(service, deps, signal);
    if (resolution.kind === 'problem') {
      deps.connectionUses.note(service, []); // nobody can tell, and nobody is to wait for it
      await report(service, { kind: 'problem', resolution }, deps, signal);
      return awaitChange;
    }
    const knownBounds = deps.poolBounds.of(service);
    const resolved = withPoolBounds(resolution.resolved, knownBounds);
    const { observations, looked, state, plans } = await planService(service, resolved, deps, signal);
    deps.cacheServers.note(service, observations, deps.clock.now());
    deps.databaseServers.note(service, observations, deps.clock.now());
    const budgets = judgeBudgets(resolved, looked, deps);
    const { poolBounds } = budgets;
    if (poolBounds !== undefined) deps.poolBounds.put(service, poolBounds);
    const results = await applyRemembered(service, plans, state, deps, signal);
    const assessment = assess(resolved, deps);
    deps.assessed.put(service, statesOf(assessment));
    const visit = {
      kind: 'reconciled',
      resolution,
      results,
      assessment,
      budgets,
      scaler: deps.decisions.of(service),
      policyGeneration: deps.accepted.of(service)?.policy?.metadata.generation,
      policyHash: deps.policies.hash(resolved.policies),
      planHash: planHash(plans),
    } as const;
    await report(service, visit, deps, signal);
    const isBoundAnew =
      resolved.poolBounds !== undefined && poolBounds !== undefined && !isDeepStrictEqual(poolBounds, knownBounds);
    return isBoundAnew ? requeueAfter(boundAgainMs) : nextVisit(resolved, results, deps.clock.now());
  };
}

/** Of the changes that are planned and held back. */
function planHash(plans: readonly UnitPlan[]): string | undefined {
  const changes = plans.flatMap(({ lever, unit, held = [] }) =>
    held.map((difference) => [lever.name, unit.name, difference]),
  );
  return changes.length === 0 ? undefined : hashOf(changes);
}
