import type { Condition } from '../api/conditions.ts';

/** Who else holds the autoscaler of this component. A condition on several has the words of each behind its name. */
export function conflictOn(
  name: string,
  { conditions, isOne }: { readonly conditions: readonly Condition[]; readonly isOne: boolean },
): string | undefined {
  const seen = conditions.find(({ type, reason }) => type === 'HorizontalApplied' && reason === 'Conflict');
  const own = seen?.message.split(' | ').find((text) => text.startsWith(`${name}: `));
  const message = own?.slice(`${name}: `.length) ?? (isOne ? seen?.message : undefined);
  return message?.split('; wanted')[0]; // the condition is on the same page
}
