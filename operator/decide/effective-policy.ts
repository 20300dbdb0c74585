import type { Static, TArray, TObject, TOptional, TSchema } from 'typebox';
import type { FieldProblem } from '../api/field-problem.ts';
import { type ComponentOverrides, PolicySpec } from '../api/performance-policy.ts';
import type { TFilled } from '../api/schema.ts';
import { check } from './effective-policy-check.ts';
import { merge, type Origin } from './effective-policy-merge.ts';

export type { FieldProblem } from '../api/field-problem.ts';
export type { Origin } from './effective-policy-merge.ts';

/** The type of a schema after merging: fields with a figure of their own, and those that somebody has to give, are there. */
type Effective<T extends TSchema> = [T] extends [TObject<infer P>]
  ? {
      readonly [K in keyof P as P[K] extends TOptional ? (P[K] extends TFilled ? K : never) : K]: Effective<P[K]>;
    } & {
      readonly [K in keyof P as P[K] extends TOptional ? (P[K] extends TFilled ? never : K) : never]?: Effective<P[K]>;
    }
  : [T] extends [TArray<infer Item extends TSchema>]
    ? readonly Effective<Item>[]
    : Static<T>;

/** PolicySpec with the figures filled in; values keep the strings of the API. */
export type EffectivePolicy = Effective<typeof PolicySpec>;

export interface PolicyLayers {
  readonly policy?: { readonly name: string; readonly spec: PolicySpec | undefined };
  /** `spec.overrides` of the service. */
  readonly overrides?: PolicySpec;
  readonly component?: { readonly name: string; readonly overrides: ComponentOverrides | undefined };
}

export interface EffectiveResult {
  /** Only to be used when there are no problems. Entries of lists whose mode is Off are left out. */
  readonly policy: EffectivePolicy;
  /** By path, for every value: `horizontal.minReplicas`, `redis.parameters.save`, `scaler.scaleUp.signals[cpu].score`. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Sections that a policy or an override says something of: `horizontal`, `redis`. */
  readonly declared: ReadonlySet<string>;
  readonly problems: readonly FieldProblem[];
}

/**
 * Defaults ◄ policy ◄ overrides of the service ◄ overrides of the component.
 *
 * Structs are merged field by field, lists with names by name, maps by key; every other list is replaced whole.
 * Each layer has been accepted by itself; what only shows when they are put together is in `problems`.
 */
export function effectivePolicy({ policy, overrides, component }: PolicyLayers): EffectiveResult {
  const layers = [
    { origin: `policy ${policy?.name ?? ''}`, value: policy?.spec },
    { origin: 'GenerationService overrides', value: overrides },
    { origin: `component ${component?.name ?? ''}`, value: component?.overrides },
  ] as const;
  const merged = merge(PolicySpec, layers);
  return {
    policy: withSafetyNet(merged.value as EffectivePolicy, merged.origins),
    origins: merged.origins,
    declared: declaredIn(merged.origins),
    problems: check(PolicySpec, merged),
  };
}

/** Percent of the CPU request: of an HPA that only catches what Lookahead has missed. At its own 70 it would add to what Lookahead staffs for; above 91 it would never scale up. */
const safetyNetPercent = 85;

/** Under Lookahead the CPU target of the default metrics is that of a safety net; metrics that somebody gave are as they are. */
function withSafetyNet(policy: EffectivePolicy, origins: ReadonlyMap<string, Origin>): EffectivePolicy {
  const { horizontal, scaler } = policy;
  const isDefault = origins.get('horizontal.metrics') === 'default';
  if (!isDefault || scaler.algorithm !== 'Lookahead' || scaler.mode !== 'Enforce') return policy;
  const metrics = horizontal.metrics.map((metric) =>
    metric.resource?.name === 'cpu'
      ? {
          ...metric,
          resource: {
            ...metric.resource,
            target: { ...metric.resource.target, averageUtilization: safetyNetPercent },
          },
        }
      : metric,
  );
  return { ...policy, horizontal: { ...horizontal, metrics } };
}

function declaredIn(origins: ReadonlyMap<string, Origin>): ReadonlySet<string> {
  const said = [...origins].filter(([, origin]) => origin !== 'default');
  return new Set(said.flatMap(([path]) => path.split(/[.[]/, 1)));
}
