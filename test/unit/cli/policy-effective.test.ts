import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { genops, type Answer } from './calls.ts';

const policy = `apiVersion: genops.dev/v1alpha1
kind: PerformancePolicy
metadata: { name: standard, namespace: ai }
spec:
  horizontal: { minReplicas: 4, maxReplicas: 30 }
`;
const service = (overrides: string, policyRef = '{ name: standard }') => `apiVersion: genops.dev/v1alpha1
kind: GenerationService
metadata: { name: generation, namespace: ai }
spec:
  policyRef: ${policyRef}
  overrides: ${overrides}
  components:
    - name: workflow
      targetRef: { apiVersion: apps/v1, kind: Deployment, name: workflow-execution }
      overrides: { horizontal: { minReplicas: 6 } }
`;

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'genops-cli-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** `genops policy effective ARGS -f …`, one file for each text. */
function effective(texts: readonly string[], ...args: readonly string[]): Promise<Answer> {
  const files = texts.map((text, index) => {
    const file = path.join(directory, `${index}.yaml`);
    writeFileSync(file, text);
    return file;
  });
  return genops(['policy', 'effective', ...args, ...files.flatMap((file) => ['-f', file])]);
}

describe('genops policy effective -f', () => {
  test('shows every value with the layer that it comes from; nothing is asked of a cluster', async () => {
    const answer = await effective([policy, service('{ horizontal: { maxReplicas: 12 } }')]);
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer.out).toMatch(/^horizontal\.minReplicas +policy standard +4$/m);
    expect(answer.out).toMatch(/^horizontal\.maxReplicas +GenerationService overrides +12$/m);
    expect(answer.out).toMatch(/^horizontal\.mode +default +Enforce$/m);
  });

  test('--component puts the overrides of that component on top', async () => {
    const { out } = await effective([policy, service('{}')], '--component', 'workflow');
    expect(out).toMatch(/^horizontal\.minReplicas +component workflow +6$/m);
  });

  test('reads both kinds out of one file and passes over others', async () => {
    const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other }\n';
    const { code } = await effective([[configMap, policy, service('{}')].join('---\n')], 'generation');
    expect(code).toBe(0);
  });

  test('of a policy alone shows it over the defaults', async () => {
    const answer = await effective([policy]);
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer.out).toMatch(/^horizontal\.minReplicas +policy standard +4$/m);
    expect(answer.out).toMatch(/^horizontal\.mode +default +Enforce$/m);
  });

  test('is 1 where a policy alone contradicts the defaults', async () => {
    const answer = await effective([policy.replace('minReplicas: 4, maxReplicas: 30', 'minReplicas: 40')]);
    expect(answer).toMatchObject({ code: 1, err: '' });
    expect(answer.out).toMatch(/^❌ horizontal\.\w+: saw .*; wanted: /m);
  });

  test('-o yaml is a policy, -o json has the origins and problems too', async () => {
    const texts = [policy, service('{}')];
    expect(parse((await effective(texts, '-o', 'yaml')).out)).toMatchObject({ horizontal: { minReplicas: 4 } });
    expect(JSON.parse((await effective(texts, '-o', 'json')).out)).toMatchObject({
      policy: { horizontal: { minReplicas: 4 } },
      origins: { 'horizontal.minReplicas': 'policy standard' },
      problems: [],
    });
  });

  test('is 1 where two layers contradict each other, and names the field', async () => {
    const answer = await effective([policy, service('{ horizontal: { maxReplicas: 3 } }')]);
    expect(answer).toMatchObject({ code: 1, err: '' });
    expect(answer.out).toMatch(/^❌ horizontal\.\w+: saw .*; wanted: .*, for example /m);
  });

  const optimizerRules = (when: string): string =>
    `{ rules: [{ name: leak, when: { operator: GreaterThan, ${when} }, action: CollectGarbage }] }`;
  test.each([
    { name: 'a metric that nobody knows', when: 'metric: memori, value: 1Gi', saw: 'metric: memori, value: 1Gi' },
    { name: 'a value that is none', when: "metric: memory, value: 'abc'", saw: 'metric: memory, value: abc' },
  ])('is 2 for $name, which the API server takes: in a policy and in overrides', async ({ when, saw }) => {
    const rules = optimizerRules(when);
    const said = `optimizer.rules[0].when.metric: saw ${saw}; wanted: must compare a known metric with a value in its unit`;
    const ofPolicy = await effective([`${policy}  optimizer: ${rules}\n`]);
    expect(ofPolicy).toMatchObject({ code: 2, err: expect.stringContaining(`0.yaml: spec.${said}`) });
    const ofOverrides = await effective([policy, service(`{ optimizer: ${rules} }`)]);
    expect(ofOverrides).toMatchObject({ code: 2, err: expect.stringContaining(`1.yaml: spec.overrides.${said}`) });
  });

  test.each<{ name: string; texts: readonly string[]; args?: readonly string[]; says: RegExp }>([
    {
      name: 'neither a service nor a policy in the files',
      texts: ['kind: Pod'],
      says: /saw neither a GenerationService nor a PerformancePolicy in .*0\.yaml; wanted one: /,
    },
    {
      name: 'two policies and no service',
      texts: [policy, policy.replace('standard', 'fast')],
      says: /saw PerformancePolicy standard and fast in .*, and no GenerationService; wanted one policy, or the service that names it: /,
    },
    {
      name: 'a policy alone, and the name of a service',
      texts: [policy],
      args: ['generation'],
      says: /saw no GenerationService generation in .*0\.yaml; wanted one: /,
    },
    {
      name: 'a policy alone, and a component',
      texts: [policy],
      args: ['--component', 'workflow'],
      says: /saw --component workflow and no GenerationService; wanted the service that has it: /,
    },
    {
      name: 'another service than the one that is asked for',
      texts: [policy, service('{}')],
      args: ['other'],
      says: /saw no GenerationService other in /,
    },
    {
      name: 'no such component',
      texts: [policy, service('{}')],
      args: ['--component', 'other'],
      says: /saw no component other; wanted one of workflow\n$/,
    },
    {
      name: 'the policy in no file',
      texts: [service('{}')],
      says: /saw no PerformancePolicy standard in .*; wanted the one that spec\.policyRef\.name names: add its file with -f\n$/,
    },
    {
      name: 'a value that the API server would refuse',
      texts: [policy, service('{ horizontal: { maxReplicas: 0 } }')],
      says: /1\.yaml: spec\.overrides\.horizontal\.maxReplicas: saw 0; wanted: .*, for example /,
    },
    {
      name: 'a field that is misspelt, and the one that was meant',
      texts: [policy, service('{}').replace('policyRef', 'polcyRef')],
      says: /1\.yaml: spec\.polcyRef: saw an unknown field; wanted: policyRef, if that was meant, or one of mode, /,
    },
    {
      name: 'more names than one, as from -f *.yaml',
      texts: [policy],
      args: ['a.yaml', 'b.yaml'],
      says: /saw a\.yaml b\.yaml; wanted one name at most, and -f before each file\n$/,
    },
    { name: 'what is no YAML', texts: ['a: {'], says: /0\.yaml: / },
  ])('is 2 with $name', async ({ texts, args = [], says }) => {
    const answer = await effective(texts, ...args);
    expect(answer).toMatchObject({ code: 2, out: '' });
    expect(answer.err).toMatch(/^genops policy effective: /);
    expect(answer.err).toMatch(says);
    expect(answer.err).not.toMatch(/\n {4}at /);
  });

  test('is 2 with a file that is not there', async () => {
    const answer = await genops(['policy', 'effective', '-f', path.join(directory, 'absent.yaml')]);
    expect(answer).toMatchObject({ code: 2, err: expect.stringContaining('cannot read') });
  });
});
