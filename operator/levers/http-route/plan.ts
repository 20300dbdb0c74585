import { problemMessage } from '../../api/problem.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { LabelRequirement } from '../../decide/resolve.ts';
import type { Kube } from '../../kube/client.ts';
import type { LeverChange, LeverPlan, LeverUnit, PlanInput, PlannedCondition, UnitMemory } from '../lever.ts';
import type { BackendRef } from './route.ts';
import { hasChoice, weightsOf, type Capacities, type Weighed } from './weights.ts';

/** The HTTPRoute in front of a service. */
export interface HttpRouteUnit extends LeverUnit {
  readonly namespace: string;
  readonly routeName: string;
  /** Components that have a Service. */
  readonly backends: readonly { readonly service: string; readonly selector: readonly LabelRequirement[] }[];
  readonly weights: Pick<EffectivePolicy['loadBalancer']['weights'], 'mode' | 'deadBandPercent'>;
}

export type HttpRouteObserved =
  /** The API server has no such kind. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'seen';
      readonly uid: string;
      /** backendRefs of each rule. */
      readonly rules: readonly (readonly BackendRef[])[];
      readonly capacities: Capacities;
    };

type Operations = Parameters<Kube['patch']>[2];

export interface HttpRouteChange extends LeverChange {
  readonly operations: Operations;
}

type Input = PlanInput<HttpRouteUnit, HttpRouteObserved>;
type Plan = LeverPlan<HttpRouteChange>;

/** Nobody tells of a route that changes. */
const againMs = 15_000;

/** The weights of a route's backends that are components: by what their Ready Pods can take. */
export function plan({ unit, observed, memory }: Input): Plan {
  const stay = (condition: PlannedCondition): Plan => ({ changes: [], condition, status: {}, againMs });
  if (observed.kind !== 'seen') return stay(unusable(unit, observed.kind));
  const { rules, capacities, uid } = observed;
  const { namespace, weights } = unit;
  const moves = rules.flatMap((refs, rule) =>
    weightsOf({ refs, namespace, capacities, deadBandPercent: weights.deadBandPercent }).map((one) => ({
      rule,
      ...one,
    })),
  );
  if (moves.length === 0)
    return stay(rules.some((refs) => hasChoice({ refs, namespace, capacities })) ? nobody(unit) : withoutChoice(unit));
  const due = moves.filter(({ from, to }) => from !== to);
  if (due.length === 0) return stay(applied(unit));
  return { ...stay(applied(unit)), changes: [changeOf(moves, due, uid, memory)] };
}

/** Weights as they were before our first change, where nobody has set others since. */
export function restore({ observed, memory }: Input): Plan {
  const message = 'The weights of the HTTPRoute are as they were before.';
  const plain: Plan = { changes: [], condition: { status: 'True', reason: 'Applied', message }, status: {} };
  if (observed.kind !== 'seen') return plain;
  const { rules, uid } = observed;
  const moves = rules.flatMap((refs, rule) =>
    refs.flatMap(({ name, weight = 1 }, index) => {
      const key = keyOf({ rule, index, service: name });
      const original = Number(memory?.originals?.[key] ?? weight);
      const isOurs = memory?.applied?.[key] === String(weight);
      return isOurs && original !== weight ? [{ rule, index, service: name, from: weight, to: original }] : [];
    }),
  );
  if (moves.length === 0) return plain;
  const { remember: _, ...change } = changeOf(moves, moves, uid, memory);
  return { ...plain, changes: [change] };
}

type Move = Weighed & { readonly rule: number };
type Place = Pick<Move, 'rule' | 'index' | 'service'>;

const keyOf = ({ rule, index, service }: Place): string => `rules[${rule}].backendRefs[${index}].weight (${service})`;

function changeOf(
  moves: readonly Move[],
  due: readonly Move[],
  uid: string,
  memory: UnitMemory | undefined,
): HttpRouteChange {
  const entries = (value: (move: Move) => number): Readonly<Record<string, string>> =>
    Object.fromEntries(moves.map((move) => [keyOf(move), String(value(move))]));
  const isKnown =
    memory?.unconfirmed === undefined && moves.every((move) => memory?.applied?.[keyOf(move)] === String(move.to));
  return {
    cause: isKnown ? 'Drift' : 'Declared',
    differences: due.map((move) => ({ field: keyOf(move), from: String(move.from), to: String(move.to) })),
    operations: [{ op: 'test', path: '/metadata/uid', value: uid }, ...due.flatMap(operationsOf)],
    remember: {
      originals: { ...entries(({ from }) => from), ...memory?.originals },
      applied: { ...memory?.applied, ...entries(({ to }) => to) },
    },
  };
}

/** Only where the same Service still stands there. */
function operationsOf({ rule, index, service, to }: Move): Operations {
  const path = `/spec/rules/${rule}/backendRefs/${index}`;
  return [
    { op: 'test', path: `${path}/name`, value: service },
    { op: 'add', path: `${path}/weight`, value: to },
  ];
}

const routeOf = ({ namespace, routeName }: HttpRouteUnit): string => `HTTPRoute ${namespace}/${routeName}`;

function applied(unit: HttpRouteUnit): PlannedCondition {
  const by =
    unit.weights.mode === 'Static'
      ? 'the labels genops.dev/weight of their Ready Pods'
      : 'the number of their Ready Pods';
  return { status: 'True', reason: 'Applied', message: `${routeOf(unit)} has weights of its components by ${by}.` };
}

const nobody = (unit: HttpRouteUnit): PlannedCondition => ({
  status: 'True',
  reason: 'Applied',
  message: `The weights of ${routeOf(unit)} stay as they are while no Pod of a component is Ready.`,
});

function withoutChoice(unit: HttpRouteUnit): PlannedCondition {
  const services = unit.backends.map(({ service }) => service).join(', ');
  const message = problemMessage({
    saw: `no rule of ${routeOf(unit)} with two backendRefs of ${services === '' ? 'components with a serviceRef' : services}`,
    wanted: 'two to choose from',
    next: 'add them to the route, or set components[].serviceRef',
  });
  return { status: 'False', reason: 'RouteUnusable', message };
}

function unusable(unit: HttpRouteUnit, kind: 'absent' | 'missing'): PlannedCondition {
  const message =
    kind === 'absent'
      ? problemMessage({
          saw: 'an API server without gateway.networking.k8s.io/v1',
          wanted: routeOf(unit),
          next: 'install the Gateway API, or use type: Nginx',
        })
      : problemMessage({
          saw: `no ${routeOf(unit)}`,
          wanted: 'the route that loadBalancer.httpRoute names',
          next: 'create it, or correct the name',
        });
  return { status: 'False', reason: 'RouteUnusable', message };
}
