import type { GenerationService } from '../api/generation-service.ts';
import { nothingKept } from '../decide/optimizer/kept.ts';
import type { LookAnswer } from '../decide/optimizer/look.ts';
import { withRaisedLimits } from '../decide/optimizer/raise.ts';
import { withReducedWorkers } from '../decide/optimizer/reduction.ts';
import type { PodsAsked } from '../decide/quota-budget.ts';
import { resolve, resolveDefaults, type PodsMetricsWay, type Resolution, type Resolved } from '../decide/resolve.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import {
  apply,
  confirmations,
  intentions,
  observe,
  planAll,
  unitKey,
  type AnyLever,
  type LeverMemory,
  type Observation,
  type UnitPlan,
  type UnitResult,
} from '../levers/run.ts';
import type { NginxWeights } from '../levers/lever.ts';
import { withVpas } from '../levers/vertical/observe.ts';
import type { Standings } from '../metrics/standings.ts';
import type { AssessDeps } from './assess.ts';
import type { KnownBounds } from './budget-bounds.ts';
import type { Caches } from './caches.ts';
import { withoutClaimed } from './claims.ts';
import type { DatabaseServers } from './database-servers.ts';
import type { ConnectionUses } from './connection-uses.ts';
import type { LastWords } from './last-words.ts';
import type { EffectivePolicies } from './effective-policies.ts';
import type { Accepted } from './in-force.ts';
import type { ReportDeps } from './report.ts';
import type { ServiceState, States } from './state.ts';
import { findTargets } from './targets.ts';

export interface VisitDeps extends ReportDeps, AssessDeps {
  readonly caches: Caches;
  readonly standings: Standings;
  readonly databaseServers: DatabaseServers;
  /** Of the newest visit. */
  readonly weights: LastWords<readonly NginxWeights[]>;
  readonly connectionUses: ConnectionUses;
  /** What the budgets of a service leave for its components. */
  readonly budgetBounds: LastWords<KnownBounds>;
  /** What the Pods of each may take of a quota. */
  readonly podsAsked: LastWords<readonly PodsAsked[]>;
  /** The optimizer's newest look at its rules. */
  readonly optimizerLooks: LastWords<LookAnswer>;
  readonly levers: readonly AnyLever[];
  readonly states: States;
  /** Whether we still lead. */
  readonly mayAct: () => boolean;
  readonly policies: EffectivePolicies;
  readonly accepted: Accepted;
  /** The states (`statesOf`) that the last visit of a service has put into its status. */
  readonly assessed: LastWords<string>;
  /** Whether HPAs read Pods metrics from our own metrics API. */
  readonly podsMetrics: () => PodsMetricsWay;
}

export type ResolveDeps = Pick<VisitDeps, 'caches' | 'kube' | 'podsMetrics' | 'policies'>;

/** The effective policy and the targets, as they are declared now. */
export const resolveService = (
  service: GenerationService & KubeObject,
  deps: ResolveDeps,
  signal: AbortSignal,
): Promise<Resolution> => resolveWith(service, policyOf(service, deps.caches), deps, signal);

export async function resolveWith(
  service: GenerationService & KubeObject,
  policy: ReturnType<typeof policyOf>,
  { caches, kube, podsMetrics, policies }: ResolveDeps,
  signal: AbortSignal,
): Promise<Resolution> {
  const targets = await findTargets(service, { caches, kube }, signal);
  const effective: EffectivePolicies['of'] = (layers) => policies.of(layers);
  return withVpa(resolve({ service, policy, targets, podsMetrics: podsMetrics(), effective }), kube, signal);
}

/** Only where there is one does it take anything from the HPA. */
async function withVpa(resolution: Resolution, kube: ResolveDeps['kube'], signal: AbortSignal): Promise<Resolution> {
  if (resolution.kind === 'problem') return resolution;
  const { resolved } = resolution;
  if (!resolved.components.some(({ policy: { vertical } }) => vertical.mode === 'Enforce')) return resolution;
  const components = await withVpas(resolved, kube, signal);
  return { ...resolution, resolved: { ...resolved, components } };
}

/** For putting things back: the defaults and the targets that are there, since no policy or target that is gone may stand in the way. */
export async function resolveForRestore(
  service: GenerationService & KubeObject,
  { caches, kube, podsMetrics }: Pick<VisitDeps, 'caches' | 'kube' | 'podsMetrics'>,
  signal: AbortSignal,
): Promise<Resolved> {
  return resolveDefaults({
    service,
    targets: await findTargets(service, { caches, kube }, signal),
    podsMetrics: podsMetrics(),
  });
}

