import type { HpaView } from './hpa.ts';
import type { HorizontalChange, HorizontalUnit } from './plan.ts';

const field = 'spec.behavior.scaleDown.selectPolicy';

/** Lets an HPA that we held take Pods away again, where nothing else is changed in it: who pauses us, or switches us off, is not left with one that never does. A hold that somebody else has set since is theirs. */
export function liftHold(
  { owner, policy }: Pick<HorizontalUnit, 'owner' | 'policy'>,
  hpa: HpaView | undefined,
): readonly HorizontalChange[] {
  const behavior = hpa?.spec.behavior as { readonly scaleDown?: { readonly selectPolicy?: string } } | undefined;
  const scaleDown = behavior?.scaleDown;
  const to = policy.behavior.scaleDown.selectPolicy ?? 'Max';
  const isTheirs = hpa?.held?.some((one) => one.field === `.${field}`) === true;
  if (hpa === undefined || scaleDown?.selectPolicy !== 'Disabled' || to === 'Disabled' || isTheirs) return [];
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
