import { isDeepStrictEqual } from 'node:util';
import { milliseconds } from '../api/duration.ts';
import { awaitChange, requeueAfter, type Reconcile } from '../kube/loop.ts';
import { hashOf } from '../kube/hash.ts';
import { isHolding, type UnitPlan } from '../levers/run.ts';
import { assess, statesOf } from './assess.ts';
import { ensureFinalizer, release } from './release.ts';
import { leftBy, withBounds } from './budget-bounds.ts';
import { judgeBudgets } from './budgets.ts';
import { resolveInForce } from './in-force.ts';
import { createLeftBehind } from './left-behind.ts';
import { nextVisit } from './next-visit.ts';
import { podWeights } from './pod-weights.ts';
import { hasQuota } from './quota-budgets.ts';
import { report } from './report.ts';
import { applyLookingAgain, planService, type VisitDeps } from './visit.ts';

/** What the budget leaves is known only once the servers were looked at: the next visit has it. */
const boundAgainMs = 500;
/** Nobody tells what other workloads of the namespace may come to. */
const quotaAgainMs = 60_000;

/** Brings one GenerationService to its policy. */
export function generationService(deps: VisitDeps): Reconcile {
  const leftBehind = createLeftBehind(deps);
  return async (key, signal) => {
    const cached = deps.caches.services.get(key);
    if (cached === undefined) {
      deps.accepted.forget(key);
      deps.decisions.forget(key);
      deps.assessed.forget(key);
      deps.told.forget(key);
      deps.cacheServers.forget(key);
      deps.databaseServers.forget(key);
      deps.weights.forget(key);
      deps.connectionUses.forget(key);
      deps.budgetBounds.forget(key);
      deps.podsAsked.forget(key);
      deps.optimizerLooks.forget(key);
      deps.states.forget(key);
      return leftBehind.end(key, signal);
    }
    leftBehind.forget(key);
    const service = deps.statuses.latest(cached);
    if (service.metadata.deletionTimestamp !== undefined) return release(service, deps, signal);
    const resolution = await resolveInForce(service, deps, signal);
    if (resolution.kind === 'problem') {
      await ensureFinalizer(service, undefined, deps, signal);
      deps.connectionUses.note(service, []); // nobody can tell, and nobody is to wait for it
      deps.podsAsked.put(service, []);
      await report(service, { kind: 'problem', resolution }, deps, signal);
      return awaitChange;
    }
    const knownBounds = deps.budgetBounds.of(service);
    const isInQuota = hasQuota(service, deps.caches);
    const resolved = withBounds(resolution.resolved, knownBounds, { hasQuota: isInQuota });
    const planned = await planService(service, resolved, deps, signal);
    const { observations, looked, plans } = planned;
    deps.cacheServers.note(service, observations, deps.clock.now());
    deps.databaseServers.note(service, observations, deps.clock.now(), plans);
    deps.weights.put(service, podWeights(observations));
    const budgets = judgeBudgets(resolved, looked, deps, {
      known: knownBounds,
      raises: planned.state.optimizer?.raises,
    });
    deps.budgetBounds.put(service, budgets.known);
    const held = await ensureFinalizer(service, isHolding(plans), deps, signal); // before the first change: what we touch we can put back
    const { results, observations: now } = await applyLookingAgain(held, resolved, planned, deps, signal);
    if (now !== observations) deps.cacheServers.note(service, now, deps.clock.now());
    const assessment = assess(resolved, deps);
    deps.assessed.put(service, statesOf(assessment));
    const windowMs = milliseconds(resolved.policy.objectives.window);
    const visit = {
      kind: 'reconciled',
      resolution,
      results,
      assessment,
      budgets,
      scaler: deps.decisions.of(service),
      optimizer: { answer: deps.optimizerLooks.of(service), kept: deps.states.of(service).optimizer },
      policyGeneration: deps.accepted.of(service)?.policy?.metadata.generation,
      policyHash: deps.policies.hash(resolved.policies),
      planHash: planHash(plans),
      databaseServers: deps.databaseServers.servers(service, deps.clock.now() - windowMs),
    } as const;
    await report(service, visit, deps, signal);
    const leftBefore = knownBounds && leftBy(knownBounds);
    const isBoundAnew = resolved.replicaBounds !== undefined && !isDeepStrictEqual(budgets.left, leftBefore);
    if (isBoundAnew) return requeueAfter(boundAgainMs);
    return nextVisit(resolved, results, { now: deps.clock.now(), atLatestMs: isInQuota ? quotaAgainMs : undefined });
  };
}

/** Of the changes that are planned and held back. */
function planHash(plans: readonly UnitPlan[]): string | undefined {
  const changes = plans.flatMap(({ lever, unit, held = [] }) =>
    held.map((difference) => [lever.name, unit.name, difference]),
  );
  return changes.length === 0 ? undefined : hashOf(changes);
}
