import { inYaml } from '../../operator/api/example.ts';
import { ruleMessage, type Rule } from '../../operator/api/schema.ts';
import { figureOf, type SchemaNode } from './node.ts';

/** Keywords that a structural schema has as JSON Schema does. */
const copied = [
  'type',
  'format',
  'enum',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
  'default',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
] as const;

type Structural = Readonly<Record<string, unknown>>;

/** A longer figure is left to the reference page: `kubectl explain` is read in a terminal. */
const longestFigure = 100;

/**
 * The schema as a CRD has it.
 *
 * @param figure What the field has when it is left out (`{}` for a struct whose fields have their own).
 */
export function structural(schema: SchemaNode, figure?: unknown): Structural {
  const { properties, additionalProperties, items, rules } = schema;
  return {
    description: describe(schema, figure),
    ...Object.fromEntries(copied.flatMap((key) => (schema[key] === undefined ? [] : [[key, schema[key]]]))),
    ...(properties === undefined ? {} : fields(schema, figure)),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: structural(additionalProperties) } : {}),
    ...(items === undefined ? {} : { items: structural(items) }),
    ...validations(rules ?? []),
  };
}

/** With the figure in words, also of a default that the API server fills in: `kubectl explain` does not show that one. */
function describe({ description, default: filledIn }: SchemaNode, orElse: unknown): string | undefined {
  const figure = orElse ?? filledIn;
  if (figure === undefined || isEmptyStruct(figure)) return description;
  const text = inYaml(figure);
  return `${description} (default ${text.length <= longestFigure ? text : 'see the reference'})`;
}

const isEmptyStruct = (figure: unknown): boolean =>
  typeof figure === 'object' && figure !== null && !Array.isArray(figure) && Object.keys(figure).length === 0;

function fields({ properties = {}, required = [] }: SchemaNode, around: unknown): Structural {
  const needed = required.filter((name) => properties[name]?.default === undefined);
  return {
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, structural(field, figureOf(name, field, around))]),
    ),
    ...(needed.length === 0 ? {} : { required: needed }),
  };
}

function validations(rules: readonly Rule[]): Structural {
  const held = rules.flatMap((rule) => (rule.cel === undefined ? [] : [validation(rule, rule.cel)]));
  return held.length === 0 ? {} : { 'x-kubernetes-validations': held };
}

const validation = (rule: Rule, expression: string): Structural => ({
  rule: expression,
  message: ruleMessage(rule),
  ...(rule.fields?.[0] === undefined ? {} : { fieldPath: `.${rule.fields[0]}` }),
});
