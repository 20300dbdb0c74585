import { describe, expect, test } from '@jest/globals';
import { isProblem } from '../../../../operator/api/problem.ts';
import { ApiError } from '../../../../operator/kube/api-error.ts';
import type { Kube } from '../../../../operator/kube/client.ts';
import { applyFloor, withOwnFloor } from '../../../../operator/levers/horizontal/floor.ts';
import type { HpaView } from '../../../../operator/levers/horizontal/hpa.ts';
import { createOwnWrites } from '../../../../operator/kube/own-writes.ts';

const never = new AbortController().signal;
const hpa: HpaView = {
  namespace: 'ai',
  name: 'by-hand',
  uid: 'hpa-uid',
  controller: undefined,
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 1,
    maxReplicas: 3,
  },
  isFloorOurs: false,
};
const attempt = { verb: 'apply', target: 'it' };
const forbidden = new ApiError(attempt, { status: 403, reason: 'Forbidden', message: 'forbidden' });
const heldByUs = new ApiError(attempt, {
  status: 409,
  reason: 'Conflict',
  message: 'conflict',
  causes: [
    {
      reason: 'FieldManagerConflict',
      message: 'conflict with "genops" using autoscaling/v2',
      field: '.spec.minReplicas',
    },
  ],
});
const createFloorWrites = () => createOwnWrites<number>({ hasSeen: () => false });
/** What becomes of it where the server answers like this. */
async function moved(kube: Partial<Kube>, of: HpaView, floorWrites = createFloorWrites()): Promise<unknown> {
  try {
    return await applyFloor({ kube: kube as Kube, floorWrites }, { hpa: of, floor: 2, force: false }, never);
  } catch (error) {
    return error;
  }
}

describe('applyFloor()', () => {
  test('says what is missing where the ScaledObject may not be read', async () => {
    const controller = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', name: 'so', uid: 'u', controller: true };
    const problem = await moved({ get: () => Promise.reject(forbidden) }, { ...hpa, controller });
    expect(isProblem(problem) && problem).toMatchObject({
      reason: 'PermissionDenied',
      message: expect.stringContaining('ScaledObject ai/so'),
    });
  });

  test('takes a field from ourselves, and a refusal of that is told like any other', async () => {
    const refusing = (forced: Error | undefined): Partial<Kube> => ({
      apply: (_, __, { force }) => {
        if (force !== true) return Promise.reject(heldByUs);
        if (forced !== undefined) return Promise.reject(forced);
        return Promise.resolve({ name: 'by-hand', uid: 'hpa-uid', resourceVersion: '2', creationTimestamp: '' });
      },
    });
    expect(await moved(refusing(undefined), hpa)).toBe(true);
    const floorWrites = createFloorWrites();
    const problem = await moved(refusing(forbidden), hpa, floorWrites);
    expect(isProblem(problem) && problem).toMatchObject({ reason: 'PermissionDenied' });
    expect(withOwnFloor(hpa, floorWrites)).toEqual(hpa); // nothing was written
  });
});
