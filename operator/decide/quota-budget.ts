import { problemMessage } from '../api/problem.ts';
import { leastOf } from './least-of.ts';
import { counted, type Counted, type PodAmounts } from './pod-amounts.ts';

/** Pods of one workload that may be there at once. Those that a roll-out adds are not counted: where there is no room for them it takes longer, and nothing else. */
export interface PodsAsked {
  readonly by: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly each: PodAmounts;
  /** How many there may be is ours to say. */
  readonly hasFewer: boolean;
}

/** A ResourceQuota: of what it bounds, how much there is. */
export interface Quota {
  readonly name: string;
  readonly hard: Readonly<Partial<Record<Counted, number>>>;
}

/** What one figure of a quota leaves. */
export interface QuotaBudget {
  readonly quota: string;
  readonly resource: Counted;
  /** Of everybody together, sized to their most. */
  readonly needed: number;
  readonly available: number;
  /** Why it does not fit, with the arithmetic and what would; undefined: it fits. */
  readonly problem?: string;
  /** What replicas of our components are lowered to, by component; empty where they fit. */
  readonly replicas: ReadonlyMap<string, number>;
}

/** Whether all Pods that may be in a namespace at once fit into its quotas: of each figure that our own Pods take of. */
export function judgeQuotas(
  quotas: readonly Quota[],
  own: readonly PodsAsked[],
  others: readonly PodsAsked[],
): readonly QuotaBudget[] {
  const judged = quotas.flatMap(({ name, hard }) =>
    counted.flatMap((resource) => {
      const available = hard[resource];
      if (available === undefined || own.every(({ each }) => each[resource].most === 0)) return [];
      return [judgeFigure({ quota: name, resource, available, own, others })];
    }),
  );
  const inForce = leastOf(judged.map(({ lowered }) => lowered));
  const ours = new Set(own.map(({ by }) => by));
  return judged.map(({ lowered, figure, ...rest }) => {
    const replicas = new Map([...lowered].filter(([by]) => ours.has(by)));
    const { needed, available } = rest;
    return { ...rest, replicas, ...(needed > available && { problem: problemOf(figure, needed, inForce) }) };
  });
}

type Replicas = ReadonlyMap<string, number>;

interface Figure extends Pick<QuotaBudget, 'quota' | 'resource' | 'available'> {
  readonly own: readonly PodsAsked[];
  readonly others: readonly PodsAsked[];
}

function judgeFigure(figure: Figure) {
  const { quota, resource, available, own, others } = figure;
  const needed = sum([...own, ...others].map(mostOf(resource)));
  const lowered = needed <= available ? new Map<string, number>() : fewerFor(figure);
  return { quota, resource, needed, available, lowered, figure };
}

const mostOf =
  (resource: Counted) =>
  ({ maxReplicas, each }: PodsAsked): number =>
    maxReplicas * each[resource].most;

/** By the same share of everybody whose replicas are ours to say, so that all come to it by themselves. Of what a VerticalPodAutoscaler sizes the least counts: more may be given to fewer Pods by itself. */
function fewerFor({ resource, available, own, others }: Figure): Replicas {
  const all = [...own, ...others];
  const least = ({ each }: PodsAsked): number => each[resource].least;
  const kept = sum(all.map((one) => least(one) * (one.hasFewer ? one.minReplicas : one.maxReplicas)));
  const above = sum(all.map((one) => (one.hasFewer ? least(one) * (one.maxReplicas - one.minReplicas) : 0)));
  const room = Math.max(available - kept, 0);
  if (room >= above) return new Map();
  return new Map(
    all
      .filter((one) => one.hasFewer && least(one) > 0 && one.minReplicas < one.maxReplicas)
      .map((one) => [one.by, one.minReplicas + Math.floor(((one.maxReplicas - one.minReplicas) * room) / above)]),
  );
}

