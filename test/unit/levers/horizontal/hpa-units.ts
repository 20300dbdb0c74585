import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import type { HpaView } from '../../../../operator/levers/horizontal/hpa.ts';
import { plan, type HorizontalUnit } from '../../../../operator/levers/horizontal/plan.ts';
import type { UnitMemory } from '../../../../operator/levers/lever.ts';

const owner = {
  apiVersion: 'genops.dev/v1alpha1',
  kind: 'GenerationService',
  name: 'generation',
  uid: 'service-uid',
  controller: true,
};
const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' };
export const unitWith = (
  horizontal: PolicySpec['horizontal'] = {},
  unit: Partial<HorizontalUnit> = {},
): HorizontalUnit => ({
  name: 'workflow',
  mode: 'Enforce',
  namespace: 'ai',
  hpaName: 'generation-workflow-hpa',
  owner,
  targetRef,
  selector: [],
  policy: effectivePolicy({ overrides: { horizontal: horizontal ?? {} } }).policy.horizontal,
  podsMetrics: 'Shadow',
  adopt: false,
  replicas: 3,
  ...unit,
});
export const planned = (unit: HorizontalUnit, hpas: readonly HpaView[], memory?: UnitMemory) =>
  plan({ unit, observed: { hpas }, memory, now: 0 });
/** The HPA as the API server has it after our apply. */
export const inForce = (unit: HorizontalUnit, over: Partial<HpaView['spec']> = {}): HpaView => {
  const [change] = planned(unit, []).changes;
  if (change?.kind !== 'apply') throw new Error('no HPA was planned');
  return {
    namespace: 'ai',
    name: change.name,
    uid: 'hpa-uid',
    controller: owner,
    spec: { ...change.spec, ...over },
    isFloorOurs: true,
  };
};
export const cpu = {
  type: 'Resource' as const,
  resource: { name: 'cpu' as const, target: { type: 'Utilization' as const, averageUtilization: 70 } },
};
export const foreign: HpaView = {
  namespace: 'ai',
  name: 'by-hand',
  uid: 'foreign-uid',
  controller: undefined,
  spec: { scaleTargetRef: targetRef, minReplicas: 1, maxReplicas: 3, metrics: [] },
  isFloorOurs: false,
};
