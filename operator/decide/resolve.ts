import { annotations } from '../api/annotations.ts';
import type { Finding } from '../api/conditions.ts';
import type { GenerationService, GenerationServiceSpec } from '../api/generation-service.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import { problemText } from '../api/field-problem.ts';
import { problemMessage } from '../api/problem.ts';
import { effectivePolicy, type EffectivePolicy, type FieldProblem, type Origin } from './effective-policy.ts';

export type ComponentSpec = GenerationServiceSpec['components'][number];

/** A service with everything that its reconcile needs to know, and no client type in it. */
export interface Resolved {
  readonly service: GenerationService;
  /** The ceiling of every lever's own mode; the annotation genops.dev/paused has been read into it. */
  readonly mode: GenerationServiceSpec['mode'];
  readonly policy: EffectivePolicy;
  /** Where each value of `policy` came from, by field path. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Sections of `policy` that somebody said something of. */
  readonly declared: ReadonlySet<string>;
  /** Of the service and of each component, whether its target is there or not. */
  readonly policies: readonly EffectivePolicy[];
  /** Those whose target was found. The others are left as they are, and TargetFound tells of them. */
  readonly components: readonly ResolvedComponent[];
  /** Components of which an older service has the target. */
  readonly claimed: readonly string[];
  /** Most connections of each Pod's pool. Absent: no budget bounds any pool. */
  readonly poolBounds?: Bounded<number>;
  /** Absent: no budget bounds any replicas. */
  readonly replicaBounds?: Bounded<ReplicaBound>;
}

/** What budgets leave, by component, where that is less than declared. */
export interface Bounded<Bound> {
  /** The least of what is known: it counts at any time. */
  readonly atMost: ReadonlyMap<string, Bound>;
  /** Every budget is known. Else one may leave less: nothing is raised above what is in force. */
  readonly isWhole: boolean;
}

export interface ReplicaBound {
  readonly max: number;
  /** `postgres/main max_connections`, `quota/compute requests.cpu` */
  readonly by: string;
}

/** How Pods metrics reach an HPA: it reads them from our metrics API, or we fold them into its floor. */
export type PodsMetricsWay = 'MetricsAPI' | 'Shadow';

export interface ResolvedComponent {
  readonly spec: ComponentSpec;
  /** The service's effective policy with the component's own overrides on top. */
  readonly policy: EffectivePolicy;
  readonly target: ScaleTarget;
  readonly podsMetrics: PodsMetricsWay;
  /** Whether a VerticalPodAutoscaler sizes it, as far as we know, or cannot yet; absent where the cluster has none, or none is declared to size anything. */
  readonly vpa?: 'Sizes' | 'HeldUp' | undefined;
}

/** One term of a label selector; all of a selector's have to hold. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/** What a target's scale subresource says. */
export interface ScaleTarget {
  readonly kind: 'found';
  /** spec.replicas */
  readonly replicas: number;
  /** A roll-out starts new Pods while old ones still end; absent: not known for this kind. */
  readonly hasOverlap?: boolean;
  /** Pods of an old template are being replaced; absent: not known for this kind. */
  readonly isRollingOut?: boolean;
  /** Of a roll-out whose controller tells of no standstill, what is another after each Pod that is replaced. */
  readonly rollOutStep?: string | undefined;
  /** Of its Pod template, the container that people mean first; absent: not known for this kind. */
  readonly containers?: readonly ContainerSizes[];
  /** Of the target's Pods. */
  readonly selector: readonly LabelRequirement[];
}

/** What a container of a Pod template is sized to. */
export interface ContainerSizes {
  readonly name: string;
  readonly requests: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, string>>;
}

export type TargetSeen =
  | ScaleTarget
  | { readonly kind: 'notFound' }
  /** The API server serves no such kind in that group and version. */
  | { readonly kind: 'unknownKind' }
  | { readonly kind: 'noScale' }
  | { readonly kind: 'forbidden'; readonly message: string }
  /** An older service has it: `namespace/name`. */
  | { readonly kind: 'claimed'; readonly by: string };

