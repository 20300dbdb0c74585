import { beforeAll, expect, test } from '@jest/globals';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { deployment, generationService } from '../world/builders.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { restricted } from '../world/ready-pod.ts';
import { eventNotes, expectCondition, startWorld } from '../world/world.ts';
import { optimizer, rules, rulesOf } from './optimizer-world.ts';

beforeAll(() => clusterTools(['workload'], AbortSignal.timeout(600_000)), 600_000);

test('on a real node the Pod that leaks is evicted and its Deployment replaces it; a raised limit is in force in the Pods that run, without a restart', async () => {
  await using world = await startWorld({ operator: ['--no-leader-elect'] });
  const resources = { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '500m', memory: '512Mi' } };
  const workload = {
    image: 'genops-workload:dev',
    imagePullPolicy: 'IfNotPresent',
    env: [
      { name: 'DEFECT_LEAK_KB', value: '20000' }, // of each request
      { name: 'ITEM_LOAD_MS', value: '1' },
    ],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'metrics', containerPort: 9090 },
    ],
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 2 },
    resources,
    securityContext: { ...restricted, runAsUser: 65_532 },
  };
  await world.apply(deployment('workflow-execution', { replicas: 2, ...workload }));
  const twoReady = async () => {
    const all = await world.kube.list(podResource, { namespace: world.namespace }, world.signal);
    const ready = all.filter(
      ({ metadata, status }) =>
        metadata.deletionTimestamp === undefined &&
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    );
    expect(ready).toHaveLength(2);
    return ready;
  };
  const [leaking, other] = await world.eventually(twoReady, { withinMs: 90_000 });
  for (let count = 0; count < 10; count += 1)
    await fetch(`http://${leaking?.status?.podIP}:8080/api/item/1`, { signal: world.signal });

  const others = rules.map((name) => ({ name, mode: 'Off' as const }));
  const overrides = { collector: { interval: '1s', timeout: '1s' }, horizontal: { mode: 'Off' as const } };
  const over = { metric: 'memory', operator: 'GreaterThan' } as const;
  const evict = {
    name: 'evict',
    when: { ...over, value: '220Mi' },
    action: 'EvictWorstPod',
    bounds: { step: '1', max: '1' },
  } as const;
  await world.apply(
    generationService({ overrides: { ...overrides, optimizer: optimizer({ rules: [...others, evict] }) } }),
  );
  await world.eventually(
    async () =>
      expect(await rulesOf(world)).toMatchObject([{ name: 'evict', lastAction: { outcome: 'Inconclusive' } }]), // after less than 180 rows
    { withinMs: 120_000 },
  );
  const names = (await twoReady()).map(({ metadata: { name } }) => name);
  expect(names).toContain(other?.metadata.name);
  expect(names).not.toContain(leaking?.metadata.name);
  expect(await eventNotes(world, 'ActionTaken')).toEqual([
    expect.stringContaining(`Mi > 220Mi: ${leaking?.metadata.name} (`),
  ]);

  const raise = {
    name: 'raise',
    when: { ...over, value: '20Mi' },
    action: 'RaiseMemoryLimit',
    bounds: { step: '256Mi', max: '640Mi' },
  } as const;
  await world.apply(
    generationService({
      overrides: {
        ...overrides,
        resources: { mode: 'Enforce', ...resources },
        optimizer: optimizer({ rules: [...others, raise] }),
      },
    }),
  );
  await world.eventually(
    async () => {
      const pods = await twoReady();
      expect(pods.map(({ metadata: { name } }) => name)).toEqual(names);
      const raised = [{ restartCount: 0, resources: { limits: { memory: '640Mi' } } }]; // as its runtime has it
      for (const { status } of pods) expect(status?.containerStatuses).toMatchObject(raised);
    },
    { withinMs: 60_000 },
  );
  await world.eventually(
    async () => {
      expect((await rulesOf(world)).find(({ name }) => name === 'raise')?.lastAction).toMatchObject({
        outcome: expect.stringMatching(/^(Inconclusive|NoEffect|Improved)$/),
        message: expect.stringContaining('memory limit 512Mi → 640Mi'),
      });
      const { message } = expectCondition(await world.service(), 'OptimizerActive', { status: 'True' });
      expect(message).toContain('Memory limits are raised: workflow to 640Mi.');
    },
    { withinMs: 60_000 },
  );
});
