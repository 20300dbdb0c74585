import type { GenerationService } from '../api/generation-service.ts';
import { awaitChange, requeueAfter, type Next } from '../kube/loop.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import { observe, planAll, unitKey } from '../levers/run.ts';
import { claimedBy } from './claims.ts';
import { generationServices } from './kinds.ts';
import { restoreFinalizer } from './state.ts';
import { applyRemembered, resolveForRestore, type VisitDeps } from './visit.ts';

/** A server that is down must not keep a namespace from being deleted for ever. */
const patienceMs = 120_000;
const againMs = 5_000;

type Service = GenerationService & KubeObject;

/** The finalizers of the service and of its state stand exactly while deletionPolicy is Restore. */
export async function ensureFinalizer(
  service: Service,
  { kube, states }: Pick<VisitDeps, 'kube' | 'states'>,
  signal: AbortSignal,
): Promise<void> {
  const { finalizers = [] } = service.metadata;
  const isWanted = service.spec.deletionPolicy === 'Restore';
  await states.hold(service, signal);
  if (isWanted !== finalizers.includes(restoreFinalizer))
    await setFinalizers(service, isWanted ? [...finalizers, restoreFinalizer] : withoutOurs(finalizers), kube, signal);
}

/** The service is being deleted: put back what we recorded changing, for at most two minutes, then let go. */
export async function release(service: Service, deps: VisitDeps, signal: AbortSignal): Promise<Next> {
  const { finalizers = [], deletionTimestamp = '' } = service.metadata;
  if (!finalizers.includes(restoreFinalizer)) return awaitChange;
  const left = await restore(service, deps, signal);
  const isPatient = deps.clock.now() - Date.parse(deletionTimestamp) < patienceMs;
  if (left.length > 0) {
    const reason = isPatient ? 'RestoreWaiting' : 'RestoreGivenUp';
    deps.events.record({ regarding: service, type: 'Warning', reason, action: 'Restore', note: left.join(' | ') });
  }
  if (left.length > 0 && isPatient) return requeueAfter(againMs);
  await deps.states.letGo(service, signal);
  await setFinalizers(service, withoutOurs(finalizers), deps.kube, signal);
  return awaitChange;
}

/** What is not as it was, and why. Whatever goes wrong is no reason to wait longer than we are patient. */
async function restore(service: Service, deps: VisitDeps, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const resolved = await resolveForRestore(service, deps, signal);
    const state = deps.states.of(service);
    // A server that an older service tunes has that one's settings: they are not ours to take back.
    const touched = (await observe(deps.levers, resolved, signal)).filter(
      (observation) =>
        state.levers[unitKey(observation)] !== undefined && claimedBy(observation, service, deps.caches) === undefined,
    );
    const plans = planAll(touched, { memory: state.levers, now: deps.clock.now(), verb: 'restore' });
    const results = await applyRemembered(service, plans, state, deps, signal);
    return results
      .filter(({ condition }) => condition.status !== 'True')
      .map(({ plan, condition }) => `${unitKey(plan)}: ${condition.message}`);
  } catch (error) {
    signal.throwIfAborted();
    deps.logger.warn('could not put back', { service: keyOf(service), error });
    return [Error.isError(error) ? error.message : String(error)];
  }
}

const withoutOurs = (finalizers: readonly string[]): readonly string[] =>
  finalizers.filter((finalizer) => finalizer !== restoreFinalizer);

/** Only on the object as it was read: nobody else's finalizer is lost to a list that has moved. */
async function setFinalizers(
  service: Service,
  finalizers: readonly string[],
  kube: VisitDeps['kube'],
  signal: AbortSignal,
): Promise<void> {
  const operations = [
    { op: 'test', path: '/metadata/resourceVersion', value: service.metadata.resourceVersion },
    { op: 'add', path: '/metadata/finalizers', value: finalizers },
  ] as const;
  await kube.patch(generationServices, keyOf(service), operations, {}, signal);
}
