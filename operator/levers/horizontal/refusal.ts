import { fieldConflict } from '../field-conflict.ts';
import type { Difference, PlannedCondition } from '../lever.ts';
import { horizontalPodAutoscalers, type HpaView } from './hpa.ts';

/** What the API server answers to one of our field managers while others have one of these fields. */
export function refusalOf(
  { namespace, name, held: others = [] }: Pick<HpaView, 'namespace' | 'name' | 'held'>,
  differing: readonly Difference[],
  manager: string,
): PlannedCondition | undefined {
  const held = others.filter(({ field }) => differing.some((one) => isWithin(`.${one.field}`, field)));
  if (held.length === 0) return undefined;
  const { kind } = horizontalPodAutoscalers;
  const { message } = fieldConflict({ kind, key: `${namespace}/${name}`, held, manager });
  return { status: 'False', reason: 'Conflict', message };
}

const isWithin = (path: string, field: string): boolean =>
  path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);
