import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { resource } from '../../operator/kube/resource.ts';
import { configMaps } from '../../operator/levers/owned-config-map.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { deployments, generationServices } from '../../operator/reconcilers/kinds.ts';
import { askedMinor } from '../../hack/cluster/tools.ts';
import { pauseImageName } from '../../hack/image/pause.ts';
import { deployment, generationService, hpa } from '../world/builders.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { restricted } from '../world/ready-pod.ts';
import type { NamedManifest } from '../workload/manifests.ts';
import { allow } from '../world/rights.ts';
import { eventNotes, expectCondition, startWorld, type World } from '../world/world.ts';

type Overrides = NonNullable<GenerationServiceSpec['overrides']>;
type Resources = NonNullable<Overrides['resources']>;
type Horizontal = NonNullable<Overrides['horizontal']>;
const small = { requests: { cpu: '20m', memory: '16Mi' }, limits: { cpu: '200m', memory: '64Mi' } };
const wanted = { requests: { cpu: '30m', memory: '32Mi' }, limits: { cpu: '300m', memory: '96Mi' } };

let visits = 0;
/** Nobody tells the operator of a template that changes: an annotation has it look at once. */
const declare = (
  world: World,
  resources: Resources,
  spec: Partial<GenerationServiceSpec> = {},
  horizontal: Horizontal = { mode: 'Off' },
) =>
  world.apply(
    generationService(
      { ...spec, overrides: { horizontal, resources } },
      { annotations: { 'genops.dev/visit': String((visits += 1)) } },
    ),
  );
const told = (world: World, status: 'True' | 'False', reason: string) =>
  world.eventually(async () => expectCondition(await world.service(), 'ResourcesApplied', { status, reason }));

/** A Pod that no node has: it is resized in the API server alone, and this test is its kubelet. */
async function paperPod(world: World, name: string, resources: object = small) {
  const containers = [{ name: 'app', image: 'app', resources, securityContext: restricted }];
  const spec = { schedulerName: 'nobody', containers };
  await world.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'workflow-execution' } }, spec });
  await asKubelet(world, name);
}
const asKubelet = (world: World, name: string, conditions: readonly object[] = [], more: object = {}) =>
  world.kube.apply(
    podResource,
    { metadata: { namespace: world.namespace, name }, status: { phase: 'Running', conditions, ...more } },
    { manager: 'kubelet', force: true, subresource: 'status' },
    world.signal,
  );
/** What the chart installs with newPods.enabled. */
const admission = path.resolve(import.meta.dirname, '../../charts/genops/admission/new-pods.yaml');
const admissionKind = (kind: string) =>
  resource<KubeObject>({
    group: 'admissionregistration.k8s.io',
    version: 'v1',
    plural: kind.replace(/y$/, 'ie').toLowerCase() + 's',
    kind,
    namespaced: false,
  });
/** By another name, and for these namespaces alone. */
async function admissionOf(name: string, namespaceSelector: object): Promise<readonly NamedManifest[]> {
  return parseAllDocuments(await readFile(admission, 'utf8')).map((document) => {
    const manifest = document.toJS() as NamedManifest & { readonly spec: object };
    const isBinding = manifest.kind === 'MutatingAdmissionPolicyBinding';
    const scope = isBinding ? { policyName: name, matchResources: { namespaceSelector } } : {};
    return { ...manifest, metadata: { name }, spec: { ...manifest.spec, ...scope } };
  });
}
const nameLabel = 'kubernetes.io/metadata.name';
/**
 * For this world alone, whatever the cluster has of it.
 * One for no namespace stays: once the last is gone that reads ConfigMaps an API server sees none that is new until it is started again (kubernetes#130887).
 */
async function installAdmission({ kube, namespace, signal }: World): Promise<AsyncDisposable> {
  const own = await admissionOf(namespace, { matchLabels: { [nameLabel]: namespace } });
  const staying = await admissionOf('genops-test', {
    matchExpressions: [{ key: nameLabel, operator: 'DoesNotExist' }],
  });
  for (const manifest of [...staying, ...own])
    await kube.apply(admissionKind(manifest.kind), manifest, { manager: 'helm', force: true }, signal);
  return {
    async [Symbol.asyncDispose]() {
      for (const { kind, metadata } of own)
        await kube.delete(admissionKind(kind), metadata.name, {}, AbortSignal.timeout(10_000));
    },
  };
}
const resourcesOf = async (world: World, name: string) =>
  (await world.get(podResource, name))?.spec.containers.map(({ resources }) => resources)[0];

