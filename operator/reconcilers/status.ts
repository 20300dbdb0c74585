import { withCondition, type Condition, type Finding, type NewCondition } from '../api/conditions.ts';
import type { GenerationService } from '../api/generation-service.ts';
import { problemMessage } from '../api/problem.ts';
import type { AnyReason } from '../api/reasons.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import { modeOf, type Resolution, type Resolved } from '../decide/resolve.ts';
import { steadyLoadBalancer } from '../decide/steady.ts';
import { steadyStatements } from '../decide/steady-statements.ts';
import { unknownAdoption } from '../levers/adoption.ts';
import type { UnitResult } from '../levers/run.ts';
import type { Assessment } from './assess.ts';
import type { Budgets } from './budgets.ts';
import type { DatabaseServer } from './database-servers.ts';
import { decisionStatus, type ScalerReport } from './decisions.ts';
import { leverConditions } from './lever-conditions.ts';
import { ignoredFields } from './declared.ts';
import { namedSources } from './measuring.ts';
import { optimizerActive, optimizerStatus, type KnownOptimizer } from './optimizer-condition.ts';

/** All that one visit has found. */
export type Visit =
  /** The service could not be resolved, and this process knows of nothing that was accepted before: nothing was changed, and what was in force still is. */
  | { readonly kind: 'problem'; readonly resolution: Extract<Resolution, { kind: 'problem' }> }
  | {
      readonly kind: 'reconciled';
      readonly resolution: Extract<Resolution, { kind: 'resolved' }>;
      readonly results: readonly UnitResult[];
      readonly assessment: Assessment;
      readonly budgets: Pick<Budgets, 'conditions' | 'connections'>;
      readonly scaler: ScalerReport | undefined;
      readonly optimizer: KnownOptimizer;
      readonly policyGeneration: number | undefined;
      readonly policyHash: string;
      /** Undefined where nothing is held back. */
      readonly planHash: string | undefined;
      /** Those that have answered. */
      readonly databaseServers: readonly Pick<DatabaseServer, 'name' | 'slow'>[];
    };

/** The whole status. Equal input gives equal bytes, so that what did not change is not written. */
export function renderStatus(service: GenerationService, visit: Visit, now: Date): GenerationServiceStatus {
  const previous = service.status ?? {};
  const inForce = visit.kind === 'problem' ? service : visit.resolution.resolved.service;
  const isKnown = (type: string): boolean =>
    previous.conditions?.some(
      ({ type: known, reason, observedGeneration }) =>
        known === type && observedGeneration === service.metadata.generation && reason !== 'PolicyRejected',
    ) === true;
  const found = (
    visit.kind === 'problem' ? [...visit.resolution.conditions, ...unjudged(previous)] : conditionsOf(visit)
  ).filter(
    ({ type, reason }) => reason !== 'Pending' || !isKnown(type), // after a restart of ours: not looked at yet is no news
  );
  const kept = (previous.conditions ?? []).filter(
    ({ type }) => isKept(type, visit) && !found.some((next) => next.type === type),
  );
  const current = [...found, ...summary([...found, ...kept], visit)];
  const conditions = current.reduce<readonly Condition[]>(
    (all, condition) => withCondition(all, observed(condition, isOfPlan(condition.type) ? inForce : service), now),
    (previous.conditions ?? []).filter(({ type }) =>
      [...current, ...kept].some((condition) => condition.type === type),
    ),
  );
  const sections =
    visit.kind === 'problem'
      ? { ...withoutFigures(previous), mode: modeOf(service) }
      : resolvedSections(visit, previous, now);
  return { ...sections, observedGeneration: service.metadata.generation, conditions: [...conditions] };
}

/** What nobody looks at without a policy: nobody can tell how it is. */
function unjudged({ policy }: GenerationServiceStatus): readonly Finding[] {
  const message = problemMessage({
    saw:
      policy === undefined
        ? 'no policy of this service that was ever accepted'
        : 'no accepted policy since the operator began to lead',
    wanted: 'one to measure, judge and move floors by',
    next: 'see the condition PolicyAccepted',
  });
  return (['MetricsAvailable', 'ObjectivesMet', 'ScalerActive'] as const).map((type) => ({
    type,
    status: 'Unknown',
    reason: 'PolicyRejected',
    message,
  }));
}

const withoutFigures = ({ objectives: _, objectivesMet: __, rating: ___, ...rest }: GenerationServiceStatus) => rest;

