import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { nodeOf, type SchemaNode } from '../../../hack/generate/node.ts';
import { exampleOf, inYaml } from '../../../operator/api/example.ts';
import { GenerationServiceSpec } from '../../../operator/api/generation-service.ts';
import { PolicySpec } from '../../../operator/api/performance-policy.ts';

const ajv = new Ajv({ strict: false, useDefaults: true });

interface Field {
  readonly path: string;
  readonly node: SchemaNode;
}

function fieldsOf(node: SchemaNode, path: string): readonly Field[] {
  const { properties = {}, items, additionalProperties } = node;
  return [
    { path, node },
    ...Object.entries(properties).flatMap(([name, field]) => fieldsOf(field, `${path}.${name}`)),
    ...(items === undefined ? [] : fieldsOf(items, `${path}[]`)),
    ...(typeof additionalProperties === 'object' ? fieldsOf(additionalProperties, `${path}{}`) : []),
  ];
}

const fields = [
  ...fieldsOf(nodeOf(PolicySpec), 'policy'),
  ...fieldsOf(nodeOf(GenerationServiceSpec), 'service').filter(({ path }) => !path.includes('overrides')), // the policy's fields again
];
/** What several fields, or keys of a map, have to be is shown as one writes them below the field, or in words. */
const isAboutParts = ({ rules = [], properties, items }: SchemaNode): boolean =>
  rules[0] !== undefined && (rules[0].fields !== undefined || properties !== undefined || items === undefined);

describe('exampleOf()', () => {
  test('is a value that the field takes, written as YAML: for each field that has no rule', () => {
    const shapes = fields.filter(({ node }) => !isAboutParts(node));
    expect(shapes.length).toBeGreaterThan(200);
    const wrong = shapes.filter(({ node }) => !ajv.validate(node, parse(exampleOf(node))));
    expect(wrong.map(({ path, node }) => `${path}: ${exampleOf(node)}`)).toEqual([]);
  });

  test.each([
    { path: 'policy.objectives.successRatio.target', example: '"0.95"' }, // without quotes it would be a number
    { path: 'policy.horizontal.maxReplicas', example: '20' },
    { path: 'policy.redis.maxMemory', example: '512Mi' },
    { path: 'policy.scaler.algorithm', example: 'Score' },
    { path: 'policy.vertical.controlledResources', example: '[cpu, memory]' },
    { path: 'policy.horizontal.metrics[].pods', example: '{metric: {name: requests_per_second}, target: {type: AverageValue, averageValue: "100"}}' }, // prettier-ignore
    { path: 'policy.horizontal', example: 'minReplicas: 2, maxReplicas: 20' },
    { path: 'service.components[].targetRef', example: '{apiVersion: apps/v1, kind: Deployment, name: workflow-execution}' }, // prettier-ignore
    { path: 'service.redis[].secretRef', example: '{name: workflow-execution}' },
    { path: 'service.loadBalancer.nginx.podSelector', example: '{matchLabels: {app: nginx}}' },
  ])('of $path is $example', ({ path, example }) => {
    const field = fields.find((one) => one.path === path);
    expect(field && exampleOf(field.node)).toBe(example);
  });
});

test('what YAML reads as something else is quoted', () => {
  expect(inYaml({ mode: 'Off', target: '0.95', interval: '10s', list: ['a', true] })).toBe(
    '{mode: "Off", target: "0.95", interval: 10s, list: [a, true]}',
  );
});
