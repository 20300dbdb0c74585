import type { BackendRef } from './route.ts';

/** What the Ready Pods behind each Service can take together, by its name, in one unit. */
export type Capacities = ReadonlyMap<string, number>;

export interface Weighed {
  /** Of the rule. */
  readonly index: number;
  readonly service: string;
  readonly from: number;
  readonly to: number;
}

interface WeightsInput {
  readonly refs: readonly BackendRef[];
  /** Of the route, where Services are meant that name no namespace. */
  readonly namespace: string;
  readonly capacities: Capacities;
  /** Weights that are off by no more than this many percent stay. */
  readonly deadBandPercent: number;
}

/**
 * The weight of each backend of one rule that is one of ours, by its capacity; empty where there is nothing to choose, or nobody is Ready.
 *
 * What others have in the rule keeps its share: ours share what ours had. Alone they share a hundred.
 */
export function weightsOf({ refs, namespace, capacities, deadBandPercent }: WeightsInput): readonly Weighed[] {
  const ours = refs.flatMap((ref, index) => (isOurs(ref, namespace, capacities) ? [{ ref, index }] : []));
  const total = ours.reduce((sum, { ref }) => sum + (capacities.get(ref.name) ?? 0), 0);
  if (ours.length < 2 || total === 0) return [];
  const had = ours.reduce((sum, { ref }) => sum + weightOf(ref), 0);
  const whole = ours.length === refs.length || had === 0 ? 100 : had;
  const shares = apportioned(
    ours.map(({ ref }) => (capacities.get(ref.name) ?? 0) / total),
    whole,
  );
  const weighed = ours.map(({ ref, index }, position) => ({
    index,
    service: ref.name,
    from: weightOf(ref),
    to: shares[position] ?? 0,
  }));
  const isOff = ({ from, to }: Weighed): boolean => {
    const now = (from / Math.max(had, 1)) * whole;
    return (now === 0) !== (to === 0) || Math.abs(now - to) > Math.max((now * deadBandPercent) / 100, 1);
  };
  return weighed.some(isOff) ? weighed : weighed.map((one) => ({ ...one, to: one.from }));
}

/** Whether a rule has two of ours, Ready or not. */
export const hasChoice = ({ refs, namespace, capacities }: Omit<WeightsInput, 'deadBandPercent'>): boolean =>
  refs.filter((ref) => isOurs(ref, namespace, capacities)).length > 1;

const weightOf = ({ weight = 1 }: BackendRef): number => weight;

const isOurs = ({ group = '', kind = 'Service', name, namespace }: BackendRef, own: string, capacities: Capacities) =>
  group === '' && kind === 'Service' && (namespace ?? own) === own && capacities.has(name);

/** Whole numbers that add up to `whole`, as near to the shares as they can be; who has a share at all gets at least one. */
function apportioned(shares: readonly number[], whole: number): readonly number[] {
  const floors = shares.map((share) => (share === 0 ? 0 : Math.max(Math.floor(share * whole), 1)));
  const order = shares
    .map((share, index) => ({ index, rest: share * whole - (floors[index] ?? 0) }))
    .toSorted((a, b) => b.rest - a.rest);
  let left = whole - floors.reduce((sum, one) => sum + one, 0);
  const result = [...floors];
  for (const { index } of order) {
    if (left <= 0 || shares[index] === 0) continue;
    result[index] = (result[index] ?? 0) + 1;
    left -= 1;
  }
  return result;
}
