import { beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { progressOn } from '../../hack/cluster/progress.ts';
import { gitOpsPrograms } from '../../hack/cluster/tools.ts';
import type { KubeObject } from '../../operator/kube/object.ts';
import { managers } from '../../operator/levers/apply-owned.ts';
import { configMaps, deployments, performancePolicies } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService, hpa, performancePolicy } from '../world/builders.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';

const run = promisify(execFile);
const patience = (): AbortSignal => AbortSignal.timeout(600_000);

interface Health {
  readonly status: string;
  readonly message: string;
}
interface Verdicts {
  readonly kstatus: string;
  readonly flux: string;
  readonly lua: {
    readonly health: Health;
    readonly actions: Readonly<Record<string, { readonly disabled: boolean }>>;
  } & Readonly<Record<string, KubeObject>>;
}
interface Action {
  readonly name: string;
  readonly 'action.lua': string;
}

let program = '';
let argocd: KubeObject & { readonly data: Readonly<Record<string, string>> };
let kustomization = '';
beforeAll(async () => {
  program = join(await gitOpsPrograms(progressOn(process.stderr), patience()), 'gitops');
  const tools = await clusterTools([], patience());
  argocd = parse(await tools.kubectl('kustomize', 'config/gitops/argocd')) as typeof argocd;
  kustomization = await readFile('config/gitops/flux/kustomization.yaml', 'utf8');
}, 900_000);

/** What Argo CD's ConfigMap has for a kind. */
const customization = (part: string, kind: string): string =>
  argocd.data[`resource.customizations.${part}.genops.dev_${kind}`] ?? '';

/** What kstatus, Flux and Argo CD say of an object, and what each action makes of it. */
async function verdicts(object: KubeObject | undefined, kind: string): Promise<Verdicts> {
  const { definitions = [], ...discovery } = (parse(customization('actions', kind)) ?? {}) as {
    readonly definitions?: readonly Action[];
    readonly 'discovery.lua'?: string;
  };
  const scripts = {
    health: customization('health', kind),
    actions: discovery['discovery.lua'] ?? 'return {}',
    ...Object.fromEntries(definitions.map((action) => [action.name, action['action.lua']])),
  };
  const asked = run(program, [], { timeout: 30_000 });
  asked.child.stdin?.on('error', () => undefined); // it has died, of what the next line says
  asked.child.stdin?.end(JSON.stringify({ object, kustomization, scripts }));
  return JSON.parse((await asked).stdout) as Verdicts;
}

const ofService = async (world: World): Promise<Verdicts> => verdicts(await world.service(), 'GenerationService');
const said = ({ kstatus, flux, lua }: Verdicts): readonly string[] => [kstatus, lua.health.status, flux];
const offered = ({ lua }: Verdicts): readonly string[] =>
  Object.entries(lua.actions)
    .filter(([, { disabled }]) => !disabled)
    .map(([name]) => name);

/** As Argo CD does it: what the action made of the object is patched onto it. */
async function act(world: World, name: string): Promise<void> {
  const before = await verdicts(await world.service(), 'GenerationService');
  expect(offered(before)).toContain(name);
  const { metadata, ...changed } = before.lua[name] as KubeObject & { readonly spec: unknown };
  expect(changed.spec).toEqual((await world.service()).spec);
  const { annotations = {} } = metadata;
  await world.apply(generationService({}, { annotations }));
}

test('a GenerationService is Current, InProgress or Failed to kstatus and Flux, and has the same health and actions in Argo CD', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(deployment());
  await world.apply(generationService());
  const unseen = await ofService(world);
  expect(said(unseen)).toEqual(['InProgress', 'Progressing', 'InProgress']); // nobody has looked: not Current for want of a status

  await world.restartOperator();
  await world.eventually(async () => expectCondition(await world.service(), 'Ready', { status: 'True' }));
  const well = await ofService(world);
  expect(said(well)).toEqual(['Current', 'Healthy', 'Current']);
  expect(offered(well)).toEqual(['pause']);

  await act(world, 'pause');
  await world.eventually(async () => expect(said(await ofService(world))).toEqual(['Current', 'Suspended', 'Current']));
  await act(world, 'resume');
  await world.eventually(async () => expect(said(await ofService(world))).toEqual(['Current', 'Healthy', 'Current']));

  const tooSlow = { type: 'ObjectivesMet', status: 'False', reason: 'NotMet', message: 'CachedResponseTime 140ms' };
  const service = await world.service();
  const slow = { ...service, status: { ...service.status, conditions: [...(service.status?.conditions ?? []).filter(({ type }) => type !== 'ObjectivesMet'), tooSlow] } }; // prettier-ignore
  expect((await verdicts(slow, 'GenerationService')).lua.health).toEqual({
    status: 'Healthy',
    message: 'Objectives are not met: CachedResponseTime 140ms',
  });

  const arriving = { type: 'Reconciling', status: 'True', reason: 'Pending', message: 'RuntimeApplied: not read yet' };
  const moving = { ...service, status: { ...service.status, conditions: [...(service.status?.conditions ?? []), arriving] } }; // prettier-ignore
  const still = await verdicts(moving, 'GenerationService');
  expect(said(still)).toEqual(['InProgress', 'Progressing', 'InProgress']);
  expect(still.lua.health.message).toBe('Pending: RuntimeApplied: not read yet');

  await world.delete(deployments, 'workflow-execution');
  await world.eventually(async () =>
    expectCondition(await world.service(), 'TargetFound', { status: 'False', reason: 'NotFound' }),
  );
  const waiting = await ofService(world);
  expect(said(waiting)).toEqual(['InProgress', 'Progressing', 'InProgress']);
  expect(waiting.lua.health.message).toMatch(/^NotFound: .*workflow-execution/);
});

