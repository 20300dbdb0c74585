import { describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import type { FloorLook } from '../../../operator/decide/floor-look.ts';
import type { Kube } from '../../../operator/kube/client.ts';
import { ApiError } from '../../../operator/kube/api-error.ts';
import { awaitChange, requeueAfter } from '../../../operator/kube/loop.ts';
import {
  deployments,
  generationServices,
  performancePolicies,
  statefulSets,
} from '../../../operator/reconcilers/kinds.ts';
import { deployment } from '../../world/builders.ts';
import { cpu, idle, key, openScaler } from './open-scaler.ts';

describe('the scaler', () => {
  test('wakes nobody while the floor is where it belongs, and still knows its last decision', async () => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    await stage.autoscale(5);
    await stage.appear();
    const last: FloorLook = {
      action: 'ScaleUp',
      from: 2,
      to: 5,
      reason: 'MinReplicas',
      message: '',
      figures: [],
      terms: [],
      at: 0,
      heldBy: undefined,
      heldUntil: undefined,
      nextAt: undefined,
    };
    const looks = new Map([['workflow', { newest: last, lastMove: last }]]);
    stage.decisions.put(stage.service(), { problem: undefined, looks });
    expect(await stage.start()()).toEqual(awaitChange); // also with Pods: the HPA reads them itself
    expect(stage.world).toMatchObject({ woken: [], told: [] });
    expect(stage.looks()).toMatchObject({ newest: { action: 'Hold', to: 5 }, lastMove: last });
  });

  test('says nothing of a service without the policy that it names', async () => {
    await using stage = await openScaler({ ...cpu, minReplicas: 5 });
    await stage.declare({ policyRef: { name: 'gone' } });
    await stage.autoscale(2);
    expect(await stage.start()()).toEqual(awaitChange);
    expect(stage.decisions.of(stage.service())).toBeUndefined();
  });

  test('goes on with what was accepted last while its policy is gone or contradicts the service, and pauses at once', async () => {
    await using stage = await openScaler();
    const publish = (minReplicas: number): Promise<void> =>
      stage.put(performancePolicies, { metadata: { name: 'shared' }, spec: { horizontal: { minReplicas } } });
    const declare = (spec: Partial<GenerationServiceSpec>): Promise<void> =>
      stage.declare({ policyRef: { name: 'shared' }, overrides: { horizontal: { maxReplicas: 20 } }, ...spec });
    await publish(3);
    await declare({ mode: 'DryRun' });
    await stage.autoscale(9);
    await stage.appear();
    stage.world.samples = idle;
    const visit = stage.start();
    await visit();
    await publish(30); // more than the service's own maxReplicas
    stage.world.now += 300_000;
    expect(await visit()).toEqual(requeueAfter(15_000));
    expect(stage.looks()?.newest).toMatchObject({ from: 9, to: 4, heldBy: 'DryRun' });

    await stage.remove(performancePolicies, 'shared');
    await declare({ mode: 'Paused' });
    await visit();
    expect(stage.looks()?.newest).toMatchObject({ to: 4, heldBy: 'Paused' });
  });

  test('asks again after the policy’s interval where a metric is folded in and there are Pods, and rests before', async () => {
    await using stage = await openScaler();
    await stage.declare({ overrides: { scaler: { interval: '20s' } } });
    await stage.autoscale(2);
    const visit = stage.start();
    expect(await visit()).toEqual(awaitChange);
    await stage.appear();
    expect(await visit()).toEqual(requeueAfter(20_000));
  });

  test('lowers nothing before it has seen a whole window: not when it has started anew, not for a service that was made anew', async () => {
    await using stage = await openScaler();
    const reporting = () => stage.declare({ mode: 'DryRun' });
    await reporting();
    await stage.autoscale(9);
    stage.world.samples = idle;
    const visit = stage.start();
    await visit();
    stage.world.now += 300_000;
    await stage.start()(); // another process has no memory
    expect(await stage.lowered()).toBe(0);

    await stage.remove(generationServices, 'generation');
    expect(await visit()).toEqual(awaitChange);
    await reporting();
    await visit();
    expect(await stage.lowered()).toBe(0);

    stage.world.now += 300_000;
    await visit();
    expect(await stage.lowered()).toBe(1);
  });

  test('holds the floor of a StatefulSet that is rolled out, until no Pod was replaced for ten minutes: that is told once', async () => {
    await using stage = await openScaler();
    const name = 'workflow-execution';
    const targetRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name };
    await stage.declare({ mode: 'DryRun', components: [{ name: 'workflow', targetRef }] });
    await stage.autoscale(9, name, 'StatefulSet');
    await stage.appear();
    stage.world.samples = idle;
    const { metadata, spec } = deployment(name, { replicas: 9 });
    const replaced = (updatedReplicas: number) =>
      stage.put(statefulSets, { metadata, spec, status: { replicas: 9, updatedReplicas, updateRevision: 'web-2' } });
    const visit = stage.start();
    const after = async (ms: number) => {
      stage.world.now += ms;
      await visit();
      return stage.looks()?.newest;
    };
    await replaced(1);
    await visit();
    expect(await after(599_999)).toMatchObject({ to: 9, heldBy: 'RollingOut' });
    await replaced(2);
    expect(await after(1)).toMatchObject({ to: 9, heldBy: 'RollingOut' });
    expect(await after(599_999)).toMatchObject({ to: 9, heldBy: 'RollingOut' });
    expect(stage.world.told).toEqual([]);

    expect(await after(1)).toMatchObject({ action: 'ScaleDown', from: 9, heldBy: 'DryRun' });
    await after(15_000);
    expect(stage.world.told).toEqual([
      expect.stringMatching(/^RollOutStuck workflow: StatefulSet workflow-execution has replaced no Pod for 10 min/),
    ]);
  });

  test('moves and tells a floor once, also where it looks again before its cache shows it', async () => {
    let writes = 0;
    const apply: Kube['apply'] = () => {
      writes += 1;
      return Promise.resolve({ name: 'hpa', uid: 'u', resourceVersion: '99', creationTimestamp: '' });
    };
    await using stage = await openScaler({ ...cpu, minReplicas: 5 }, { apply });
    await stage.autoscale(2);
    const visit = stage.start();
    await visit();
    await visit();
    expect({ writes, told: stage.world.told }).toEqual({ writes: 1, told: [expect.stringContaining('2 → 5')] });
    expect(stage.looks()).toMatchObject({ newest: { action: 'Hold', to: 5 }, lastMove: { from: 2, to: 5 } });
  });

  test('moves no floor once another may lead, and asks again soon', async () => {
    let writes = 0;
    const apply: Kube['apply'] = () => {
      writes += 1;
      return Promise.resolve({ name: 'hpa', uid: 'u', resourceVersion: '99', creationTimestamp: '' });
    };
    await using stage = await openScaler({ ...cpu, minReplicas: 5 }, { apply });
    await stage.autoscale(2);
    const visit = stage.start();
    stage.world.isLeading = false;
    await expect(visit()).rejects.toThrow('not the leader any more');
    expect({ writes, told: stage.world.told }).toEqual({ writes: 0, told: [] });
    stage.world.isLeading = true;
    await visit();
    expect({ writes, told: stage.world.told }).toEqual({ writes: 1, told: [expect.stringContaining('2 → 5')] });
  });

  test('tells of each floor that it moved, also where it fails at another component', async () => {
    const tooBusy = new ApiError(
      { verb: 'apply', target: 'it' },
      { status: 429, reason: 'TooManyRequests', message: 'busy' },
    );
    const apply: Kube['apply'] = (_, { metadata }) =>
      metadata.name === 'render-hpa'
        ? Promise.resolve({ name: 'render-hpa', uid: 'u', resourceVersion: '99', creationTimestamp: '' })
        : Promise.reject(tooBusy);
    await using stage = await openScaler({ ...cpu, minReplicas: 5 }, { apply });
    const component = (name: string, target: string) => ({
      name,
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
    });
    await stage.put(deployments, deployment('render', { replicas: 9 }));
    await stage.declare({
      overrides: { horizontal: { ...cpu, minReplicas: 5 } },
      components: [component('workflow', 'workflow-execution'), component('render', 'render')],
    });
    await stage.autoscale(2);
    await stage.autoscale(2, 'render');
    await expect(stage.start()()).rejects.toBe(tooBusy); // so the loop tries again soon
    expect(stage.world.told).toEqual([expect.stringMatching(/^FloorRaised render: floor 2 → 5/)]);
    expect(stage.world.woken).toEqual([key]);
    expect(stage.looks('render')?.lastMove).toMatchObject({ from: 2, to: 5 });
  });

  test('keeps what each look was made from, what holds the floor and until when, also while it moves nothing', async () => {
    await using stage = await openScaler();
    await stage.autoscale(9);
    await stage.appear();
    stage.world.samples = idle.map((sample) => ({ ...sample, observedAt: stage.world.now - 3_000 }));
    const visit = stage.start();
    await visit();
    expect(stage.looks()).toMatchObject({
      newest: {
        action: 'Hold',
        from: 9,
        to: 9,
        reason: 'Stabilizing',
        heldBy: 'ScaleDownStabilization',
        nextAt: stage.world.now + 300_000, // J1: the window that a new process begins
        figures: [{ source: 'Pods', perPod: 1, target: 100, asksFor: 1, observedAt: stage.world.now - 3_000 }],
      },
      lastMove: undefined,
    });
    await stage.remove(generationServices, 'generation');
    await visit();
    expect(stage.looks()).toBeUndefined();
  });
});
