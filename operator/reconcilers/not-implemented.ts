import type { NewCondition } from '../api/conditions.ts';
import type { ConditionType } from '../api/reasons.ts';
import type { Resolved } from '../decide/resolve.ts';

/** Parts of the API whose lever does not exist yet. A line goes with the lever that it waits for; the file goes with the last. */
const waiting = [
  { type: 'VerticalApplied', section: 'vertical' },
  { type: 'ResourcesApplied', section: 'resources' },
  { type: 'RuntimeApplied', section: 'runtime' },
  { type: 'LoadBalancerApplied', section: 'loadBalancer' },
  { type: 'PostgresApplied', section: 'postgres' },
  { type: 'OptimizerActive', section: 'optimizer' },
] as const satisfies readonly { readonly type: ConditionType; readonly section: string }[];

type Unobserved = Omit<NewCondition<(typeof waiting)[number]['type']>, 'observedGeneration'>;

/** Says of every part that somebody declared and nobody acts on that it is so. What only the defaults have was not asked for. */
export function notImplemented(resolved: Resolved): readonly Unobserved[] {
  return waiting
    .filter(({ section }) => isDeclared(resolved, section))
    .map(({ type, section }) => ({ type, status: 'Unknown', reason: 'NotImplemented', message: notYet(section) }));
}

export const notYet = (section: string): string =>
  `saw ${section} declared; wanted a lever that this version of genops does not have yet; next: nothing of ${section} is acted on until you upgrade`;

export function isDeclared({ service, declared }: Resolved, section: string): boolean {
  return (
    (section === 'postgres' && (service.spec.postgres?.length ?? 0) > 0) ||
    (section === 'loadBalancer' && service.spec.loadBalancer !== undefined) ||
    declared.has(section)
  );
}
