import type { GenerationService } from '../api/generation-service.ts';
import type { Resolved } from '../decide/resolve.ts';
import { ApiError } from '../kube/api-error.ts';
import { awaitChange, requeueAfter, type Next } from '../kube/loop.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import { differenceText } from '../levers/differences.ts';
import type { Difference } from '../levers/lever.ts';
import { observe, planAll, unitKey, type UnitResult } from '../levers/run.ts';
import { changedOn } from './changed-on.ts';
import { claimedBy } from './claims.ts';
import { resolveInForce } from './in-force.ts';
import { generationServices } from './kinds.ts';
import { isTerminating } from './namespaces.ts';
import { reportWaiting } from './report.ts';
import { reportPutBack } from './report-unit.ts';
import { judgeRelease, patienceMs, type Left } from './release-verdict.ts';
import { restoreFinalizer } from './state.ts';
import { applyRemembered, resolveForRestore, type VisitDeps } from './visit.ts';

const againMs = 5_000;

type Service = GenerationService & KubeObject;

/**
 * The finalizers of the service and of its state stand exactly while deletionPolicy is Restore, or something that is not ours to delete is held back.
 *
 * @param isHolding Undefined: nobody can tell, and what stands stays.
 * @returns The service with those that it has now.
 */
export async function ensureFinalizer(
  service: Service,
  isHolding: boolean | undefined,
  { kube, states }: Pick<VisitDeps, 'kube' | 'states'>,
  signal: AbortSignal,
): Promise<Service> {
  const { finalizers = [] } = service.metadata;
  const has = finalizers.includes(restoreFinalizer);
  const isWanted = service.spec.deletionPolicy === 'Restore' || (isHolding ?? has);
  const wanted = isWanted === has ? finalizers : isWanted ? [...finalizers, restoreFinalizer] : withoutOurs(finalizers);
  const next = { ...service, metadata: { ...service.metadata, finalizers: wanted } };
  await states.hold(next, signal);
  if (isWanted !== has) await setFinalizers(service, wanted, kube, signal);
  return next;
}

/** The service is being deleted: put back what we recorded changing (with deletionPolicy Retain only what ends by us alone), wait a while for what cannot be reached now, then let go. */
export async function release(service: Service, deps: VisitDeps, signal: AbortSignal): Promise<Next> {
  const { finalizers = [], namespace } = service.metadata;
  if (!finalizers.includes(restoreFinalizer)) return awaitChange;
  const left = await takeBack(service, deps, signal);
  const waitedMs = deps.clock.now() - Date.parse(service.metadata.deletionTimestamp ?? '');
  // an API server that cannot tell (a webhook on ConfigMaps that fails, say) must not keep the service longer than our patience
  const isAsked = left.length > 0 && waitedMs < patienceMs;
  const isGoing = isAsked && (await isTerminating(namespace, deps.kube, signal));
  const verdict = judgeRelease({ left, namespace, isTerminating: isGoing, waitedMs });
  if (verdict === 'Wait') return wait(service, left, deps, signal);
  // the cache may show a service that went with the visit before this one
  if (verdict === 'GiveUp' && !deps.states.isLetGo(service)) giveUp(service, left, isGoing, deps);
  await unlessGone(deps.states.letGo(service, signal));
  await unlessGone(setFinalizers(service, withoutOurs(finalizers), deps.kube, signal));
  return awaitChange;
}

async function wait(service: Service, left: readonly Left[], deps: VisitDeps, signal: AbortSignal): Promise<Next> {
  await reportWaiting(service, left.map(asText).join(' | '), deps, signal);
  return requeueAfter(againMs);
}

/** What went with its namespace is no news; a server that stays and keeps our settings is. */
function giveUp(service: Service, left: readonly Left[], isGoing: boolean, { events, logger }: VisitDeps): void {
  const notes = left.map((one) => asText({ ...one, message: [...wantedText(one), one.message].join(': ') }));
  const about = { service: keyOf(service), left: notes };
  if (isGoing) return void logger.info('not put back: it goes with its namespace', about);
  logger.warn('not put back in time', about);
  const note = notes.join(' | ');
  events.record({ regarding: service, type: 'Warning', reason: 'RestoreGivenUp', action: 'Restore', note });
}

