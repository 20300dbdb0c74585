import { planFloor } from '../../decide/plan-floor.ts';
import { shadowedMetrics } from '../../decide/shadow.ts';
import { managers } from '../apply-owned.ts';
import type { LeverPlan, UnitMemory } from '../lever.ts';
import type { HpaView } from './hpa.ts';
import type { HorizontalChange, HorizontalUnit } from './plan.ts';
import { refusalOf } from './refusal.ts';

/** What the scaler makes of the floor of an HPA that is as planned, as far as the policy says it: figures of the Pods are not at hand here. */
export function floorMove(
  { owner, policy, podsMetrics, replicas }: HorizontalUnit,
  hpa: Pick<HpaView, 'uid' | 'controller' | 'spec' | 'namespace' | 'name' | 'held'>,
  memory: UnitMemory | undefined,
): Pick<LeverPlan<HorizontalChange>, 'follows' | 'unforeseen' | 'refusal'> {
  const shadowed = shadowedMetrics({ policy: { horizontal: policy }, podsMetrics });
  const floor = planFloor({
    resolved: { service: { metadata: owner }, mode: 'Enforce' },
    component: { policy: { horizontal: policy }, target: { replicas } },
    hpas: [hpa],
    originals: memory?.originals,
    shadow: shadowed.map((metric) => ({ ...metric, pods: [] })),
    memory: undefined,
    now: 0,
  });
  if (floor === undefined) return {};
  const { action, from, to } = floor.decision;
  const names = shadowed.map(({ name }) => name).join(', ');
  const follows = action === 'Hold' ? [] : [{ field: 'spec.minReplicas', from: String(from), to: String(to) }];
  const refusal = floor.change?.force === true ? undefined : refusalOf(hpa, follows, managers.floor);
  return {
    follows,
    ...(refusal === undefined ? {} : { refusal }),
    ...(names === '' ? {} : { unforeseen: `spec.minReplicas moved by load (${names}): not shown here` }),
  };
}