/** @param inForce What all figures together have lowered, of other services too: they come to it by themselves. */
function problemOf(input: Figure, needed: number, inForce: Replicas): string {
  const { quota, resource, available, own, others } = input;
  const text = (figure: number): string => amountText(resource, figure);
  const isLowered = ({ by, each }: PodsAsked): boolean => inForce.has(by) && each[resource].most > 0;
  const list = own.filter(isLowered).map(({ by }) => `${inForce.get(by)} for ${by}`);
  const beside = others.some(isLowered) ? [`those of other services by the same share`] : [];
  const lowered = list.length === 0 ? '' : `horizontal.maxReplicas to ${[...list, ...beside].join(', ')}`;
  const isEnough = lowered !== '' && sum(withReplicas(input, inForce).map(mostOf(resource))) <= available;
  const but =
    lowered === '' || isEnough ? '' : `, of which budgets.onViolation has lowered ${lowered}, which is not enough`;
  const next = [
    ...(isEnough ? [`let it be so: budgets.onViolation has lowered ${lowered}`] : []),
    ...fewer(input),
    ...smaller(input, needed),
    `raise ${resource} of the quota to ${text(needed)}`,
  ];
  return problemMessage({
    saw: `${text(needed)} ${resource} that Pods may take of ResourceQuota ${quota} at once: ${terms([...own, ...others], resource)}${but}`,
    wanted: `at most ${text(available)}`,
    next: next.join(', or '),
  });
}

const withReplicas = ({ own, others }: Figure, replicas: Replicas): readonly PodsAsked[] =>
  [...own, ...others].map((one) => ({ ...one, maxReplicas: replicas.get(one.by) ?? one.maxReplicas }));

/** What would fit, where only this service has fewer. */
function fewer(input: Figure): readonly string[] {
  const asked = {
    ...input,
    own: input.own.map((one) => ({ ...one, hasFewer: true })),
    others: input.others.map((one) => ({ ...one, hasFewer: false })),
  };
  const replicas = fewerFor(asked);
  const fits = sum(withReplicas(input, replicas).map(mostOf(input.resource))) <= input.available;
  if (replicas.size === 0 || !fits) return [];
  return [
    [...replicas].map(([component, max]) => `declare horizontal.maxReplicas: ${max} for ${component}`).join(', '),
  ];
}

/** A VerticalPodAutoscaler that may give less. */
function smaller({ resource, available, own }: Figure, needed: number): readonly string[] {
  return own.flatMap(({ by, maxReplicas, each }) => {
    const less = Math.ceil((needed - available) / maxReplicas);
    const { least, most } = each[resource];
    if (most - least < less) return [];
    const [, sized = resource] = resource.split('.');
    return [`lower vertical.maxAllowed.${sized} by ${amountText(resource, less)} for ${by}`];
  });
}

/** A condition has room for a few names, and a namespace may have hundreds of workloads. */
const mostNamed = 8;

function terms(all: readonly PodsAsked[], resource: Counted): string {
  const asking = all
    .filter((one) => mostOf(resource)(one) > 0)
    .toSorted((a, b) => mostOf(resource)(b) - mostOf(resource)(a));
  const rest = asking.slice(mostNamed);
  const more = sum(rest.map(mostOf(resource)));
  return [
    ...asking.slice(0, mostNamed).map((one) => term(one, resource)),
    ...(rest.length === 0 ? [] : [`${amountText(resource, more)} of ${rest.length} more workloads`]),
  ].join(', ');
}

function term(one: PodsAsked, resource: Counted): string {
  const { least, most } = one.each[resource];
  const text = `${amountText(resource, mostOf(resource)(one))} of ${one.by}`;
  if (resource === 'pods') return text;
  const sized = least === most ? '' : ` (a VerticalPodAutoscaler may give from ${amountText(resource, least)} on)`;
  return `${text} (${one.maxReplicas} replicas, ${amountText(resource, most)} each${sized})`;
}

/** As people write them: `1500m`, `2`, `512Mi`. */
export function amountText(resource: Counted, figure: number): string {
  if (resource === 'pods') return String(figure);
  if (resource.endsWith('cpu')) return figure % 1000 === 0 ? String(figure / 1000) : `${figure}m`;
  return figure % 2 ** 20 === 0 ? `${figure / 2 ** 20}Mi` : String(figure);
}

const sum = (figures: readonly number[]): number => figures.reduce((total, figure) => total + figure, 0);
