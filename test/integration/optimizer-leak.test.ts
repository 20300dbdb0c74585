import { expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { amount } from '../../operator/api/quantity.ts';
import { podResource } from '../../operator/metrics/pod-view.ts';
import { deployment, generationService } from '../world/builders.ts';
import { clusterTools } from '../world/cluster-tools.ts';
import { restricted } from '../world/ready-pod.ts';
import { eventNotes, expectCondition, startWorld, type World } from '../world/world.ts';
import { key, optimizer, rules, rulesOf } from './optimizer-world.ts';

/** Of a row each second a comparison needs 180 that are known, and a busy machine leaves some out. */
const historyMs = 215_000;

test('on a real node what a workload has left lying in memory is collected once it is too much, once; what came of it is told from what was measured before, and stands in the status', async () => {
  await clusterTools(['workload'], AbortSignal.timeout(100_000));
  await using world = await startWorld({ operator: ['--no-leader-elect'], secrets: ['admin'] });
  await world.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'admin' }, stringData: { key } });
  const workload = {
    image: 'genops-workload:dev',
    imagePullPolicy: 'IfNotPresent',
    env: [
      { name: 'DEFECT_GARBAGE_MB', value: '200' },
      { name: 'ADMIN_KEY', valueFrom: { secretKeyRef: { name: 'admin', key: 'key' } } },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'metrics', containerPort: 9090 },
    ],
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 2 },
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '500m', memory: '512Mi' } },
    securityContext: { ...restricted, runAsUser: 65_532 },
  };
  await world.apply(deployment('workflow-execution', { replicas: 1, ...workload }));
  const declare = (mode: 'Off' | 'Enforce') => {
    const others = rules.filter((name) => name !== 'gc-on-memory').map((name) => ({ name, mode: 'Off' as const }));
    const { spec, ...rest } = generationService({
      overrides: {
        collector: { interval: '1s', timeout: '1s' },
        horizontal: { mode: 'Off' },
        optimizer: optimizer({ rules: [{ name: 'gc-on-memory', mode, when: { value: '200Mi' } }, ...others] }),
      },
    });
    const admin = { port: 'metrics', scheme: 'HTTP', secretRef: { name: 'admin', key: 'key' } };
    return world.apply({ ...rest, spec: { ...spec, components: spec.components.map((one) => ({ ...one, admin })) } });
  };
  await declare('Off');
  await world.eventually(async () => expectCondition(await world.service(), 'MetricsAvailable', { status: 'True' }), {
    withinMs: 90_000,
  });
  await delay(historyMs, undefined, { signal: world.signal });
  expect(await rulesOf(world)).toEqual([]);
  expect(await memoryOf(world)).toBeGreaterThan(200); // else it has collected it by itself

  await declare('Enforce');
  const [judged] = await world.eventually(
    async () => {
      const found = await rulesOf(world);
      const { conditions } = (await world.service()).status ?? {};
      const seen = { memory: await memoryOf(world), is: conditions?.find(({ type }) => type === 'OptimizerActive') };
      expect([seen, found]).toEqual([
        seen,
        [expect.objectContaining({ lastAction: expect.objectContaining({ outcome: expect.anything() }) })],
      ]);
      return found;
    },
    { withinMs: 120_000 },
  );
  // 1 s after the collection metrics-server still has the memory from before it.
  const { message: told } = expectCondition(await world.service(), 'OptimizerActive', { status: 'True' });
  expect(told).toMatch(
    /optimizer\.settle 1s is too short for gc-on-memory on workflow: .* about every 15s; 30s is taken/,
  );
  const { outcome, message, before = '', after = '' } = judged?.lastAction ?? {};
  expect(`${judged?.name} ${outcome}: ${message}`).toMatch(
    /^gc-on-memory Improved: memory [\d.]+Mi > 200Mi; [12]\d\dMi freed in 1 of 1 Pods; memory [\d.]+Mi before, /,
  );
  expect(parseFloat(before) - parseFloat(after)).toBeGreaterThan(100); // of 200Mi
  const collections = async () => {
    const [pod] = await world.kube.list(podResource, { namespace: world.namespace }, world.signal);
    const page = await (await fetch(`http://${pod?.status?.podIP}:9090/metrics`, { signal: world.signal })).text();
    return /^generation_memory_collections_total (\d+)$/m.exec(page)?.[1];
  };
  expect(await collections()).toBe('1');
  await world.eventually(async () => expect(await eventNotes(world, 'ActionHelped')).toHaveLength(1));
  await world.consistently(async () => expect(await eventNotes(world, 'ActionTaken')).toHaveLength(1), 12_000); // a look and more
  expect(await collections()).toBe('1');
}, 480_000);

/** Mi, as metrics.k8s.io has it of the one Pod that there is. */
async function memoryOf({ kube, namespace, signal }: World): Promise<number> {
  const list = await kube.raw({ path: `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods` }, signal);
  const { items } = list as { items: { containers: { usage: { memory: string } }[] }[] };
  return (amount(items[0]?.containers[0]?.usage.memory) ?? NaN) / 2 ** 20;
}