describe('resources', () => {
  test('are only told of by default, then resized in each Pod, never against its node, and given back', async () => {
    await using world = await startWorld();
    await world.apply(deployment());
    await paperPod(world, 'workflow-0');
    await declare(world, wanted);
    expect((await told(world, 'True', 'DryRun')).message).toContain('workflow-0 requests.cpu 20m → 30m');
    expect(await resourcesOf(world, 'workflow-0')).toEqual(small);

    await declare(world, { mode: 'Enforce', ...wanted }, { deletionPolicy: 'Restore' });
    await told(world, 'True', 'Applied');
    expect(await resourcesOf(world, 'workflow-0')).toEqual(wanted);
    await paperPod(world, 'workflow-1');
    await world.eventually(async () => expect(await resourcesOf(world, 'workflow-1')).toEqual(wanted));

    const scalesDown = async () =>
      (await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec.behavior;
    const byPolicy = (selectPolicy: string) =>
      expect.objectContaining({ scaleDown: expect.objectContaining({ selectPolicy }) });
    const visit = () =>
      declare(world, { mode: 'Enforce', ...wanted }, { deletionPolicy: 'Restore' }, { mode: 'Enforce' });
    await visit();
    await world.eventually(async () => expect(await scalesDown()).toEqual(byPolicy('Max')));
    const message = 'Node didn’t have enough capacity: memory';
    await asKubelet(world, 'workflow-1', [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible', message }]);
    await visit();
    const behind = await told(world, 'False', 'PodsBehind');
    expect(behind.message).toContain(`workflow-1 (Infeasible: ${message})`);
    await world.eventually(async () => expect(await scalesDown()).toEqual(byPolicy('Disabled')));
    await asKubelet(world, 'workflow-1');
    await visit();
    await told(world, 'True', 'Applied');
    await world.eventually(async () => expect(await scalesDown()).toEqual(byPolicy('Max')));

    await paperPod(world, 'workflow-2', {}); // a resize may not change its class
    const refused = await told(world, 'False', 'ResizeRefused');
    expect(refused.message).toMatch(/Qos Class may not change.*next: declare what/i);
    await world.delete(podResource, 'workflow-2');
    await told(world, 'True', 'Applied');

    await world.apply(deployment('workflow-execution', { resources: small }));
    await world.delete(generationServices, 'generation');
    await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
    expect(await resourcesOf(world, 'workflow-0')).toEqual(small);
  });

  test('are no less for a day than what a Pod was killed with, also once it is gone and another operator leads', async () => {
    await using world = await startWorld();
    await world.apply(deployment('workflow-execution', { resources: small }));
    await paperPod(world, 'workflow-0', small);
    await declare(world, { mode: 'Enforce', ...wanted });
    await told(world, 'True', 'Applied');
    const terminated = { exitCode: 137, reason: 'OOMKilled', finishedAt: new Date().toISOString() };
    const status = { name: 'app', image: 'app', imageID: '', ready: false, restartCount: 1, lastState: { terminated } };
    await asKubelet(world, 'workflow-0', [], { containerStatuses: [status] });
    const less = { requests: { cpu: '30m', memory: '24Mi' }, limits: { cpu: '300m', memory: '80Mi' } };
    await declare(world, { mode: 'Enforce', ...less });
    const { message } = await told(world, 'False', 'MemoryHeld');
    expect(message).toMatch(
      /^saw Pod workflow-0 killed for its memory at \S+Z; wanted .* or than the 96Mi that one was killed with$/,
    );

    await world.delete(podResource, 'workflow-0');
    await world.eventually(async () => expect(await world.get(podResource, 'workflow-0')).toBeUndefined());
    await paperPod(world, 'workflow-1', small); // as its template says
    await declare(world, { mode: 'Enforce', ...less });
    await world.eventually(async () => expect(await resourcesOf(world, 'workflow-1')).toEqual(wanted));
    await world.restartOperator();
    await paperPod(world, 'workflow-2', small);
    await declare(world, { mode: 'Enforce', ...less });
    await world.eventually(async () => expect(await resourcesOf(world, 'workflow-2')).toEqual(wanted));
    expect(await told(world, 'False', 'MemoryHeld')).toMatchObject({ message });
  });

  test('hold no HPA that was taken over any longer than their service is there, also where it leaves all as it is', async () => {
    await using world = await startWorld({ operator: false });
    await world.apply(deployment());
    await world.apply(hpa('by-hand', { minReplicas: 2, maxReplicas: 8 }));
    await paperPod(world, 'workflow-0', wanted);
    const message = 'Node didn’t have enough capacity: memory';
    await asKubelet(world, 'workflow-0', [{ type: 'PodResizePending', status: 'True', reason: 'Deferred', message }]);
    const service = generationService(
      { overrides: { horizontal: { mode: 'Enforce' }, resources: { mode: 'Enforce', ...wanted } } },
      { annotations: { 'genops.dev/adopt': 'hpa' } },
    );
    await world.apply(service);
    await world.restartOperator(); // which has the HPA in view before it makes one
    const scaleDown = async () => {
      const { behavior } = (await world.get(horizontalPodAutoscalers, 'by-hand'))?.spec ?? {};
      return (behavior as { readonly scaleDown?: { readonly selectPolicy?: string } } | undefined)?.scaleDown;
    };
    await world.eventually(async () => expect(await scaleDown()).toMatchObject({ selectPolicy: 'Disabled' }));
    expect((await world.service()).metadata.finalizers).toEqual(['genops.dev/restore']);

    await world.delete(generationServices, 'generation');
    await world.eventually(async () => expect(await world.get(generationServices, 'generation')).toBeUndefined());
    expect(await scaleDown()).toMatchObject({ selectPolicy: 'Max' });
    expect((await world.get(horizontalPodAutoscalers, 'by-hand'))?.spec.maxReplicas).toBe(20); // else as it was declared
    await world.eventually(async () =>
      expect(await eventNotes(world, 'SettingsRestored')).toEqual([
        expect.stringMatching(/^horizontal workflow: 1 put back, .*selectPolicy Disabled → Max$/), // also with deletionPolicy Retain
      ]),
    );

    await world.apply(service);
    await world.eventually(async () => expect(await scaleDown()).toMatchObject({ selectPolicy: 'Disabled' }));
    await asKubelet(world, 'workflow-0');
    await world.eventually(async () => expect(await scaleDown()).toMatchObject({ selectPolicy: 'Max' }));
    await world.eventually(async () => expect((await world.service()).metadata.finalizers).toBeUndefined());
  });

  test('are what a new Pod begins with, where the chart has installed its admission policy, and no longer than they are declared', async () => {
    await using world = await startWorld();
    await world.apply(deployment('workflow-execution', { resources: small }));
    await declare(world, { mode: 'Enforce', ...wanted });
    await told(world, 'True', 'Applied');
    if (askedMinor() === '1.34') {
      // which has no such policy: the chart says so
      const alone = ['--set-json', `namespaces=["${world.namespace}"]`]; // other tests have operators of their own
      const args = ['-n', world.namespace, '--dry-run=server', '--set', 'newPods.enabled=true', ...alone];
      const tools = await clusterTools([], world.signal);
      const installed = tools.helm('install', 'genops', 'charts/genops', ...args);
      await expect(installed).rejects.toThrow(/saw newPods\.enabled on Kubernetes v1\.34\.\d+; wanted 1\.36 or later/);
      return;
    }
    await using _ = await installAdmission(world);
    const labelSelector = 'genops.dev/new-pods=on';
    let made = 0;
    /** Resources as it was admitted: nobody resizes a Pod that does not run. */
    const newPod = async (labels: Readonly<Record<string, string>> = { app: 'workflow-execution' }, name = 'app') => {
      const containers = [
        { name: 'proxy', image: 'proxy', securityContext: restricted },
        { name, image: 'app', resources: small, securityContext: restricted },
      ];
      const pod = `new-${(made += 1)}`;
      const spec = { schedulerName: 'nobody', containers };
      await world.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod, labels }, spec });
      return (await world.get(podResource, pod))?.spec.containers.map(({ resources }) => resources);
    };
    await world.eventually(async () => expect(await newPod()).toEqual([{}, wanted])); // the server has to hear of the policy first
    expect(await newPod({ app: 'another' })).toEqual([{}, small]);
    expect(await newPod({ app: 'workflow-execution' }, 'worker')).toEqual([{}, small]);

    const other = {
      name: 'other',
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
    };
    await declare(world, { mode: 'Enforce', ...wanted }, { components: [other] }); // the component is gone, its ConfigMap is not
    await world.eventually(async () => {
      const all = await world.kube.list(configMaps, { namespace: world.namespace, labelSelector }, world.signal);
      expect(all.map(({ metadata }) => metadata.name)).toEqual(['generation-other-new-pods']);
    });

    await declare(world, { mode: 'Off', ...wanted });
    await told(world, 'True', 'Off');
    await world.eventually(async () => expect(await newPod()).toEqual([{}, small]));
  });

  test('of the template take a right of its own, and nothing from anybody else', async () => {
    await using world = await startWorld();
    await world.apply(deployment());
    const template = async () => (await world.get(deployments, 'workflow-execution'))?.spec;
    await declare(world, { mode: 'Enforce', method: 'Template', ...wanted });
    const { message } = await told(world, 'False', 'PermissionDenied');
    expect(message).toContain('--verb=get,patch --resource=deployments.apps --resource-name=workflow-execution');
    const rule = { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'patch'] };
    await allow(world.kube, world.namespace, rule, world.signal);
    await told(world, 'True', 'Applied');
    const container = { name: 'app', resources: wanted };
    expect(await template()).toMatchObject({ template: { spec: { containers: [container] } } });
    const { metadata } = (await world.get(deployments, 'workflow-execution')) ?? {};

    await declare(world, { mode: 'Enforce', ...wanted });
    const byApply = (field: unknown) =>
      (field as { readonly manager: string; readonly operation: string }).operation === 'Apply';
    await world.eventually(async () => {
      const next = (await world.get(deployments, 'workflow-execution'))?.metadata;
      expect(next?.managedFields?.filter(byApply)).toMatchObject([{ manager: 'kubectl' }]);
      expect(next?.generation).toBe(metadata?.generation); // handed over, and not rolled out
    });
    expect(await template()).toMatchObject({ template: { spec: { containers: [container] } } });

    await world.apply(deployment('workflow-execution', { resources: small }));
    await declare(world, { mode: 'Enforce', method: 'Template', ...wanted });
    const conflict = await told(world, 'False', 'Conflict');
    expect(conflict.message).toContain('.spec.template.spec.containers[name="app"].resources.requests.cpu (kubectl)');
    expect(await template()).toMatchObject({ template: { spec: { containers: [{ resources: small }] } } });
  });
});