export function policyOf({ metadata: { namespace }, spec }: GenerationService, { policies }: Pick<Caches, 'policies'>) {
  return spec.policyRef === undefined
    ? undefined
    : policies.get(keyOf({ metadata: { namespace, name: spec.policyRef.name } }));
}

/** Every unit as it is found, and what would bring it to its policy: of a visit, and of `genops diff`. Changes nothing. */
export async function planService(
  service: GenerationService & KubeObject,
  resolved: Resolved,
  {
    caches,
    levers,
    states,
    clock,
  }: Pick<VisitDeps, 'levers' | 'states' | 'clock'> & { readonly caches: Pick<Caches, 'services' | 'states'> },
  signal: AbortSignal,
): Promise<{
  readonly observations: readonly Observation[];
  /** The same before a server that an older service tunes became a Problem. */
  readonly looked: readonly Observation[];
  readonly state: ServiceState;
  readonly plans: readonly UnitPlan[];
}> {
  const state = states.of(service);
  const { reductions, raises } = state.optimizer ?? nothingKept;
  const inForce = withRaisedLimits(withReducedWorkers(resolved, reductions), raises);
  const looked = await observe(levers, inForce, signal, state.levers);
  const observations = withoutClaimed(looked, service, caches);
  const plans = planAll(observations, { memory: state.levers, now: clock.now(), verb: 'plan' });
  return { observations, looked, state, plans };
}

/** A fail-over that lasts is somebody else's to end. */
const mostLooks = 3;

/** As `applyRemembered`; a unit of which the roles have moved meanwhile (a fail-over) is looked at again, so that its new primary is right in this visit. */
export async function applyLookingAgain(
  service: GenerationService & KubeObject,
  resolved: Resolved,
  { plans, state, observations }: Awaited<ReturnType<typeof planService>>,
  deps: Pick<VisitDeps, 'caches' | 'levers' | 'states' | 'clock' | 'mayAct'>,
  signal: AbortSignal,
): Promise<{ readonly results: readonly UnitResult[]; readonly observations: readonly Observation[] }> {
  let results = await applyRemembered(service, plans, state, deps, signal);
  let seen = observations;
  for (let looks = 1; looks < mostLooks; looks += 1) {
    const outdated = new Set(results.filter(({ isOutdated }) => isOutdated).map(({ plan }) => unitKey(plan)));
    if (outdated.size === 0) break;
    const again = await planService(service, resolved, { ...deps, levers: onlyUnits(deps.levers, outdated) }, signal);
    const anew = results.map(({ plan }) => again.plans.find((one) => unitKey(one) === unitKey(plan)) ?? done(plan));
    const next = await applyRemembered(service, anew, again.state, deps, signal);
    results = results.map((result, at) => (outdated.has(unitKey(result.plan)) ? together(result, next[at]) : result));
    seen = seen.map((one) => again.observations.find((other) => unitKey(other) === unitKey(one)) ?? one);
  }
  return { results, observations: seen };
}

const onlyUnits = (levers: readonly AnyLever[], keys: ReadonlySet<string>): readonly AnyLever[] =>
  levers.map((lever) => ({
    ...lever,
    units: (...given) => lever.units(...given).filter((unit) => keys.has(unitKey({ lever, unit }))),
  }));

/** What is to be done of it is done, and what is to be remembered is written down. */
const done = ({ remember: _, ...plan }: UnitPlan): UnitPlan => ({ ...plan, changes: [] });

/** What was made before counts too. */
function together(before: UnitResult, after: UnitResult | undefined): UnitResult {
  if (after === undefined) return before;
  const taken = [...before.taken, ...after.taken];
  return { ...after, taken, outcome: after.outcome === 'nothing' && taken.length > 0 ? 'applied' : after.outcome };
}

/** What is about to be done is written down before it is done, and that it is in force after: a kill at any moment neither loses an original setting nor takes an intention for drift. */
export async function applyRemembered(
  service: GenerationService & KubeObject,
  plans: readonly UnitPlan[],
  { levers: memory }: Pick<ServiceState, 'levers'>,
  { states, mayAct }: Pick<VisitDeps, 'states' | 'mayAct'>,
  signal: AbortSignal,
): Promise<readonly UnitResult[]> {
  // Beside what another loop has written of it meanwhile (roll-ups): a visit takes seconds.
  const remember = (levers: LeverMemory) => states.write(service, (state) => ({ ...state, levers }), signal);
  const intended = intentions(plans, memory);
  if (intended !== memory) await remember(intended);
  const results = await apply(plans, mayAct, signal);
  const confirmed = confirmations(results, intended);
  if (confirmed !== intended) await remember(confirmed);
  return results;
}