const conditionsOf = ({
  resolution,
  results,
  assessment,
  budgets,
  optimizer,
}: Extract<Visit, { kind: 'reconciled' }>): readonly Finding[] => [
  ...resolution.conditions,
  ...leverConditions(results, resolution.resolved.mode),
  ...assessment.conditions,
  ...budgets.conditions,
  ...optimizerActive(resolution.resolved, optimizer),
];

/** While a policy is rejected, or for a target that is not there, the last good plan stays in force, and what is said of it too; and what is Pending keeps its last word. */
const isKept = (type: string, visit: Visit): boolean =>
  !isSummary(type) &&
  (visit.kind === 'problem' ||
    visit.resolution.conditions.some(({ status }) => status !== 'True') ||
    conditionsOf(visit).some((condition) => condition.type === type));

/** `type` and `reason` fit together in each source; TypeScript loses that where they are listed together. */
const observed = (condition: Finding, { metadata }: GenerationService): NewCondition =>
  ({ ...condition, observedGeneration: metadata.generation }) as NewCondition;

function resolvedSections(
  visit: Extract<Visit, { kind: 'reconciled' }>,
  previous: GenerationServiceStatus,
  now: Date,
): GenerationServiceStatus {
  const { resolved } = visit.resolution;
  const resultOf = (lever: string, unit: string) =>
    visit.results.find(({ plan }) => plan.lever.name === lever && plan.unit.name === unit);
  const statusOf = (lever: string, unit: string): object => resultOf(lever, unit)?.plan.status ?? {};
  const isPending = (lever: string, unit: string): boolean => resultOf(lever, unit)?.condition.reason === 'Pending';
  const connectionsOf = (server: string): object => {
    const { needed, available } = visit.budgets.connections.get(server) ?? {};
    return needed === undefined ? {} : { connections: { needed, available } };
  };
  const slowOf = (server: string): object => {
    const before = previous.postgres?.find(({ name }) => name === server)?.slowStatements;
    const slow = visit.databaseServers.find(({ name }) => name === server)?.slow;
    const { top } = resolved.policy.postgres.slowStatements;
    const slowStatements = steadyStatements(before, slow, { now: now.getTime(), top });
    return slowStatements === undefined ? {} : { slowStatements };
  };
  const { redis = [], postgres = [] } = resolved.service.spec;
  const { planHash } = visit;
  const balancer = resultOf('load-balancer', 'nginx')?.plan.status;
  const rules = optimizerStatus(visit.optimizer.kept);
  return {
    mode: resolved.mode,
    ...(planHash === undefined ? {} : { planHash }),
    policy: policyStatus(visit, resolved),
    ...visit.assessment.figures,
    components: resolved.service.spec.components.map(({ name }) => {
      const before = previous.components?.find((component) => component.name === name);
      const component = resolved.components.find(({ spec }) => spec.name === name);
      if (component === undefined) return before ?? { name };
      const move = visit.scaler?.looks.get(name)?.lastMove;
      const decision = move === undefined ? before?.decision : decisionStatus(move);
      const source = visit.assessment.components.get(name)?.metricsSource ?? before?.metricsSource;
      // One that was read until the spec named others is read no more.
      const metricsSource = namedSources(component.spec).find(({ type }) => type === source)?.type;
      return {
        name,
        ...statusOf('horizontal', name),
        ...statusOf('vertical', name),
        ...(decision === undefined ? {} : { decision }),
        ...(metricsSource === undefined ? {} : { metricsSource }),
        ...(before?.runtime !== undefined && isPending('runtime', name) ? { runtime: before.runtime } : {}),
        ...statusOf('runtime', name),
      };
    }),
    ...(rules.length === 0 ? {} : { optimizer: { rules: [...rules] } }),
    ...(balancer?.['desiredHash'] === undefined
      ? {}
      : { loadBalancer: steadyLoadBalancer(previous.loadBalancer, balancer, now.getTime()) }),
    ...(redis.length === 0 ? {} : { redis: redis.map(({ name }) => ({ name, ...statusOf('redis', name) })) }),
    ...(postgres.length === 0
      ? {}
      : {
          postgres: postgres.map(({ name }) => ({
            name,
            ...statusOf('postgresql', name),
            ...statusOf('postgresql-indexes', name),
            ...slowOf(name),
            ...connectionsOf(name),
          })),
        }),
  };
}

function policyStatus(
  { policyGeneration, policyHash }: Extract<Visit, { kind: 'reconciled' }>,
  { service }: Resolved,
): NonNullable<GenerationServiceStatus['policy']> {
  const name = service.spec.policyRef?.name;
  return {
    ...(name === undefined ? {} : { name }),
    ...(policyGeneration === undefined ? {} : { observedGeneration: policyGeneration }),
    hash: policyHash,
  };
}

