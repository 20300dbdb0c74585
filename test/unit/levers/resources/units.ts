import type { PolicySpec } from '../../../../operator/api/performance-policy.ts';
import { effectivePolicy } from '../../../../operator/decide/effective-policy.ts';
import type { ResourcesUnit } from '../../../../operator/levers/resources/plan.ts';

export const unitWith = (
  resources: PolicySpec['resources'] = {},
  unit: Partial<ResourcesUnit> = {},
): ResourcesUnit => ({
  name: 'workflow',
  mode: 'Enforce',
  namespace: 'ai',
  owner: { apiVersion: 'genops.dev/v1alpha1', kind: 'GenerationService', name: 'generation', uid: 'service' },
  isWanted: true,
  isBesideDeclared: false,
  isPaused: false,
  isReleased: false,
  newPodsName: 'generation-workflow-new-pods',
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
  containerName: undefined,
  selector: [{ key: 'app', operator: 'In', values: ['workflow', 'other'] }],
  policy: effectivePolicy({ overrides: { resources: { mode: 'Enforce', ...resources } } }).policy.resources,
  maintenanceWindows: [],
  sized: [],
  ...unit,
});