export interface ResolveInput {
  readonly service: GenerationService;
  /** Undefined: spec.policyRef names none, or the one it names does not exist. */
  readonly policy: PerformancePolicy | undefined;
  /** By component name. */
  readonly targets: ReadonlyMap<string, TargetSeen>;
  /** What the installation allows; a policy may still ask for Shadow. */
  readonly podsMetrics: PodsMetricsWay;
  /** How layers are put together: for callers that remember what came out. */
  readonly effective?: typeof effectivePolicy;
}

export type Resolution =
  /** Also where a target was not found: that holds up no other. */
  | { readonly kind: 'resolved'; readonly resolved: Resolved; readonly conditions: readonly ResolveCondition[] }
  /** Something a person has to put right. Nothing is changed meanwhile: what was in force stays. */
  | { readonly kind: 'problem'; readonly conditions: readonly ResolveCondition[] };

export type ResolveCondition = Finding<'PolicyAccepted' | 'TargetFound'>;

export function resolve(input: ResolveInput): Resolution {
  const { service, policy, targets, podsMetrics } = input;
  const effective = effectivePolicies(input);
  const accepted = policyAccepted(service, policy, effective.problems);
  const conditions = [accepted, targetFound(service, targets)];
  if (accepted.status !== 'True') return { kind: 'problem', conditions };
  const components = effective.components.flatMap(({ spec, policy: own }) =>
    withTarget(spec, own, { targets, podsMetrics }),
  );
  const { policy: whole, origins, declared } = effective;
  const policies = [whole, ...effective.components.map(({ policy: own }) => own)];
  const resolved = {
    service,
    mode: modeOf(service),
    policy: whole,
    origins,
    declared,
    policies,
    components,
    claimed: claimedOf(targets),
  };
  return { kind: 'resolved', resolved, conditions };
}

/** The service as it would be with no policy at all and with the targets that are there. */
export function resolveDefaults({ service, targets, podsMetrics }: Omit<ResolveInput, 'policy'>): Resolved {
  const { policy, origins, declared } = effectivePolicy({});
  const components = service.spec.components.flatMap((spec) => withTarget(spec, policy, { targets, podsMetrics }));
  const claimed = claimedOf(targets);
  return { service, mode: 'Enforce', policy, origins, declared, policies: [policy], components, claimed };
}

const claimedOf = (targets: ResolveInput['targets']): readonly string[] =>
  [...targets].flatMap(([component, { kind }]) => (kind === 'claimed' ? [component] : []));

function withTarget(
  spec: ComponentSpec,
  policy: EffectivePolicy,
  { targets, podsMetrics }: Pick<ResolveInput, 'targets' | 'podsMetrics'>,
): readonly ResolvedComponent[] {
  const target = targets.get(spec.name);
  if (target?.kind !== 'found') return [];
  return [{ spec, policy, target, podsMetrics: policy.horizontal.podsMetrics === 'Shadow' ? 'Shadow' : podsMetrics }];
}

/** The annotation is for people whose spec comes from Git: it wins. Who stops in a hurry and writes `True` or `1` means it too. */
export const modeOf = ({ metadata, spec }: GenerationService): GenerationServiceSpec['mode'] =>
  (metadata.annotations?.[annotations.paused] ?? 'false') === 'false' ? spec.mode : 'Paused';

/** Of a service and of each of its components. */
export function effectivePolicies({
  service: { spec },
  policy,
  effective = effectivePolicy,
}: Pick<ResolveInput, 'service' | 'policy' | 'effective'>) {
  const layers = {
    ...(policy === undefined ? {} : { policy: { name: policy.metadata.name, spec: policy.spec } }),
    ...(spec.overrides === undefined ? {} : { overrides: spec.overrides }),
  };
  const whole = effective(layers);
  const components = spec.components.map((component) => {
    const { name, overrides } = component;
    return {
      spec: component,
      ...(overrides === undefined ? whole : effective({ ...layers, component: { name, overrides } })),
    };
  });
  return { ...whole, components, problems: [...new Set([whole, ...components].flatMap(({ problems }) => problems))] };
}

