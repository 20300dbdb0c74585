import { expect, test } from '@jest/globals';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { configMaps, deployments } from '../../operator/reconcilers/kinds.ts';
import { deployment, generationService, performancePolicy } from '../world/builders.ts';
import { readyPod } from '../world/ready-pod.ts';
import { events, startWorld, type World } from '../world/world.ts';
import { listening } from './source-world.ts';

const patience = { withinMs: 90_000 };
const flags = ['--allow-metric-address', '127.0.0.0/8', '--no-leader-elect'];

/** What stands for a Pod: 50 requests between two looks, each of as many seconds. */
async function openWorkload() {
  const world = { responseSeconds: 0.05, requests: 0, seconds: 0 };
  const name = 'http_server_request_duration_seconds';
  const server = await listening((_, response) => {
    world.requests += 50;
    world.seconds += 50 * world.responseSeconds;
    const lines = [
      `# TYPE ${name} histogram`,
      `${name}_bucket{le="+Inf"} ${world.requests}`,
      `${name}_sum ${world.seconds}`,
      `${name}_count ${world.requests}`,
      '# TYPE generation_queue_length gauge',
      'generation_queue_length 0',
    ];
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(`${lines.join('\n')}\n`);
  });
  return Object.assign(world, { port: server.port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() });
}

const floorOf = async (world: World): Promise<number | undefined> =>
  (await world.get(horizontalPodAutoscalers, 'generation-workflow-hpa'))?.spec.minReplicas;
const replicasOf = async (world: World): Promise<number | undefined> =>
  (await world.get(deployments, 'workflow-execution'))?.spec.replicas;

test('Score: when answers get slow the floor rises by two and the real HPA follows; an operator that was killed knows the cooldown', async () => {
  await using workload = await openWorkload();
  await using world = await startWorld({ operator: flags });
  await world.apply(deployment('workflow-execution', { replicas: 2 }));
  await readyPod(world, workload.port);
  const cpu = {
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } },
  } as const;
  await world.apply(
    performancePolicy({
      collector: { interval: '2s', timeout: '1s' },
      horizontal: { metrics: [cpu] },
      scaler: { interval: '5s', cooldown: '1h', scaleUp: { threshold: 25 } }, // response time alone gives 30
    }),
  );
  await world.apply(generationService({ policyRef: { name: 'standard' } }));
  await world.eventually(async () => expect(await floorOf(world)).toBe(2), patience);

  workload.responseSeconds = 2;
  await world.eventually(async () => expect(await floorOf(world)).toBe(4), patience);
  await world.eventually(async () => expect(await replicasOf(world)).toBe(4), patience);
  await world.eventually(async () => {
    const { status } = await world.service();
    expect(status?.components?.[0]?.decision).toMatchObject({
      action: 'ScaleUp',
      from: 2,
      to: 4,
      reason: 'LoadHigh',
      message: expect.stringMatching(
        /^up 30 of more than 25 \(latency [12]\S* > 1: \+30; cpu missing, memory missing\)/,
      ),
    });
  });
  const told = await world.kube.list(events, { namespace: world.namespace }, world.signal);
  expect(told.map(({ reason }) => reason)).toContain('FloorRaised');
  const kept = (await world.get(configMaps, 'generation-genops-state'))?.data?.['state.json'] ?? '';
  expect(JSON.parse(kept)).toMatchObject({ scaler: { workflow: { floor: 4 } } });

  await world.operator.kill();
  await world.restartOperator(flags);
  const before = workload.requests;
  await world.eventually(() => expect(workload.requests).toBeGreaterThan(before + 500), patience); // ten looks at the Pod
  expect(await floorOf(world)).toBe(4);
}, 300_000);
