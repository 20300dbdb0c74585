import { expect, test } from '@jest/globals';
import { ApiError } from '../../../operator/kube/api-error.ts';
import type { Kube } from '../../../operator/kube/client.ts';
import { deployments } from '../../../operator/reconcilers/kinds.ts';
import { applyReplicas, goesOnFromFloor } from '../../../operator/reconcilers/scaler-replicas.ts';

const signal = new AbortController().signal;
const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow' };

/** What a server that answers with `status` makes of it. */
const applied = (status: number): Promise<boolean> => {
  const attempt = { verb: 'patch', target: 'Deployment ai/workflow scale' };
  const kube: Partial<Kube> = {
    discover: () => Promise.resolve({ resource: deployments, subresources: ['scale'] }),
    patch: () => Promise.reject(new ApiError(attempt, { status, reason: 'No', message: 'it says no' })),
  };
  return applyReplicas(kube as Kube, targetRef, { namespace: 'ai', from: 2, to: 4 }, signal);
};

test.each([422, 404])('replicas that are not what was decided on any more (%d) are left', async (status) => {
  expect(await applied(status)).toBe(false);
});

test('a right that is missing is named, with what to grant', async () => {
  await expect(applied(403)).rejects.toMatchObject({
    reason: 'PermissionDenied',
    message: expect.stringMatching(
      /wanted to set the replicas of Deployment ai\/workflow; .* grant patch on its scale/,
    ),
  });
});

test('a server that is lost is asked again', async () => {
  await expect(applied(0)).rejects.toMatchObject({ status: 0 });
});

test('a step of a floor that is refused stands for its cooldown, and the next is one from the floor there is', () => {
  const step = { floor: 4, lastScaledAt: 1_000, from: 2 };
  const goesOn = (floor: number, now: number) =>
    goesOnFromFloor(step, { replicas: floor, cooldownMs: 300, now })?.floor;
  expect([goesOn(2, 1_299), goesOn(2, 1_300)]).toEqual([4, 2]);
  expect(goesOn(4, 9_999)).toBe(4); // it was taken
  expect(goesOn(3, 9_999)).toBe(4); // as far as the bounds of the HPA allow
});

test('a step down while somebody else holds the floor up goes on from what the scaler asked for itself', () => {
  const step = { floor: 3, lastScaledAt: 1_000, from: 8 };
  expect(goesOnFromFloor(step, { replicas: 8, cooldownMs: 300, now: 9_999 })?.floor).toBe(3);
});
