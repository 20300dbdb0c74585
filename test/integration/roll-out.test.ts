import { expect, test } from '@jest/globals';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { statefulSets } from '../../operator/reconcilers/kinds.ts';
import { createRollOuts, deadlineMs, isRollingOut, rollOutStep } from '../../operator/reconcilers/roll-out.ts';
import { deployment } from '../world/builders.ts';
import { restricted } from '../world/ready-pod.ts';
import { startWorld } from '../world/world.ts';

test('a StatefulSet whose new Pod never gets Ready is rolled out until its deadline, and gets on when it is put right', async () => {
  await using world = await startWorld({ operator: false });
  const { spec } = deployment('web', { replicas: 2, securityContext: restricted });
  const apply = (annotations: Readonly<Record<string, string>>) => {
    const { metadata, spec: pod } = spec.template;
    const template = { metadata: { ...metadata, annotations }, spec: { ...pod, schedulerName: 'nobody' } }; // no node takes them
    const manifest = { ...spec, serviceName: 'web', podManagementPolicy: 'Parallel', template };
    return world.apply({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'web' }, spec: manifest });
  };
  /** As its kubelet would say. */
  const becomeReady = async (name: string) => {
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const status = { phase: 'Running', conditions };
    const by = { manager: 'kubelet', force: true, subresource: 'status' } as const;
    await world.kube.apply(podResource, { metadata: { namespace: world.namespace, name }, status }, by, world.signal);
  };
  const found = async () => {
    const seen = await world.get(statefulSets, 'web');
    if (seen === undefined) throw new Error('there is no StatefulSet');
    return { isRollingOut: isRollingOut(seen), rollOutStep: rollOutStep(seen), status: seen.status };
  };
  await apply({});
  await world.eventually(async () =>
    expect(await found()).toMatchObject({ isRollingOut: false, status: { replicas: 2, updatedReplicas: 2 } }),
  );
  for (const name of ['web-0', 'web-1']) await becomeReady(name);

  await apply({ made: 'anew' });
  const isStuck = { isRollingOut: true, rollOutStep: expect.stringMatching(/^web-\w+ 1$/) };
  await world.eventually(async () => expect(await found()).toMatchObject(isStuck));
  const stuck = await found();
  const rollOuts = createRollOuts();
  expect(rollOuts.see('web', stuck, 0)).toEqual({ isOn: true, hasStopped: false });
  expect(rollOuts.see('web', await found(), deadlineMs)).toEqual({ isOn: false, hasStopped: true });
  expect(stuck.status?.conditions).toBeUndefined(); // Kubernetes itself never says that it is stuck

  await becomeReady('web-1'); // at last
  await world.eventually(async () => expect((await found()).isRollingOut).toBe(false));
  expect(rollOuts.see('web', await found(), deadlineMs + 1)).toEqual({ isOn: false, hasStopped: false });
});