test('a Pod on a real node is resized without a restart', async () => {
  await clusterTools([], AbortSignal.timeout(100_000));
  await using world = await startWorld();
  const image = { image: pauseImageName, imagePullPolicy: 'Never', securityContext: restricted };
  await world.apply(deployment('workflow-execution', { replicas: 2, resources: small, ...image }));
  const pods = async () => {
    const all = await world.kube.list(podResource, { namespace: world.namespace }, world.signal);
    return all.map(({ metadata: { uid }, status }) => ({ uid, containers: status?.containerStatuses }));
  };
  const runWith = (resources: object) => async () => {
    const both = [{ restartCount: 0, resources }];
    const all = await pods();
    expect(all.map(({ containers }) => containers)).toMatchObject([both, both]);
    return all.map(({ uid }) => uid);
  };
  const before = await world.eventually(runWith(small), { withinMs: 60_000 });

  await declare(world, { mode: 'Enforce', ...wanted });
  expect(await world.eventually(runWith(wanted), { withinMs: 60_000 })).toEqual(before);
  await told(world, 'True', 'Applied');

  const huge = { requests: { cpu: '30m', memory: '500Gi' }, limits: { cpu: '300m', memory: '500Gi' } };
  await declare(world, { mode: 'Enforce', ...huge });
  if (askedMinor() === '1.34')
    expect((await told(world, 'False', 'PodsBehind')).message).toMatch(/Infeasible: .*enough capacity: memory/);
  else expect((await told(world, 'False', 'ResizeRefused')).message).toContain('enough allocatable resources: memory');
  expect(await runWith(wanted)()).toEqual(before); // what runs goes on as it was
}, 240_000);
