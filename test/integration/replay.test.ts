import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { deployment, performancePolicy } from '../world/builders.ts';
import { eventually } from '../world/eventually.ts';
import { openViewsOperator, genops, type ViewsOperator } from './views-operator.ts';
import { listening } from './source-world.ts';

let operator: ViewsOperator;
beforeAll(async () => {
  operator = await openViewsOperator();
}, 900_000);
afterAll(async () => {
  await operator[Symbol.asyncDispose]();
});

const kubectl: ViewsOperator['kubectl'] = (args, input) => operator.kubectl(args, input);
const generation = (): readonly string[] => ['generation', '-n', 'ai', '--kubeconfig', operator.plane.kubeconfigPath];

test('genops report has the decisions that the operator tells of, and genops replay asks Score for each once more', async () => {
  const patch = JSON.stringify({
    spec: { mode: 'Enforce', overrides: { scaler: { algorithm: 'Score', interval: '5s' } } },
  });
  await kubectl(['apply', '-n', 'ai', '-f', '-'], stringify(deployment('workflow-execution', { replicas: 2 })));
  await kubectl(['patch', 'gensvc', 'generation', '-n', 'ai', '--type=merge', '-p', patch]);
  const file = join(operator.folder, 'bundle.yaml');
  await eventually(async () => {
    const report = await genops('report', ...generation(), '--service-account', 'viewer');
    expect(report).toMatchObject({ code: 0, err: '' });
    expect(parse(report.out)).toMatchObject({
      decisions: {
        newestDecisions: [{ component: 'workflow', score: { input: { minReplicas: expect.any(Number) } } }],
      },
    });
    await writeFile(file, report.out);
  });
  expect(await genops('replay', file)).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(/\nscaler\/workflow: at \S+Z Score asks for \d+ \(\w+\), as then\n$/),
  });

  expect(parse((await genops('report', ...generation())).out)).toMatchObject({ decisions: null });
  expect(await genops('report', ...generation(), '--service-account', 'nobody')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^ai\/generation: decisions: asked the operator, and could not create token /),
  });
}, 60_000);

/** What stands for a Pod with so many requests of 8 s in it, and as many a second as that makes. */
async function openWorkload() {
  const load = { inFlight: 8 };
  let [requests, at] = [0, performance.now()];
  const server = await listening((_, response) => {
    const now = performance.now();
    requests += ((load.inFlight / 8) * (now - at)) / 1_000;
    at = now;
    const page = [
      '# TYPE http_server_request_duration_seconds histogram',
      `http_server_request_duration_seconds_bucket{le="+Inf"} ${requests}`,
      `http_server_request_duration_seconds_sum ${8 * requests}`,
      `http_server_request_duration_seconds_count ${requests}`,
      '# TYPE generation_workflows_in_flight gauge',
      `generation_workflows_in_flight ${load.inFlight}`,
    ];
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(`${page.join('\n')}\n`);
  });
  return Object.assign(server, { load });
}

/** Of the workload, as no node takes any: Ready, at that port of loopback. */
async function readyPod(port: number): Promise<void> {
  const ports = [{ name: 'metrics', containerPort: port }];
  const spec = { automountServiceAccountToken: false, containers: [{ name: 'app', image: 'app', ports }] };
  const metadata = { name: 'workflow-0', namespace: 'ai', labels: { app: 'workflow-execution' } };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'ai' } };
  const objects = [account, { apiVersion: 'v1', kind: 'Pod', metadata, spec }];
  await kubectl(['apply', '-f', '-'], objects.map((object) => stringify(object)).join('---\n'));
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const status = { phase: 'Running', podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }], conditions };
  const patch = JSON.stringify({ status });
  await kubectl(['patch', 'pod', 'workflow-0', '-n', 'ai', '--subresource=status', '--type=merge', '-p', patch]);
}

test('what Lookahead asked for on the cluster is asked for again from the bundle alone, and by another policy something else', async () => {
  await using workload = await openWorkload();
  await kubectl(['apply', '-n', 'ai', '-f', '-'], stringify(deployment('workflow-execution', { replicas: 2 })));
  await readyPod(workload.port);
  const scaler = { algorithm: 'Lookahead', interval: '5s' } as const;
  const collector = { interval: '2s', timeout: '1s' } as const;
  const patch = JSON.stringify({ spec: { mode: 'Enforce', overrides: { scaler, collector } } });
  await kubectl(['patch', 'gensvc', 'generation', '-n', 'ai', '--type=merge', '-p', patch]);

  const file = join(operator.folder, 'lookahead.yaml');
  /** @returns what the newest decision of Lookahead asked for. */
  const reported = async (): Promise<number> => {
    const { code, out } = await genops('report', ...generation(), '--service-account', 'viewer');
    expect(code).toBe(0);
    await writeFile(file, out);
    const { decisions } = parse(out) as { readonly decisions: { readonly newestDecisions: readonly Told[] } };
    const { to, lookahead } = decisions.newestDecisions[0] ?? {};
    expect(lookahead).toMatchObject({ floor: to });
    return to ?? NaN;
  };
  const calm = await eventually(async () => {
    const floor = await reported();
    expect(floor).toBeGreaterThan(2);
    return floor;
  }, patience);
  workload.load.inFlight = 60;
  const floor = await eventually(async () => {
    const now = await reported();
    expect(now).toBeGreaterThanOrEqual(2 * calm);
    return now;
  }, patience);

  const same = await genops('replay', file);
  expect(same).toMatchObject({ code: 0, err: '' });
  expect(same.out).toMatch(new RegExp(`Lookahead asks for ${floor} \\(\\w+\\), as then\\n`));
  expect(same.out).not.toContain('it was');

  const policy = join(operator.folder, 'policy.yaml');
  await writeFile(policy, stringify(performancePolicy({ horizontal: { maxReplicas: floor - 1 } })));
  const other = await genops('replay', file, '--policy', policy);
  expect(other).toMatchObject({ code: 1, err: '' });
  expect(other.out).toContain(`Lookahead asks for ${floor - 1} (`);
  expect(other.out).toContain(`; it was ${floor} (`);
}, 240_000);

const patience = { withinMs: 90_000 };
interface Told {
  readonly to: number;
  readonly lookahead: { readonly floor: number } | null;
}
