import type { GenerationService } from '../api/generation-service.ts';
import { awaitChange, requeueAfter, type Next } from '../kube/loop.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import { observe, planAll, type UnitResult } from '../levers/run.ts';
import { generationServices } from './kinds.ts';
import { applyRemembered, resolveForRestore, type VisitDeps } from './visit.ts';

const finalizer = 'genops.dev/restore';
/** A server that is down must not keep a namespace from being deleted for ever. */
const patienceMs = 120_000;
const againMs = 5_000;

type Service = GenerationService & KubeObject;

/** The finalizer stands exactly while deletionPolicy is Restore. */
export async function ensureFinalizer(
  service: Service,
  { kube }: Pick<VisitDeps, 'kube'>,
  signal: AbortSignal,
): Promise<void> {
  const { finalizers = [] } = service.metadata;
  const index = finalizers.indexOf(finalizer);
  if (service.spec.deletionPolicy === 'Restore' && index < 0) {
    const operations =
      finalizers.length === 0
        ? [{ op: 'add', path: '/metadata/finalizers', value: [finalizer] } as const]
        : [{ op: 'add', path: '/metadata/finalizers/-', value: finalizer } as const];
    await kube.patch(generationServices, keyOf(service), operations, {}, signal);
  }
  if (service.spec.deletionPolicy !== 'Restore' && index >= 0) await removeFinalizer(service, index, kube, signal);
}

/** The service is being deleted: put back what we recorded changing, for at most two minutes, then let go. */
export async function release(service: Service, deps: VisitDeps, signal: AbortSignal): Promise<Next> {
  const index = service.metadata.finalizers?.indexOf(finalizer) ?? -1;
  if (index < 0) return awaitChange;
  const left = await restore(service, deps, signal);
  const since = deps.clock.now() - Date.parse(service.metadata.deletionTimestamp ?? '');
  const note = left
    .map(({ plan, condition }) => `${plan.lever.name} ${plan.unit.name}: ${condition.message}`)
    .join(' | ');
  if (left.length > 0 && since < patienceMs) {
    deps.events.record({ regarding: service, type: 'Warning', reason: 'RestoreWaiting', action: 'Restore', note });
    return requeueAfter(againMs);
  }
  if (left.length > 0)
    deps.events.record({ regarding: service, type: 'Warning', reason: 'RestoreGivenUp', action: 'Restore', note });
  await removeFinalizer(service, index, deps.kube, signal);
  return awaitChange;
}

/** The units that could not be put back. */
async function restore(service: Service, deps: VisitDeps, signal: AbortSignal): Promise<readonly UnitResult[]> {
  const resolved = await resolveForRestore(service, deps, signal);
  const state = deps.states.of(service);
  const touched = (await observe(deps.levers, resolved, signal)).filter(
    ({ lever, unit }) => state.levers[`${lever.name}/${unit.name}`] !== undefined,
  );
  const plans = planAll(touched, { memory: state.levers, now: deps.clock.now(), verb: 'restore' });
  const results = await applyRemembered(service, plans, state, deps, signal);
  return results.filter(({ condition }) => condition.status === 'False');
}

/** With a `test`, so that nobody else's finalizer is lost to a list that has moved. */
async function removeFinalizer(
  service: Service,
  index: number,
  kube: VisitDeps['kube'],
  signal: AbortSignal,
): Promise<void> {
  const path = `/metadata/finalizers/${index}`;
  await kube.patch(
    generationServices,
    keyOf(service),
    [
      { op: 'test', path, value: finalizer },
      { op: 'remove', path },
    ],
    {},
    signal,
  );
}