const asText = ({ unit, message }: Left): string => (unit === undefined ? message : `${unit}: ${message}`);

/** With the service goes what it remembers: first of all what a person would have to put back. */
const wantedText = ({ wanted }: Left): readonly string[] =>
  wanted.length === 0 ? [] : [`not put back: ${[...new Set(wanted)].join(', ')}`];

/** What is not as it was. Whatever goes wrong is no reason to wait longer than we are patient. */
async function takeBack(service: Service, deps: VisitDeps, signal: AbortSignal): Promise<readonly Left[]> {
  try {
    const isRestore = service.spec.deletionPolicy === 'Restore';
    const resolved = isRestore
      ? await resolveForRestore(service, deps, signal)
      : await resolveAsDeclared(service, deps, signal);
    const verb = isRestore ? 'restore' : 'release';
    const levers = isRestore ? deps.levers : deps.levers.filter((lever) => lever.release !== undefined);
    const state = deps.states.of(service);
    // A server that an older service tunes has that one's settings: they are not ours to take back.
    const touched = (await observe(levers, resolved, signal)).filter(
      (observation) =>
        state.levers[unitKey(observation)] !== undefined && claimedBy(observation, service, deps.caches) === undefined,
    );
    const plans = planAll(touched, { memory: state.levers, now: deps.clock.now(), verb });
    const results = await applyRemembered(service, plans, state, deps, signal);
    for (const result of results) reportPutBack(service, result, deps);
    return results
      .filter(({ condition }) => condition.status !== 'True')
      .map((result) => {
        const { plan, condition } = result;
        const { reason, message } = condition;
        const unit = unitKey(plan);
        const memory = state.levers[unit];
        const back = plan.changes.length > 0 ? untaken(result) : isRestore ? changedOn(plan.lever.name, memory) : [];
        const wanted = back.map(differenceText);
        return { unit, lever: plan.lever.name, reason, message, wanted, address: memory?.address };
      });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ApiError && error.isStale) throw error; // read again at once
    deps.logger.warn('could not put back', { service: keyOf(service), error });
    const message = Error.isError(error) ? error.message : String(error);
    return [{ unit: undefined, lever: undefined, reason: undefined, message, wanted: [], address: undefined }];
  }
}

function untaken({ plan, taken }: UnitResult): readonly Difference[] {
  const made = new Set(taken.flatMap(({ differences }) => differences));
  return plan.changes.flatMap(({ differences }) => differences).filter((one) => !made.has(one));
}

/** What is held goes back to what is declared; where nobody knows that, to the defaults. */
async function resolveAsDeclared(service: Service, deps: VisitDeps, signal: AbortSignal): Promise<Resolved> {
  const resolution = await resolveInForce(service, deps, signal);
  return resolution.kind === 'resolved' ? resolution.resolved : resolveForRestore(service, deps, signal);
}

/** Where several things are deleted at once we may be told late. */
async function unlessGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
}

const withoutOurs = (finalizers: readonly string[]): readonly string[] =>
  finalizers.filter((finalizer) => finalizer !== restoreFinalizer);

/** Only on this very object with the finalizers that were read: nobody else's is lost. What else was written since does not matter, and often it is our own status. */
async function setFinalizers(
  service: Service,
  finalizers: readonly string[],
  kube: VisitDeps['kube'],
  signal: AbortSignal,
): Promise<void> {
  const { uid, finalizers: seen = null } = service.metadata; // null: there are none
  const operations = [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'test', path: '/metadata/finalizers', value: seen },
    { op: 'add', path: '/metadata/finalizers', value: finalizers },
  ] as const;
  await kube.patch(generationServices, keyOf(service), operations, {}, signal);
}
