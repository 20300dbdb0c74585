import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { deployment } from '../world/builders.ts';
import { eventually } from '../world/eventually.ts';
import { openViewsOperator, genops, type ViewsOperator } from './views-operator.ts';

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
    out: expect.stringMatching(/\nscaler\/workflow: at \S+Z Score asks for \d+ \(\w+\)\n$/),
  });

  expect(parse((await genops('report', ...generation())).out)).toMatchObject({ decisions: null });
  expect(await genops('report', ...generation(), '--service-account', 'nobody')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^ai\/generation: decisions: asked the operator, and could not create token /),
  });
}, 60_000);
