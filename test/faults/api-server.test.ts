import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { controlPlane, type ControlPlane } from '../../hack/cluster/control-plane.ts';
import { progressOn } from '../../hack/cluster/progress.ts';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { configMaps, performancePolicies } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { settled } from '../world/eventually.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';

const patient = { withinMs: 60_000 };
const changed = 'changed';
const tuned = 'tuned';
const others = [tuned, 'b', 'c'];
let plane: ControlPlane;

beforeAll(async () => {
  plane = await controlPlane({ progress: progressOn(process.stderr) }, AbortSignal.timeout(900_000));
  process.env['GENOPS_TEST_KUBECONFIG'] = plane.kubeconfigPath; // nobody else's API server is killed
}, 900_000);
afterAll(async () => plane[Symbol.asyncDispose]());

const targetRef = (name: string) => ({ apiVersion: 'apps/v1', kind: 'Deployment', name: `web-${name}` });
const service = (name: string, spec: Partial<GenerationServiceSpec> = {}) =>
  generationService(
    { policyRef: { name: 'standard' }, components: [{ name: 'workflow', targetRef: targetRef(name) }], ...spec },
    { name },
  );
const autoscaler = (world: World, name: string) => world.get(horizontalPodAutoscalers, `${name}-workflow-hpa`);

const allReady = async (world: World, names: readonly string[]): Promise<void> => {
  for (const name of names) expectCondition(await world.service(name), 'Ready', { status: 'True' });
};
const setPolicy = (world: World, name: string, horizontal: { readonly maxReplicas?: number }): Promise<void> =>
  world.apply(performancePolicy({ horizontal }, name));

/** Versions of all that belongs to the services of which nothing is asked: a write that changes anything moves one. */
const versions = async (world: World): Promise<unknown> => {
  const objects = others.map(async (name) => [
    (await world.service(name)).metadata.resourceVersion,
    (await autoscaler(world, name))?.metadata.resourceVersion,
    (await world.get(configMaps, `${name}-genops-state`))?.metadata.resourceVersion,
  ]);
  return [
    ...(await Promise.all(objects)),
    (await world.get(performancePolicies, 'standard'))?.metadata.resourceVersion,
  ];
};

/** Kills the API server, waits until the operator has noticed as far as `noticed` says, and starts it again. */
async function outage(world: World, noticed: () => Promise<void>): Promise<void> {
  await plane.kill('kube-apiserver');
  await world.eventually(noticed, patient);
  await world.operator.healthz();
  await plane.start('kube-apiserver');
}

test.each([
  { name: 'for a moment: it stays the leader', leader: 1 },
  { name: 'until leadership is lost: it takes it up again', leader: 0 },
])(
  'an API server that is killed $name; a policy changed afterwards is applied, and nothing else changes',
  async ({ leader }) => {
    await using world = await startWorld({ redis: [{}] });
    const { operator } = world;
    for (const policy of ['standard', changed]) await setPolicy(world, policy, {});
    for (const name of [changed, ...others]) await world.apply(deployment(`web-${name}`));
    await world.apply(service(changed, { policyRef: { name: changed } }));
    await world.apply(service(tuned, { redis: [{ name: 'cache', secretRef: { name: 'redis' } }] }));
    for (const name of others) if (name !== tuned) await world.apply(service(name));
    await world.eventually(() => allReady(world, [changed, ...others]), patient);
    await world.eventually(async () =>
      expect((await world.get(performancePolicies, 'standard'))?.status?.services).toBe(others.length),
    );
    const before = await settled(() => versions(world));
    const generation = (await autoscaler(world, changed))?.metadata.generation ?? 0;

    await outage(world, async () => {
      expect(operator.log()).toContain('watch failed');
      expect(await operator.counter('genops_leader')).toBe(leader);
    });
    await setPolicy(world, changed, { maxReplicas: 7 });

    await world.eventually(
      async () => expect(await autoscaler(world, changed)).toMatchObject({ spec: { maxReplicas: 7 } }),
      patient,
    );
    await world.eventually(() => allReady(world, [changed, ...others]), patient);
    expect((await autoscaler(world, changed))?.metadata.generation).toBe(generation + 1);
    expect(await operator.counter('genops_leader')).toBe(1);
    await world.consistently(async () => expect(await versions(world)).toEqual(before), 5_000);
    await operator.healthz();
  },
);

test('an API server that is killed while services are brought to their policy: each is ready afterwards, and written once', async () => {
  await using world = await startWorld();
  const names = Array.from({ length: 20 }, (_, at) => `service-${at}`);
  await setPolicy(world, 'standard', {});
  for (const name of names) await world.apply(deployment(`web-${name}`));
  await Promise.all(names.map((name) => world.apply(service(name))));
  await world.eventually(async () => {
    const made = await world.kube.list(horizontalPodAutoscalers, { namespace: world.namespace }, world.signal);
    expect(made.length).toBeGreaterThan(0);
  });

  await outage(world, async () => expect(world.operator.log()).toContain('watch failed'));

  await world.eventually(() => allReady(world, names), patient);
  for (const name of names) expect((await autoscaler(world, name))?.metadata.generation).toBe(1);
});