/** Reasons with which nothing goes on before a person has acted. */
const stalling: ReadonlySet<string> = new Set([
  'InvalidEffectivePolicy',
  'Conflict',
  'PermissionDenied',
  'NoScaleSubresource',
  'AuthenticationFailed',
  'ConfigRejected',
  'SecretInvalid',
  'OutOfBounds',
  'NothingToEvict',
  'LoweringStopped',
  'BigKey',
  'SeveralServers',
  'SetOnCommandLine',
  'AlterSystemOff',
  'PoolerInBetween',
  'IndexDiffers',
  'TargetUnreachable',
  'UpdateModeUnsupported',
  'ResizeRefused',
  'ResizeUnavailable',
]);
/** The rest is about what is declared, which may be rejected. */
const isOfPlan = (type: string): boolean => !isSummary(type) && type !== 'PolicyAccepted' && type !== 'TargetFound';
const isSummary = (type: string): boolean => ['Ready', 'Reconciling', 'Stalled'].includes(type);
/** What keeps a service from being Ready; the rest is told, and is no fault of its settings. */
const isPartOfReady = (type: string): boolean =>
  type === 'PolicyAccepted' || type === 'TargetFound' || type.endsWith('Applied');

/** With which the scaler moves nothing before a person has acted. */
const unmoved: ReadonlySet<string> = new Set<AnyReason>(['Off', 'Conflict', 'PermissionDenied', 'Failed']);

/** What has been done and is not yet seen everywhere. */
const underWay: ReadonlySet<string> = new Set<AnyReason>(['Pending', 'PodsBehind', 'IndexBuilding', 'Lowering']);

type Judged = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Ready for people and pipelines, Reconciling and Stalled for kstatus. */
function summary(conditions: readonly Judged[], visit: Visit): readonly Finding[] {
  const failing = conditions.find(({ type, status }) => isPartOfReady(type) && status === 'False');
  if (failing === undefined) return [ready(visit, conditions), ...reconciling(conditions, visit)];
  const { reason, message } = failing;
  const notReady = { type: 'Ready', status: 'False', reason, message: `${failing.type}: ${message}` } as Finding;
  return stalling.has(reason)
    ? [notReady, { type: 'Stalled', status: 'True', reason, message } as Finding]
    : [notReady, ...reconciling(conditions, visit)];
}

function reconciling(conditions: readonly Judged[], visit: Visit): readonly Finding[] {
  if (visit.kind === 'reconciled' && visit.resolution.resolved.mode !== 'Enforce') return [];
  const moving = conditions.find(
    ({ type, status, reason }) => isPartOfReady(type) && status !== 'True' && underWay.has(reason),
  );
  if (moving === undefined) return [];
  const { type, reason, message } = moving;
  return [{ type: 'Reconciling', status: 'True', reason, message: `${type}: ${message}` } as Finding];
}

function ready(visit: Visit, conditions: readonly Pick<Condition, 'type' | 'status' | 'reason'>[]): Finding {
  const mode = visit.kind === 'reconciled' ? visit.resolution.resolved.mode : 'Enforce';
  const and = notActedOn(visit);
  if (mode === 'Paused')
    return {
      type: 'Ready',
      status: 'True',
      reason: 'Paused',
      message: `Paused: observed only, nothing is changed or reverted.${and}`,
    };
  if (mode === 'DryRun')
    return {
      type: 'Ready',
      status: 'True',
      reason: 'DryRun',
      message: `DryRun: the conditions say what would be changed.${and}`,
    };
  const short = conditions.filter(
    ({ type, status, reason }) =>
      (type.endsWith('Applied') && reason !== 'Applied') ||
      (type === 'ScalerActive' && status === 'False' && unmoved.has(reason)),
  );
  const but =
    short.length === 0
      ? ''
      : ` but for ${short.map(({ type, reason }) => `${type} (${reason})`).join(', ')}: see there`;
  return {
    type: 'Ready',
    status: 'True',
    reason: 'Reconciled',
    message: `Everything that is declared is in force${but}.${and}`,
  };
}

/** What somebody said and nothing comes of. */
function notActedOn(visit: Visit): string {
  if (visit.kind === 'problem') return '';
  const { resolved } = visit.resolution;
  const ignored = ignoredFields(resolved);
  const unknown = unknownAdoption(resolved.service);
  return [
    ...(ignored.length === 0 ? [] : [` This version of genops does not act on ${ignored.join(', ')} yet.`]),
    ...(unknown === undefined ? [] : [` ${unknown}`]),
  ].join('');
}
