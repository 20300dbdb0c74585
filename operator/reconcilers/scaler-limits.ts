import type { FullComponent } from '../decide/capacity.ts';
import type { Resolved } from '../decide/resolve.ts';
import type { Decisions } from './decisions.ts';

/** The components that get no more replicas: at their most, or because more bring nothing. */
export function fullComponents({ service, components }: Resolved, decisions: Decisions): readonly FullComponent[] {
  const looks = decisions.of(service)?.looks;
  return components.flatMap(({ spec: { name }, policy: { horizontal }, target: { replicas } }): FullComponent[] => {
    const newest = looks?.get(name)?.newest;
    const shown = service.status?.components?.find((one) => one.name === name)?.replicas;
    const { max = horizontal.maxReplicas, boundBy = 'horizontal.maxReplicas' } = shown ?? {};
    const isAtMost = horizontal.mode !== 'Off' && replicas >= max;
    const full = { component: name, replicas, wanted: newest?.wanted };
    if (newest?.heldBy === 'Saturated') return [{ ...full, by: 'Saturated' }];
    if (!isAtMost && newest?.heldBy !== 'MaxReplicas') return [];
    return [{ ...full, by: { bound: boundBy } }];
  });
}
