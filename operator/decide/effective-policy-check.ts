import type { TSchema } from 'typebox';
import { type FieldProblem, shown } from '../api/field-problem.ts';
import { isBroken, property, type Rule, valueAt } from '../api/schema.ts';
import { below, entryOf, type Merged, type Origin, type SchemaNode } from './effective-policy-merge.ts';

/** The rules of the schema against the merged value: each layer kept them, all together may not. */
export function check(schema: TSchema, { value, origins }: Merged): readonly FieldProblem[] {
  return problemsOf(schema, value, '', origins);
}

type Problems = (
  schema: SchemaNode,
  value: unknown,
  path: string,
  origins: ReadonlyMap<string, Origin>,
) => readonly FieldProblem[];

const problemsOf: Problems = (schema, value, path, origins) => {
  const broken = (schema.rules ?? []).filter((rule) => isBroken(rule, value));
  return [
    ...broken.map((rule) => problemOf(rule, value, path, origins)),
    ...fieldProblems(schema, value, path, origins),
    ...entryProblems(schema, value, path, origins),
  ];
};

const fieldProblems: Problems = ({ properties = {} }, value, path, origins) =>
  Object.entries(properties).flatMap(([name, field]) => {
    const at = property(value, name);
    if (at !== undefined) return problemsOf(field, at, below(path, name), origins);
    return field['~example'] === undefined ? [] : [missing(below(path, name), field, field['~example'])];
  });

const missing = (field: string, { description = '' }: SchemaNode, example: string): FieldProblem => ({
  field,
  saw: 'no value in any layer',
  wanted: `one: ${description.replace(/\.$/, '')}`,
  example,
});

const entryProblems: Problems = (schema, value, path, origins) => {
  const { items } = schema;
  if (items === undefined || schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(value)) return [];
  return value.flatMap((entry) => problemsOf(items, entry, entryOf(path, String(property(entry, 'name'))), origins));
};

function problemOf(
  { wanted, example, fields, offending }: Rule,
  value: unknown,
  path: string,
  origins: ReadonlyMap<string, Origin>,
): FieldProblem {
  const [first = ''] = fields ?? [];
  const seen = (field: string): string => {
    const origin = origins.get(below(path, field));
    return `${field}: ${shown(valueAt(value, field))}${origin === undefined ? '' : ` (${origin})`}`;
  };
  return {
    field: first === '' ? path : below(path, first),
    saw: fields?.map(seen).join(', ') ?? offending?.(value).join(', ') ?? shown(value),
    wanted,
    example,
  };
}
