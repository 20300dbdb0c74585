import type { Finding } from '../api/conditions.ts';
import { refusalOf } from '../decide/floor-look.ts';
import type { Resolved, ResolvedComponent } from '../decide/resolve.ts';
import { shadowedMetrics } from '../decide/shadow.ts';
import type { Decisions } from './decisions.ts';
import { hasScaler } from './scaler-algorithm.ts';

/** A component and whether it is measured. */
export type Seen = { readonly component: ResolvedComponent; readonly available: Finding<'MetricsAvailable'> };

/** Whether floors are moved; if not, why. */
export function scalerActive(
  resolved: Resolved,
  seen: readonly Seen[],
  { decisions }: { readonly decisions: Decisions },
): Finding<'ScalerActive'> {
  const type = 'ScalerActive';
  if (resolved.mode === 'Paused')
    return { type, status: 'False', reason: 'Paused', message: 'The service is paused: no floor is moved.' };
  const problem = decisions.of(resolved.service)?.problem;
  if (problem !== undefined) return { type, status: 'False', reason: refusalOf(problem), message: problem.message };
  const shadowed = seen.filter(({ component }) => shadowedMetrics(component).length > 0);
  const named = (of: readonly Seen[]): string => of.map(({ component }) => component.spec.name).join(', ');
  const blind = shadowed.filter(({ available: { reason } }) => reason !== 'Fresh' && reason !== 'Pending');
  if (blind.length > 0)
    return {
      type,
      status: 'False',
      reason: 'MetricsStale',
      message: `saw no fresh requests_per_second of ${named(blind)}; wanted one for each Pod; next: see MetricsAvailable; the floor stays where it is`,
    };
  if (shadowed.some(({ available }) => available.reason === 'Pending'))
    return { type, status: 'Unknown', reason: 'Pending', message: 'The Pods have not been read twice yet.' };
  const scaled = seen.filter(({ component }) => hasScaler(resolved, component));
  const looks = decisions.of(resolved.service)?.looks;
  const starved = scaled.filter(({ component: { spec } }) => looks?.get(spec.name)?.newest.heldBy === 'MetricsStale');
  if (starved.length > 0)
    return {
      type,
      status: 'False',
      reason: 'MetricsStale',
      message: `saw a metric missing that the scaler of ${named(starved)} needs; wanted each one fresh; next: genops explain ${resolved.service.metadata.name} names it; until then nothing is taken away`,
    };
  if (resolved.mode === 'DryRun')
    return { type, status: 'True', reason: 'DryRun', message: 'Floors are decided and not moved.' };
  const isTold = scaled.length > 0 && scaled.every(({ component: { policy } }) => policy.scaler.mode === 'DryRun');
  const parts = [
    ...(shadowed.length === 0 ? [] : [`requests_per_second is folded into the floor of ${named(shadowed)}`]),
    ...scaled.map(
      ({ component: { spec, policy } }) =>
        `${policy.scaler.algorithm} ${policy.scaler.mode === 'DryRun' ? 'says what it would make of' : 'decides on'} the ${policy.horizontal.mode === 'Off' ? 'replicas' : 'floor'} of ${spec.name}`,
    ),
  ];
  const message =
    parts.length === 0
      ? 'Each floor is the policy’s minReplicas: the HPA reads every metric itself.'
      : `${parts.join('; ')}.`;
  return { type, status: 'True', reason: isTold && shadowed.length === 0 ? 'DryRun' : 'Active', message };
}
