import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { amount } from '../../operator/api/quantity.ts';
import { silent } from '../../hack/cluster/progress.ts';
import { verticalPodAutoscalerPrograms } from '../../hack/cluster/tools.ts';
import { pauseImageName } from '../../hack/image/pause.ts';
import { podResource, projectPod } from '../../operator/metrics/pod-view.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { verticalPodAutoscalers } from '../../operator/levers/vertical/vpa.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService } from '../world/builders.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { restricted } from '../world/ready-pod.ts';
import { installVpaKind, removeVpaKind, startVpa } from '../world/vertical-pod-autoscaler.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';

type Vertical = NonNullable<NonNullable<GenerationServiceSpec['overrides']>['vertical']>;
const vpa = 'generation-workflow-vpa';
let visits = 0;

/** Nobody tells the operator of a VPA that changes: an annotation has it look at once. */
const declare = (world: World, vertical: Vertical | undefined, spec: Partial<GenerationServiceSpec> = {}, adopt = '') =>
  world.apply(
    generationService(
      { ...spec, ...(vertical === undefined ? {} : { overrides: { vertical } }) },
      {
        annotations: {
          'genops.dev/visit': String((visits += 1)),
          ...(adopt === '' ? {} : { 'genops.dev/adopt': adopt }),
        },
      },
    ),
  );
const told = (world: World, status: 'True' | 'False', reason: string) =>
  world.eventually(async () => expectCondition(await world.service(), 'VerticalApplied', { status, reason }));
