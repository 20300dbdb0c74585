import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}
const schema = JSON.parse(readFileSync('charts/genops/values.schema.json', 'utf8')) as Schema & {
  readonly definitions: Readonly<Record<string, Schema>>;
};
/** Pods take what Kubernetes takes there, an issuer what cert-manager does; `global` is Helm's own. */
const free = new Set(['global', 'resources', 'nodeSelector', 'monitoring.labels', 'certificate.issuerRef']);

const pathsOf = (value: unknown, path = ''): readonly string[] =>
  typeof value !== 'object' || value === null || Array.isArray(value) || free.has(path)
    ? [path]
    : Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, path === '' ? key : `${path}.${key}`));

function declared({ $ref, ...given }: Schema, path = ''): readonly string[] {
  const { properties } = $ref === undefined ? given : (schema.definitions[$ref.replace('#/definitions/', '')] ?? {});
  return properties === undefined || free.has(path)
    ? [path]
    : Object.entries(properties).flatMap(([key, inner]) => declared(inner, path === '' ? key : `${path}.${key}`));
}

test('values.yaml has every value of values.schema.json with its default, and no other', () => {
  const given = pathsOf(parse(readFileSync('charts/genops/values.yaml', 'utf8')));
  expect(given.toSorted()).toEqual(declared(schema).filter((path) => path !== 'global').toSorted()); // prettier-ignore
});

test('every struct of the values is closed: what is misspelled is refused', () => {
  const open = (node: Schema, path = ''): readonly string[] =>
    node.properties === undefined || free.has(path)
      ? []
      : [
          ...(node.additionalProperties === false ? [] : [path]),
          ...Object.entries(node.properties).flatMap(([key, inner]) =>
            open(inner, path === '' ? key : `${path}.${key}`),
          ),
        ];
  expect(open(schema)).toEqual([]);
});
