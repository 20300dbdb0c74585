import type { GenerationService } from '../api/generation-service.ts';
import { resolve, resolveDefaults, type PodsMetricsWay, type Resolution, type Resolved } from '../decide/resolve.ts';
import { keyOf, type KubeObject } from '../kube/object.ts';
import {
  apply,
  confirmations,
  intentions,
  observe,
  planAll,
  type AnyLever,
  type LeverMemory,
  type Observation,
  type UnitPlan,
  type UnitResult,
} from '../levers/run.ts';
import type { Standings } from '../metrics/standings.ts';
import type { AssessDeps } from './assess.ts';
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
  readonly connectionUses: ConnectionUses;
  /** What the budgets of a service leave for the pools of its components. */
  readonly poolBounds: LastWords<ReadonlyMap<string, number>>;
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
  return resolve({ service, policy, targets, podsMetrics: podsMetrics(), effective: (layers) => policies.of(layers) });
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
  const looked = await observe(levers, resolved, signal);
  const observations = withoutClaimed(looked, service, caches);
  const state = states.of(service);
  const plans = planAll(observations, { memory: state.levers, now: clock.now(), verb: 'plan' });
  return { observations, looked, state, plans };
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
  const remember = (levers: LeverMemory) => states.write(service, { ...states.of(service), levers }, signal);
  const intended = intentions(plans, memory);
  if (intended !== memory) await remember(intended);
  const results = await apply(plans, mayAct, signal);
  const confirmed = confirmations(results, intended);
  if (confirmed !== intended) await remember(confirmed);
  return results;
}
