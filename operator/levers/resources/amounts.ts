import { quantity } from '../../api/quantity.ts';
import type { EffectivePolicy } from '../../decide/effective-policy.ts';
import type { Sized } from '../../decide/steering.ts';
import type { ContainerView } from '../../metrics/pod-view.ts';

/** One figure of a container: what it is called, what it is to be. */
export interface Amount {
  readonly list: 'requests' | 'limits';
  readonly resource: Sized;
  /** As it is sent. */
  readonly text: string;
}

/** All that a policy declares, but for what a VPA sizes. */
export function declaredAmounts(
  { requests, limits }: Pick<EffectivePolicy['resources'], 'requests' | 'limits'>,
  sized: readonly Sized[],
): readonly Amount[] {
  const lists = { requests, limits };
  return (['requests', 'limits'] as const).flatMap((list) =>
    (['cpu', 'memory'] as const)
      .filter((resource) => !sized.includes(resource))
      .map((resource) => ({ list, resource, text: String(lists[list][resource]) })),
  );
}

/** Those that a container has otherwise, with what it has. */
export const differingIn = (
  container: ContainerView,
  wanted: readonly Amount[],
): readonly (Amount & { readonly from: string | undefined })[] =>
  wanted
    .map((amount) => ({ ...amount, there: figureOf(container, amount) }))
    .filter(({ there, text }) => there === undefined || Math.abs(there - quantity(text)) > 1e-6)
    .map(({ there, ...amount }) => ({
      ...amount,
      from: there === undefined ? undefined : textOf(there, amount.resource),
    }));

const figures = {
  requests: { cpu: 'cpuRequest', memory: 'memoryRequest' },
  limits: { cpu: 'cpuLimit', memory: 'memoryLimit' },
} as const;

const figureOf = (container: ContainerView, { list, resource }: Amount): number | undefined =>
  container[figures[list][resource]];

/** Cores and bytes as people write them. */
export function textOf(figure: number, resource: Sized): string {
  if (resource === 'cpu') return `${Math.round(figure * 1000)}m`;
  const mebibytes = figure / 2 ** 20;
  return Number.isInteger(mebibytes) ? `${mebibytes}Mi` : String(figure);
}

/** `requests cpu 500m, memory 1Gi; limits cpu 1000m, memory 2Gi` */
export const amountsText = (amounts: readonly Amount[]): string =>
  (['requests', 'limits'] as const)
    .map((list) => ({ list, own: amounts.filter((amount) => amount.list === list) }))
    .filter(({ own }) => own.length > 0)
    .map(({ list, own }) => `${list} ${own.map(({ resource, text }) => `${resource} ${text}`).join(', ')}`)
    .join('; ');
