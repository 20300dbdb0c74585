import { describe, expect, test } from '@jest/globals';
import { projectHpa } from '../../../../operator/levers/horizontal/hpa.ts';

describe('projectHpa()', () => {
  const object = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'by-hand', namespace: 'ai', uid: 'foreign-uid', resourceVersion: '1', creationTimestamp: '' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
      minReplicas: 1,
      maxReplicas: 3,
      metrics: [],
    },
  };
  const entry = (manager: string, ...fields: readonly string[]) => ({
    manager,
    fieldsV1: { 'f:spec': Object.fromEntries(fields.map((field) => [`f:${field}`, {}])) },
  });
  test.each([
    { name: 'the scaler wrote it', managedFields: [entry('genops-scaler', 'minReplicas')], isFloorOurs: true },
    { name: 'somebody else wrote it', managedFields: [entry('kubectl-edit', 'minReplicas')], isFloorOurs: false },
    { name: 'the scaler wrote nothing of it', managedFields: [entry('genops-scaler')], isFloorOurs: false },
    { name: 'nobody knows', managedFields: [], isFloorOurs: false },
  ])('takes the floor for ours or not: $name', ({ managedFields, isFloorOurs }) => {
    const metadata = { ...object.metadata, managedFields };
    expect(projectHpa({ ...object, metadata }).isFloorOurs).toBe(isFloorOurs);
  });
  test('knows which fields others have set, and says nothing where there are none', () => {
    const behavior = { 'f:scaleUp': { '.': {}, 'f:policies': {} } };
    const byHand = { manager: 'kubectl-edit', fieldsV1: { 'f:spec': { 'f:behavior': behavior, 'f:metrics': {} } } };
    const ours = [entry('genops', 'maxReplicas'), entry('genops-scaler', 'minReplicas')];
    const status = { manager: 'kube-controller-manager', fieldsV1: { 'f:status': { 'f:currentReplicas': {} } } };
    const held = (...managedFields: readonly unknown[]) =>
      projectHpa({ ...object, metadata: { ...object.metadata, managedFields } });
    expect(held(...ours, status)).not.toHaveProperty('held');
    expect(held(...ours, byHand, status).held).toEqual([
      { manager: 'kubectl-edit', field: '.spec.behavior.scaleUp.policies' },
      { manager: 'kubectl-edit', field: '.spec.metrics' },
    ]);
  });
});