function policyAccepted(
  service: GenerationService,
  policy: PerformancePolicy | undefined,
  problems: readonly FieldProblem[],
): ResolveCondition {
  const type = 'PolicyAccepted';
  const named = service.spec.policyRef?.name;
  if (named !== undefined && policy === undefined) {
    const message = problemMessage({
      saw: `no PerformancePolicy ${service.metadata.namespace}/${named}`,
      wanted: 'the one that spec.policyRef.name names',
      next: `create it, or correct spec.policyRef.name (kubectl get perf -n ${service.metadata.namespace} lists them)`,
    });
    return { type, status: 'False', reason: 'PolicyNotFound', message };
  }
  if (problems.length > 0) {
    const message = `${problems.map(problemText).join(' | ')}; next: change one of them`;
    return { type, status: 'False', reason: 'InvalidEffectivePolicy', message };
  }
  return {
    type,
    status: 'True',
    reason: 'Valid',
    message:
      named === undefined ? 'The defaults and overrides are valid.' : `Policy ${named} and the overrides are valid.`,
  };
}

/** A name may have 253 characters, and a message has to be read. */
const cut = (name: string): string => (name.length > 63 ? `${name.slice(0, 62)}…` : name);

function targetFound(
  { metadata: { namespace }, spec }: GenerationService,
  targets: ReadonlyMap<string, TargetSeen>,
): ResolveCondition {
  const type = 'TargetFound';
  for (const { name, targetRef } of spec.components) {
    const target = cut(targetRef.name);
    const object = `${targetRef.kind} ${namespace}/${target}`;
    const seen = targets.get(name) ?? { kind: 'notFound' };
    const field = `spec.components[${name}].targetRef`;
    switch (seen.kind) {
      case 'found':
        continue;
      case 'notFound':
        return {
          type,
          status: 'False',
          reason: 'NotFound',
          message: problemMessage({
            saw: `no ${targetRef.apiVersion} ${object}`,
            wanted: `the object that ${field} names`,
            next: 'create it, or correct the reference',
          }),
        };
      case 'unknownKind':
        return {
          type,
          status: 'False',
          reason: 'NotFound',
          message: problemMessage({
            saw: `no kind ${targetRef.kind} of ${targetRef.apiVersion} among those that the API server serves`,
            wanted: `one that it serves for ${target} in ${field}, for example apps/v1 Deployment`,
            next: 'correct apiVersion and kind, or install the CustomResourceDefinition',
          }),
        };
      case 'noScale':
        return {
          type,
          status: 'False',
          reason: 'NoScaleSubresource',
          message: problemMessage({
            saw: `${object} without a scale subresource`,
            wanted: `a kind that can be scaled in ${field}`,
            next: 'aim at a Deployment or StatefulSet',
          }),
        };
      case 'claimed':
        return {
          type,
          status: 'False',
          reason: 'Conflict',
          message: problemMessage({
            saw: `${object} claimed by the older GenerationService ${seen.by}`,
            wanted: 'one service for each target',
            next: `remove it from ${seen.by} or from ${field}`,
          }),
        };
      case 'forbidden':
        return {
          type,
          status: 'False',
          reason: 'PermissionDenied',
          message: problemMessage({
            saw: seen.message,
            wanted: `to read the scale of ${object}`,
            next: 'grant get on its scale subresource to the operator',
          }),
        };
    }
  }
  return {
    type,
    status: 'True',
    reason: 'Found',
    message:
      spec.components.length === 1
        ? 'The target can be scaled.'
        : `All ${spec.components.length} targets can be scaled.`,
  };
}
