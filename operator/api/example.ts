/** Of each field a value that it takes, for whoever wrote one that it does not. */
import type { Rule } from './schema.ts';

/** What an example is made of; see `schema.ts` for the marks. */
interface Shape {
  readonly type?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly minItems?: number;
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Shape | boolean;
  readonly rules?: readonly Rule[];
  readonly '~orElse'?: unknown;
  readonly '~example'?: string;
}

/** What the field has when it is left out, what its rule suggests, or else the least that it takes: as YAML on one line. */
export const exampleOf = (schema: Shape): string => given(schema) ?? schema.rules?.[0]?.example ?? made(schema);

/** What the schema itself has to show. */
function given(schema: Shape): string | undefined {
  const figure = schema['~orElse'] ?? schema.default;
  if (figure !== undefined && !isEmpty(figure)) return inYaml(figure);
  return schema['~example'] ?? (schema.examples === undefined ? undefined : inYaml(schema.examples[0]));
}

const isEmpty = (figure: unknown): boolean =>
  typeof figure === 'object' && figure !== null && Object.keys(figure).length === 0;

function made({ enum: words, items, properties, additionalProperties: value, minimum, ...rest }: Shape): string {
  if (words !== undefined) return inYaml(words[0]);
  if (items !== undefined) return `[${Array.from({ length: rest.minItems ?? 1 }, () => within(items)).join(', ')}]`;
  if (properties !== undefined) return struct(properties, rest.required);
  if (typeof value === 'object') return `{name: ${within(value)}}`;
  return rest.type === 'string' ? 'text' : String(minimum ?? 1);
}

/** What is needed, or one field where nothing is. */
function struct(properties: Readonly<Record<string, Shape>>, required: readonly string[] = []): string {
  const fields = Object.entries(properties);
  const needed = fields.filter(([name, field]) => required.includes(name) && field.default === undefined);
  const shown = needed.length === 0 ? fields.slice(0, 1) : needed;
  return `{${shown.map(([name, field]) => `${name}: ${within(field)}`).join(', ')}}`;
}

/** As a part of something larger, where the example of a rule among fields or of keys, which has no braces, has no place. */
function within(schema: Shape): string {
  const { properties, additionalProperties } = schema;
  const isObject = properties !== undefined || typeof additionalProperties === 'object';
  return isObject ? (given(schema) ?? made(schema)) : exampleOf(schema);
}

/** A figure as one writes it in YAML on one line: `300s`, `"0.95"`, `{cpu: 500m}`. */
export function inYaml(figure: unknown): string {
  if (Array.isArray(figure)) return `[${figure.map(inYaml).join(', ')}]`;
  if (typeof figure === 'object' && figure !== null) {
    return `{${Object.entries(figure)
      .map(([key, value]) => `${key}: ${inYaml(value)}`)
      .join(', ')}}`;
  }
  if (typeof figure !== 'string') return JSON.stringify(figure);
  if (/^(on|off|yes|no|true|false)$/i.test(figure)) return JSON.stringify(figure);
  return /^[A-Za-z/][A-Za-z0-9/._+-]*$|^[0-9]+[A-Za-z]+$/.test(figure) ? figure : JSON.stringify(figure);
}
