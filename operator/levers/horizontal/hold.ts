import type { LeverPlan, PlanInput } from '../lever.ts';
import type { HpaView } from './hpa.ts';
import type { HorizontalChange, HorizontalObserved, HorizontalUnit } from './plan.ts';

const field = 'spec.behavior.scaleDown.selectPolicy';

interface Behavior {
  readonly scaleDown?: { readonly selectPolicy?: string };
}

/** Lets an HPA that we held take Pods away again, where nothing else is changed in it: who pauses us, or switches us off, is not left with one that never does. A hold that somebody else has set since is theirs. */
export function liftHold(
  { owner, policy }: Pick<HorizontalUnit, 'owner' | 'policy'>,
  hpa: HpaView | undefined,
): readonly HorizontalChange[] {
  const behavior = hpa?.spec.behavior as Behavior | undefined;
  const scaleDown = behavior?.scaleDown;
  const to = policy.behavior.scaleDown.selectPolicy ?? 'Max';
  const isTheirHold = hpa?.held?.some((one) => one.field === `.${field}`) === true;
  if (hpa === undefined || scaleDown?.selectPolicy !== 'Disabled' || to === 'Disabled' || isTheirHold) return [];
  const spec = { ...hpa.spec, behavior: { ...behavior, scaleDown: { ...scaleDown, selectPolicy: to } } };
  return [
    {
      kind: 'apply',
      cause: 'Declared',
      isWithdrawal: true,
      name: hpa.name,
      spec,
      owner: hpa.controller === undefined ? undefined : owner,
      force: false,
      differences: [{ field, from: 'Disabled', to }],
    },
  ];
}

/** One that somebody else made stays when we go. */
const isTheirs = ({ controller }: HpaView): boolean => controller === undefined;

/** Whether an HPA that was taken over is held, or is once these changes are made. */
export const holdsTheirs = (
  unit: HorizontalUnit,
  own: HpaView | undefined,
  changes: readonly HorizontalChange[],
): boolean =>
  (own !== undefined && isTheirs(own) && liftHold(unit, own).length > 0) || changes.some((one) => begins(one, unit));

function begins(change: HorizontalChange, { policy }: HorizontalUnit): boolean {
  if (change.kind !== 'apply' || change.owner !== undefined) return false;
  const behavior = change.spec.behavior as Behavior | undefined;
  return behavior?.scaleDown?.selectPolicy === 'Disabled' && policy.behavior.scaleDown.selectPolicy !== 'Disabled';
}

/** What was taken over takes Pods away again, and is otherwise as it was last declared. */
export function release({
  unit,
  observed: { hpas },
  memory,
}: PlanInput<HorizontalUnit, HorizontalObserved>): LeverPlan<HorizontalChange> {
  const own = hpas.find((hpa) => isTheirs(hpa) && hpa.uid === memory?.originals?.['uid']);
  const message = 'The HorizontalPodAutoscaler takes Pods away again.';
  return { changes: liftHold(unit, own), condition: { status: 'True', reason: 'Applied', message }, status: {} };
}
