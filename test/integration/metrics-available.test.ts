import { expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import type { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { deployment, generationService } from '../world/builders.ts';
import { readyPod } from '../world/ready-pod.ts';
import { expectCondition, startWorld, type World } from '../world/world.ts';
import { listening } from './source-world.ts';

const patience = { withinMs: 60_000 };
const flags = ['--allow-metric-address', '127.0.0.0/8', '--no-leader-elect'];
const often = { collector: { interval: '1s', timeout: '1s' } } as const;

/** A Pod that answers as it is told to, and counts how often it is asked. */
async function openPod() {
  const pod = { answer: (response: ServerResponse, _: string) => void response.writeHead(500).end(), asked: 0 };
  const server = await listening((request, response) => {
    pod.asked += 1;
    pod.answer(response, request.url ?? '');
  });
  return Object.assign(pod, { port: server.port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() });
}
const answering = (status: number) => (response: ServerResponse) => void response.writeHead(status).end();

/** A service of Pods that no node has. */
async function openService(
  world: World,
  ports: readonly number[],
  spec: Partial<GenerationServiceSpec>,
): Promise<void> {
  const made = deployment('workflow-execution', { replicas: ports.length });
  const { template } = made.spec;
  const pod = { ...template.spec, schedulerName: 'nobody' };
  await world.apply({ ...made, spec: { ...made.spec, template: { ...template, spec: pod } } });
  for (const [index, port] of ports.entries()) await readyPod(world, port, `workflow-${index}`);
  await world.apply(generationService({ overrides: often, ...spec }));
}

const workflow = {
  name: 'workflow',
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow-execution' },
};
const pods = { type: 'Pods', pods: { port: 'metrics', path: '/metrics', scheme: 'HTTP' } } as const;
const says = (world: World, message: RegExp) =>
  world.eventually(async () => {
    const wanted = { status: 'False', reason: 'SourceUnreachable' };
    expect(expectCondition(await world.service(), 'MetricsAvailable', wanted).message).toMatch(message);
  }, patience);

test.concurrent(
  'whoever repairs one thing after another is told of each; a cause that changes with each look is no write with each',
  async () => {
    await using pod = await openPod();
    await using world = await startWorld({ operator: flags });
    await openService(world, [pod.port], { components: [{ ...workflow, metrics: [pods] }] });
    await says(world, /answered 500 \(component workflow\)/);
    pod.answer = answering(401);
    await says(world, /answered 401 \(component workflow\)/);
    pod.answer = (response) => void response.setHeader('content-type', 'text/html').end('<p>');
    await says(world, /answered text\/html, not a Prometheus exposition/);
    pod.answer = answering(404);
    await says(world, /answered 404 /);

    const { resourceVersion } = (await world.service()).metadata;
    const from = pod.asked;
    pod.answer = (response) => answering(pod.asked % 2 === 0 ? 401 : 404)(response);
    await world.eventually(() => expect(pod.asked).toBeGreaterThanOrEqual(from + 4), patience); // a Pod that fails is asked each eighth look
    expect((await world.service()).metadata.resourceVersion).toBe(resourceVersion);
  },
  180_000,
);

/** Three workflows in flight, and a few more that ended since the start. */
function workflowPage(): string {
  const count = Math.floor(performance.now() / 100);
  const histogram = (name: string) =>
    `# TYPE ${name} histogram\n${name}_bucket{le="0.05"} ${count}\n${name}_bucket{le="+Inf"} ${count}\n${name}_sum ${count / 100}\n${name}_count ${count}\n`;
  const times = ['http_server_request_duration_seconds', 'generation_workflow_duration_seconds']
    .map(histogram)
    .join('');
  return `${times}# TYPE generation_workflows_in_flight gauge\ngeneration_workflows_in_flight 3\n`;
}
const serving = (response: ServerResponse) =>
  void response.setHeader('content-type', 'text/plain; version=0.0.4').end(workflowPage());

test.concurrent(
  'what one of two Pods has in flight is a lower bound while the other hangs: unknown below the target, and exercised once both are read',
  async () => {
    await using a = await openPod();
    await using b = await openPod();
    a.answer = serving;
    b.answer = () => undefined; // it never answers
    await using world = await startWorld({ operator: flags });
    const objectives = { window: '1m', concurrentWorkflows: { target: 4 } } as const;
    const components = [{ ...workflow, metrics: [pods] }];
    await openService(world, [a.port, b.port], { overrides: { ...often, objectives }, components });
    const concurrent = (expected: object) =>
      world.eventually(async () => {
        const { objectives: all = [] } = (await world.service()).status ?? {};
        expect(all.find(({ name }) => name === 'ConcurrentWorkflows')).toMatchObject(expected);
      }, patience);
    await concurrent({ state: 'Unknown', measured: '≥3' });
    b.answer = serving;
    await concurrent({ state: 'Met', measured: '6' });
  },
  180_000,
);