test('where only a person can go on it is Failed and Degraded, until adopt-hpa was asked for', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(deployment());
  await world.apply(hpa('by-hand', { minReplicas: 1, maxReplicas: 3 }));
  await world.apply(generationService({}, { annotations: { 'genops.dev/adopt': 'vpa' } }));
  await world.restartOperator(); // which has the HPA in view before it makes one
  await world.eventually(async () => expectCondition(await world.service(), 'Stalled', { status: 'True' }));
  const stalled = await ofService(world);
  expect(said(stalled)).toEqual(['Failed', 'Degraded', 'Failed']);
  expect(stalled.lua.health.message).toMatch(/^Conflict: .*by-hand/);
  expect(offered(stalled).toSorted()).toEqual(['adopt-hpa', 'pause']);

  const service = await world.service();
  const offeredWith = async (say: (message: string) => string) => {
    const conditions = service.status?.conditions?.map((one) => ({ ...one, message: say(one.message) }));
    const object = { ...service, status: { ...service.status, conditions } };
    return offered(await verdicts(object, 'GenerationService'));
  };
  expect(await offeredWith((message) => `workflow: ${message} | cache: saw something`)).toContain('adopt-hpa');
  for (const other of ['saw two HorizontalPodAutoscalers', 'saw other field managers on HorizontalPodAutoscaler ai/x'])
    expect(await offeredWith(() => other)).toEqual(['pause']); // what adopt changes nothing of

  await act(world, 'adopt-hpa');
  expect((await world.service()).metadata.annotations).toMatchObject({ 'genops.dev/adopt': 'vpa,hpa' });
  await world.eventually(async () => expect(said(await ofService(world))).toEqual(['Current', 'Healthy', 'Current']));
});

test('a PerformancePolicy that contradicts itself is Failed and Degraded, and one that nobody has looked at is no success', async () => {
  await using world = await startWorld({ operator: false });
  await world.apply(performancePolicy());
  const look = async () => said(await verdicts(await world.get(performancePolicies, 'standard'), 'PerformancePolicy'));
  expect(await look()).toEqual(['InProgress', 'Progressing', 'InProgress']);
  await world.restartOperator();
  await world.eventually(async () => expect(await look()).toEqual(['Current', 'Healthy', 'Current']));
  await world.apply(performancePolicy({ horizontal: { minReplicas: 25 } })); // above the default of maxReplicas
  await world.eventually(async () => expect(await look()).toEqual(['Failed', 'Degraded', 'Failed']));
  await world.apply(performancePolicy({ horizontal: { minReplicas: 5 } }));
  await world.eventually(async () => expect(await look()).toEqual(['Current', 'Healthy', 'Current']));
});

test('what Argo CD is told goes beside what its ConfigMap has, and no field of the operator is a difference', async () => {
  await using world = await startWorld({ operator: false });
  const options = { manager: 'argocd', force: false } as const;
  const theirs = { metadata: { namespace: world.namespace, name: argocd.metadata.name }, data: { url: 'https://cd' } };
  await world.kube.apply(configMaps, theirs, options, world.signal);
  await world.apply({ ...argocd, kind: 'ConfigMap' });
  const { data } = (await world.get(configMaps, argocd.metadata.name)) ?? {};
  expect(data).toEqual({ ...argocd.data, url: 'https://cd' });

  const ignored = Object.entries(argocd.data).filter(([key]) => key.includes('.ignoreDifferences.'));
  const ours = { managedFieldsManagers: Object.values(managers) };
  expect(Object.fromEntries(ignored.map(([key, text]) => [key.split('_').at(-1), parse(text) as unknown]))).toEqual({
    Deployment: ours,
    StatefulSet: ours,
    HorizontalPodAutoscaler: ours,
    ScaledObject: ours,
    HTTPRoute: { jqPathExpressions: ['.spec.rules[]?.backendRefs[]?.weight'] },
  });
});
