/** What the API server checks, without one, for files on a desk and in a pipeline: shapes, limits, and every rule that has `holds`. */
import { Ajv, type ErrorObject, type SchemaValidateFunction } from 'ajv';
import type { TSchema } from 'typebox';
import { exampleOf } from './example.ts';
import { type FieldProblem, shown } from './field-problem.ts';
import { type GenerationService, GenerationServiceSpec } from './generation-service.ts';
import { type PerformancePolicy, PolicySpec } from './performance-policy.ts';
import { nearest } from './nearest.ts';
import { isBroken, property, type Rule } from './schema.ts';

export type Validated<T> =
  | { readonly kind: 'valid'; readonly object: T }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] };

/** One of our two kinds, read from a file. The defaults of the API server are in the object that comes back. */
export function validate(object: unknown): Validated<GenerationService | PerformancePolicy> {
  const kind = property(object, 'kind');
  if (property(object, 'apiVersion') !== apiVersion || (kind !== 'GenerationService' && kind !== 'PerformancePolicy')) {
    const saw = `${shown(property(object, 'apiVersion'))} ${shown(kind)}`;
    const wanted = `a GenerationService or PerformancePolicy of ${apiVersion}`;
    return invalid([{ field: 'kind', saw, wanted, example: `apiVersion: ${apiVersion}, kind: PerformancePolicy` }]);
  }
  const copy = structuredClone(object);
  const check = ajv.compile<GenerationService | PerformancePolicy>(schemas[kind]); // the first time; ajv keeps what it compiled
  return check(copy) ? { kind: 'valid', object: copy } : invalid((check.errors ?? []).filter(isCause).map(problemOf));
}

const apiVersion = 'genops.dev/v1alpha1';
const invalid = (problems: readonly FieldProblem[]) => ({ kind: 'invalid', problems }) as const;

const objectOf = (spec: TSchema, required: readonly string[]) => ({
  type: 'object',
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: {
      type: 'object',
      properties: { name: { type: 'string', minLength: 1, maxLength: 253 } },
      required: ['name'],
    },
    spec,
    status: { type: 'object' },
  },
  required: ['metadata', ...required],
  additionalProperties: false,
});

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  useDefaults: true,
  strict: false,
  validateFormats: false,
  code: { optimize: false }, // a file is checked once: shortening the check takes longer than writing it
});
ajv.addKeyword({ keyword: 'rules', schemaType: 'array', errors: true, validate: keepsRules() });
ajv.addKeyword({ keyword: 'x-kubernetes-list-type', schemaType: 'string', validate: isUnique });
ajv.addKeyword({
  keyword: 'x-kubernetes-int-or-string',
  validate: (_: unknown, value: unknown) => typeof value === 'string' || Number.isInteger(value),
});

const schemas = {
  GenerationService: objectOf(GenerationServiceSpec, ['spec']),
  PerformancePolicy: objectOf(PolicySpec, []),
};

/** Each broken rule is an error of its own; ajv takes them from the function that found them. */
function keepsRules(): SchemaValidateFunction {
  const keep: SchemaValidateFunction = (rules: readonly Rule[], value: unknown, parentSchema): boolean => {
    const broken = rules.filter((rule) => isBroken(rule, value));
    keep.errors = broken.map((rule) => ({ keyword: 'rules', params: { rule }, ...(parentSchema && { parentSchema }) }));
    return broken.length === 0;
  };
  return keep;
}

/** Names of a list-map and values of a set may stand once. */
function isUnique(type: string, list: unknown): boolean {
  if (type === 'atomic' || !Array.isArray(list)) return true;
  const keys = list.map((entry) => (type === 'map' ? property(entry, 'name') : entry));
  return new Set(keys).size === keys.length;
}

/** A value of the wrong type is not in the closed set either: one of the two is enough. */
function isCause({ keyword, instancePath }: ErrorObject, _: number, all: readonly ErrorObject[]): boolean {
  return keyword !== 'type' || !all.some((other) => other.keyword === 'enum' && other.instancePath === instancePath);
}

function problemOf(error: ErrorObject): FieldProblem {
  const at = error.instancePath.split('/').slice(1).map(unescaped).reduce(pathTo, '');
  const { field, ...rest } = explain(error);
  return { field: [at, field].filter((part) => part !== '').join('.'), ...rest };
}

const unescaped = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');
const pathTo = (path: string, part: string): string =>
  /^[0-9]+$/.test(part) ? `${path}[${part}]` : `${path}${path === '' ? '' : '.'}${part}`;

/** What ajv found, in the words of a FieldProblem; `field` is below the value that ajv looked at. */
function explain({ keyword, params, data, message = '', parentSchema = {} }: ErrorObject): FieldProblem {
  const here = { field: '', saw: shownOf(parentSchema, data), example: exampleOf(parentSchema as object) };
  switch (keyword) {
    case 'rules':
      return brokenRule(params['rule'] as Rule, data, here.saw);
    case 'required': {
      const field = String(params['missingProperty']);
      const missing = Object(property(property(parentSchema, 'properties'), field)) as object;
      const wanted = shown(property(missing, 'description') ?? 'a value').replace(/\.$/, '');
      return { field, saw: 'nothing', wanted, example: exampleOf(missing) };
    }
    case 'additionalProperties': {
      const known = Object.keys(Object(property(parentSchema, 'properties')));
      const field = String(params['additionalProperty']);
      const meant = nearest(field, known);
      const wanted = `${meant === undefined ? '' : `${meant}, if that was meant, or `}one of ${known.join(', ')}`;
      return { ...here, field, saw: 'an unknown field', wanted };
    }
    case 'enum':
    case 'type': {
      const saw = isUnshown(parentSchema) ? here.saw : JSON.stringify(data); // "2" is not 2
      return { ...here, saw, ...word(parentSchema, message) };
    }
    case 'x-kubernetes-list-type':
      return { ...here, wanted: 'each name or value once' };
    case 'x-kubernetes-int-or-string':
      return { ...here, wanted: 'a string or a whole number' };
    default:
      return { ...here, wanted: message };
  }
}

const isUnshown = (schema: object): boolean => property(schema, '~unshown') === true;

/** Of a map the keys: its values may be what nobody should read in the log of a pipeline. */
function shownOf(schema: object, data: unknown): string {
  if (isUnshown(schema)) return 'a value that is not shown';
  const isMap = typeof property(schema, 'additionalProperties') === 'object';
  return isMap && typeof data === 'object' && data !== null ? Object.keys(data).join(', ') : shown(data);
}

function brokenRule({ wanted, example, fields, offending }: Rule, data: unknown, whole: string): FieldProblem {
  if (fields === undefined) return { field: '', saw: offending?.(data).join(', ') ?? whole, wanted, example };
  const saw = fields.map((field) => `${field}: ${shown(field.split('.').reduce(property, data))}`).join(', ');
  return { field: fields[0] ?? '', saw, wanted, example };
}

/** A closed set is shown with its words; one with Off reminds of the quotes that YAML wants. */
function word(schema: object, message: string): Pick<FieldProblem, 'wanted'> & Partial<FieldProblem> {
  const words: unknown = property(schema, 'enum');
  if (!Array.isArray(words)) return { wanted: message };
  const quotes = words.includes('Off') ? ' (quote "Off": bare, YAML reads it as false)' : '';
  return { wanted: `one of ${words.join(', ')}${quotes}`, example: shown(words[0]) };
}