const vpaSpec = async (world: World, name = vpa) => (await world.get(verticalPodAutoscalers, name))?.spec;
const scaledBy = async (world: World) => {
  const metrics = (await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec.metrics ?? [];
  return (metrics as readonly { readonly resource?: { readonly name: string } }[]).map(
    ({ resource }) => resource?.name,
  );
};

beforeAll(removeVpaKind); // what a run that was killed has left
afterAll(removeVpaKind);

describe('vertical', () => {
  test('says what is missing, sizes memory once it is there, leaves cpu to the HPA, and goes when it is wanted no more', async () => {
    await using world = await startWorld();
    await world.apply(deployment());
    await declare(world, { mode: 'Enforce' });
    expect((await told(world, 'False', 'VPANotInstalled')).message).toMatch(
      /^saw no VerticalPodAutoscaler .*next: install/,
    );
    expect(await scaledBy(world)).toEqual(['cpu', 'memory']); // nobody else steers by it

    await installVpaKind(world);
    await declare(world, { mode: 'Enforce' });
    expect((await told(world, 'True', 'Applied')).message).toContain(
      'sizes memory of container app (InPlaceOrRecreate)',
    );
    await world.eventually(async () => expect(await scaledBy(world)).toEqual(['cpu']));
    expect(await vpaSpec(world)).toMatchObject({
      targetRef: { kind: 'Deployment', name: 'workflow-execution' },
      updatePolicy: { updateMode: 'InPlaceOrRecreate' },
      resourcePolicy: {
        containerPolicies: [
          { containerName: 'app', controlledResources: ['memory'], minAllowed: { memory: '512Mi' } },
          { containerName: '*', mode: 'Off' },
        ],
      },
    });
    expectCondition(await world.service(), 'Ready', { status: 'True', reason: 'Reconciled' });

    const target = { cpu: '587m', memory: '1363148800' };
    const recommendation = { containerRecommendations: [{ containerName: 'app', target }] };
    await world.kube.apply(
      verticalPodAutoscalers,
      { metadata: { namespace: world.namespace, name: vpa }, status: { recommendation } },
      { manager: 'recommender', subresource: 'status' },
      world.signal,
    );
    await declare(world, { mode: 'Enforce' });
    await world.eventually(async () =>
      expect((await world.service()).status?.components?.[0]?.recommendation).toEqual({
        cpu: '590m',
        memory: '1300Mi',
      }),
    );

    await declare(world, { mode: 'DryRun' });
    expect((await told(world, 'True', 'DryRun')).message).toContain('only recommends');
    await world.eventually(async () => expect((await vpaSpec(world))?.updatePolicy).toEqual({ updateMode: 'Off' }));
    await world.eventually(async () => expect(await scaledBy(world)).toEqual(['cpu', 'memory']));

    await declare(world, undefined);
    await world.eventually(async () => expect(await vpaSpec(world)).toBeUndefined());
    await world.eventually(async () =>
      expect((await world.service()).status?.conditions?.map(({ type }) => type)).not.toContain('VerticalApplied'),
    );
  });

  test('only recommends where PreferVertical would leave the HPA without a metric, which goes on by what it has', async () => {
    await using world = await startWorld();
    await installVpaKind(world);
    await world.apply(deployment());
    await declare(world, { mode: 'Enforce' });
    await told(world, 'True', 'Applied');
    await world.eventually(async () => expect(await scaledBy(world)).toEqual(['cpu']));

    await declare(world, { mode: 'Enforce', conflictResolution: 'PreferVertical' });
    expect((await told(world, 'False', 'Conflict')).message).toContain('beside cpu and memory; wanted');
    await world.eventually(async () => expect((await vpaSpec(world))?.updatePolicy).toEqual({ updateMode: 'Off' }));
    await world.eventually(async () => expect(await scaledBy(world)).toEqual(['cpu', 'memory']));
    expectCondition(await world.service(), 'HorizontalApplied', { status: 'True', reason: 'Applied' });
  });

  test('takes nothing from anybody else, takes over what it is given, and gives that back', async () => {
    await using world = await startWorld();
    await installVpaKind(world);
    await world.apply(deployment());
    const theirs = {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
      updatePolicy: { updateMode: 'Off' },
    };
    const { kind } = verticalPodAutoscalers;
    const byHandWith = (spec: object) =>
      world.apply({ apiVersion: 'autoscaling.k8s.io/v1', kind, metadata: { name: 'by-hand' }, spec });
    await byHandWith(theirs);
    await declare(world, { mode: 'Enforce' }, { deletionPolicy: 'Restore' });
    const { message } = await told(world, 'False', 'Conflict');
    expect(message).toContain(`VerticalPodAutoscaler ${world.namespace}/by-hand for Deployment workflow-execution`);
    expectCondition(await world.service(), 'Stalled', { status: 'True', reason: 'Conflict' });
    expect(await vpaSpec(world, 'by-hand')).toEqual(theirs);
    expect(await vpaSpec(world)).toBeUndefined();
    await declare(world, { mode: 'Enforce' }, { deletionPolicy: 'Restore' });
    // Theirs only recommends, and ours is not made: nobody else steers by it.
    await world.eventually(async () => expect(await scaledBy(world)).toEqual(['cpu', 'memory']));
    const sizing = { ...theirs, updatePolicy: { updateMode: 'Auto' } }; // deprecated, and what many clusters have
    await byHandWith(sizing);
    await declare(world, { mode: 'Enforce' }, { deletionPolicy: 'Restore' });
    await world.eventually(async () => expect(await scaledBy(world)).toEqual(['cpu']));

    await declare(world, { mode: 'Enforce' }, { deletionPolicy: 'Restore' }, 'vpa');
    await told(world, 'True', 'Applied');
    expect((await vpaSpec(world, 'by-hand'))?.updatePolicy).toEqual({ updateMode: 'InPlaceOrRecreate' });

    const byHand = `${world.namespace}/by-hand`;
    const edit = [{ op: 'replace', path: '/spec/updatePolicy/updateMode', value: 'Recreate' }] as const;
    await world.kube.patch(verticalPodAutoscalers, byHand, edit, { manager: 'kubectl-edit' }, world.signal);
    await declare(world, { mode: 'Enforce' }, { deletionPolicy: 'Restore' }, 'vpa');
    expect((await told(world, 'False', 'Conflict')).message).toContain('.spec.updatePolicy.updateMode (kubectl-edit)');
    await world.eventually(async () => expect(await scaledBy(world)).toEqual(['cpu'])); // as edited, it sizes memory all the same

    await world.delete(generationServices, 'generation');
    await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
    expect(await vpaSpec(world, 'by-hand')).toEqual(sizing);
  });

  test('takes over one that somebody made beside ours, which goes', async () => {
    await using world = await startWorld();
    await installVpaKind(world);
    await world.apply(deployment());
    await declare(world, { mode: 'Enforce' }, { deletionPolicy: 'Restore' });
    await told(world, 'True', 'Applied');
    const theirs = {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
      updatePolicy: { updateMode: 'Off' },
    };
    const { kind } = verticalPodAutoscalers;
    await world.apply({ apiVersion: 'autoscaling.k8s.io/v1', kind, metadata: { name: 'by-hand' }, spec: theirs });
    await declare(world, { mode: 'Enforce' }, { deletionPolicy: 'Restore' });
    expect((await told(world, 'False', 'Conflict')).message).toContain('genops.dev/adopt=vpa');
    expect(await vpaSpec(world)).toBeDefined();

    await declare(world, { mode: 'Enforce' }, { deletionPolicy: 'Restore' }, 'vpa');
    expect((await told(world, 'True', 'Applied')).message).toContain('/by-hand sizes memory');
    expect(await vpaSpec(world)).toBeUndefined();
    expect((await vpaSpec(world, 'by-hand'))?.updatePolicy).toEqual({ updateMode: 'InPlaceOrRecreate' });

    await world.delete(generationServices, 'generation');
    await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
    expect(await vpaSpec(world, 'by-hand')).toEqual(theirs);
  });
});

describe('the real autoscaler', () => {
  // The one test that needs its programs: whoever runs another builds none of them.
  beforeAll(() => verticalPodAutoscalerPrograms(silent, AbortSignal.timeout(900_000)), 900_000);

  test('sizes memory of Pods that run, without a restart, and of new ones; cpu stays as it was', async () => {
    const { cluster } = await clusterTools([], AbortSignal.timeout(100_000));
    await using world = await startWorld();
    await installVpaKind(world);
    await using autoscaler = await startVpa(world, cluster);
    const resources = { requests: { cpu: '20m', memory: '16Mi' }, limits: { cpu: '200m', memory: '64Mi' } };
    const image = { image: pauseImageName, imagePullPolicy: 'Never', securityContext: restricted };
    await world.apply(deployment('workflow-execution', { replicas: 2, resources, ...image }));
    const pods = async () =>
      (await world.kube.list(podResource, { namespace: world.namespace }, world.signal)).filter(
        ({ metadata }) => metadata.deletionTimestamp === undefined,
      );
    const patience = { withinMs: 120_000 };
    const started = { status: { containerStatuses: [{ restartCount: 0, resources }] } };
    await world.eventually(async () => expect(await pods()).toMatchObject([started, started]), patience);
    const before = (await pods()).map(({ metadata: { uid } }) => uid);

    await declare(world, { mode: 'Enforce', minAllowed: { memory: '48Mi' } });
    await told(world, 'True', 'Applied');
    expect((await vpaSpec(world))?.updatePolicy).toEqual({ updateMode: 'InPlaceOrRecreate' }); // what Auto means today
    await world.eventually(async () => expect(await scaledBy(world)).toEqual(['cpu']));
    const sized = {
      requests: { cpu: '20m', memory: '48Mi' },
      limits: { cpu: '200m', memory: '192Mi' }, // as the request to the limit was
    };
    const asSized = [{ restartCount: 0, resources: sized }];
    const isSized = async () => {
      const all = await pods();
      const said = all.map(({ status }) => status?.containerStatuses);
      expect({ said, log: await autoscaler.log() }).toMatchObject({
        said: [asSized, asSized],
      });
      return all.map(({ metadata: { uid } }) => uid);
    };
    expect(await world.eventually(isSized, patience)).toEqual(before);

    await world.delete(podResource, (await pods())[0]?.metadata.name ?? '');
    await world.eventually(async () => {
      const [successor, ...more] = (await pods()).filter(({ metadata }) => !before.includes(metadata.uid));
      expect(more).toEqual([]);
      expect(successor?.spec.containers).toMatchObject([{ resources: sized }]); // as it was admitted
    });
    await world.eventually(
      async () =>
        expect((await world.service()).status?.components?.[0]?.recommendation).toMatchObject({ memory: '50Mi' }),
      patience,
    );
  }, 400_000);

  test('gives Pods that are killed for their memory more of it, and they live', async () => {
    const { cluster } = await clusterTools(['workload'], AbortSignal.timeout(200_000));
    await using world = await startWorld();
    await installVpaKind(world);
    await using autoscaler = await startVpa(world, cluster);
    const resources = { requests: { cpu: '20m', memory: '32Mi' }, limits: { cpu: '500m', memory: '64Mi' } };
    const command = ['/usr/bin/node', '-e', 'const kept = Buffer.alloc(90 * 2 ** 20, 1); setInterval(() => kept, 1e6)'];
    const container = { image: 'genops-workload:dev', imagePullPolicy: 'Never', command, resources };
    await declare(world, { mode: 'Enforce', minAllowed: { memory: '16Mi' }, maxAllowed: { memory: '512Mi' } });
    await world.apply(deployment('workflow-execution', { replicas: 2, ...container, securityContext: restricted }));
    await told(world, 'True', 'Applied');
    const pods = async () =>
      (await world.kube.list(podResource, { namespace: world.namespace }, world.signal)).map(projectPod);
    await world.eventually(
      async () => expect((await pods()).some(({ oomKilledAt }) => oomKilledAt !== undefined)).toBe(true),
      { withinMs: 120_000 },
    );
    const least = async () => {
      const [app] = (await vpaSpec(world))?.resourcePolicy?.containerPolicies ?? [];
      return amount((app as { readonly minAllowed: { readonly memory: string } } | undefined)?.minAllowed.memory);
    };
    await world.eventually(async () => expect(await least()).toBeGreaterThan(64 * 2 ** 20), { withinMs: 120_000 });
    await world.eventually(
      async () => {
        const living = (await pods()).filter(({ deleting }) => !deleting);
        expect({ living, log: await autoscaler.log() }).toMatchObject({ living: [{ ready: true }, { ready: true }] });
        for (const { containers } of living) expect(containers[0]?.memoryRequest).toBeGreaterThan(120 * 2 ** 20);
      },
      { withinMs: 180_000 },
    );
  }, 600_000);
});
