/** Our words for what Kubernetes has and JSON Schema lacks. Everything else in a section is plain TypeBox. */
import Type, {
  type Static,
  type TArray,
  type TEnum,
  type TObject,
  type TOptional,
  type TProperties,
  type TSchema,
  type TUnsafe,
} from 'typebox';
import { durationPattern, milliseconds } from './duration.ts';
import { quantity as quantityOf, quantityPattern, type Quantity } from './quantity.ts';
import { ratioPattern } from './ratio.ts';

/** One rule about a value, for the API server (CEL) and, where layers are merged after it has looked, for us (`holds`). */
export interface Rule {
  readonly cel: string;
  /** Positive, with an example: `must be at most maxReplicas, for example minReplicas: 2, maxReplicas: 20`. */
  readonly message: string;
  /** The same rule in TypeScript; it only sees values of the right shape. Absent: the API server alone holds it. */
  holds?(self: unknown): boolean;
  /** Fields that exclude each other: one that a later layer sets takes the place of the others. */
  readonly exclusive?: readonly string[];
}

/** A rule that is held by the API server, and by us where `holds` is given. */
export function cel(rule: string, message: string, holds?: Rule['holds']): Rule {
  return { cel: rule, message, ...(holds === undefined ? {} : { holds }) };
}

/** Description, and rules that hold among the fields. */
interface Described {
  readonly description: string;
  readonly rules?: readonly Rule[];
}

/** A field that a value of every effective policy has, see {@link orElse} and {@link neededAfterMerging}. */
export interface Filled {
  readonly '~filled': true;
}
export type TFilled<T extends TSchema = TSchema> = TOptional<T> & Filled;

/** Fields, all others refused. */
export function struct<P extends TProperties>(properties: P, { description, rules }: Described): TObject<P> {
  return Type.Object(properties, {
    description,
    additionalProperties: false,
    ...(rules === undefined ? {} : { rules }),
  });
}

/**
 * Optional, with no default in the CRD: a default there would hide which layer said what. The figure is filled in after the layers were merged, and printed in the reference.
 * A struct whose fields have figures of their own takes `{}`.
 */
export function orElse<T extends TSchema>(value: unknown, schema: T): TFilled<T> {
  return withMark(Type.Optional(schema), { '~orElse': value });
}

/** Optional in each layer, since another may give it, but somebody must. */
export function neededAfterMerging<T extends TSchema>(schema: T): TFilled<T> {
  return withMark(Type.Optional(schema), {});
}

/** The mark stands beside the schema, not in it: what is written out as JSON does not have it. */
function withMark<T extends TSchema>(schema: TSchema, mark: Record<string, unknown>): TFilled<T> {
  for (const [key, value] of Object.entries({ ...mark, '~filled': true }))
    Object.defineProperty(schema, key, { value });
  return schema as TFilled<T>;
}

/** A default that the API server fills in. Only for scalars of GenerationService, which is not merged. */
export function crdDefault<T extends TSchema>(value: unknown, schema: T): T {
  return Object.defineProperty(schema, 'default', { value, enumerable: true });
}

/** A closed set of words or numbers. (A CRD knows no `const`.) */
export function oneOf<const V extends (string | number)[]>(
  values: readonly [...V],
  { description }: Described,
): TEnum<V> {
  return Type.Enum(values, { type: typeof values[0] === 'number' ? 'integer' : 'string', description });
}

/** A duration string such as 300s, with its bounds. */
export function duration({
  min = '0s',
  max = '24h',
  description,
}: {
  min?: string;
  max?: string;
  description: string;
}) {
  const [least, most] = [milliseconds(min), milliseconds(max)];
  const holds = (self: unknown): boolean => {
    if (typeof self !== 'string' || !new RegExp(durationPattern).test(self)) return false;
    const ms = milliseconds(self);
    return least <= ms && ms <= most;
  };
  return Type.String({
    description,
    maxLength: 20,
    rules: [
      cel(
        `self.matches('${durationPattern}') && duration(self) >= duration('${min}') && duration(self) <= duration('${max}')`,
        `must be a duration from ${min} to ${max}, for example ${example(least, most)}`,
        holds,
      ),
    ],
  });
}

const example = (least: number, most: number): string =>
  ['30s', '5m', '100ms', '1h', '24h'].find((text) => least <= milliseconds(text) && milliseconds(text) <= most) ??
  `${least}ms`;

/** A share from 0 to 1 as a string: the API has no floats. */
export function ratio({ description }: Described) {
  const rule = cel(
    `self.matches('${ratioPattern}')`,
    'must be a ratio from 0 to 1 as a string, for example "0.95"',
    (self) => new RegExp(ratioPattern).test(String(self)),
  );
  return Type.String({ description, maxLength: 6, rules: [rule] });
}

/** A Kubernetes quantity: bytes (`1Gi`) or cores (`500m`). */
export function quantity({ description }: Described): TUnsafe<Quantity> {
  const rule = cel(
    `string(self).matches('${quantityPattern}')`,
    'must be a quantity, for example 512Mi, 1Gi, 500m or 2',
    (self) => new RegExp(quantityPattern).test(String(self)),
  );
  return Type.Unsafe<Quantity>({ 'x-kubernetes-int-or-string': true, maxLength: 20, description, rules: [rule] });
}

/** A string with a pattern that the API server's message explains by an example. */
export function text({
  pattern,
  maxLength,
  wanted,
  description,
}: {
  pattern: string;
  maxLength: number;
  wanted: string;
  description: string;
}) {
  const quoted = pattern.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return Type.String({
    description,
    maxLength,
    rules: [cel(`self.matches('${quoted}')`, wanted, (self) => new RegExp(pattern).test(String(self)))],
  });
}

interface ListOptions {
  readonly description: string;
  readonly minItems?: number;
  readonly maxItems: number;
  readonly rules?: readonly Rule[];
}

/** A list whose entries are merged by their `name`. */
export function listMap<T extends TObject>(item: T, options: ListOptions): TArray<T> {
  return Type.Array(item, { ...options, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] });
}

/** A list that is replaced whole. */
export function atomicList<T extends TSchema>(item: T, options: ListOptions): TArray<T> {
  return Type.Array(item, { ...options, 'x-kubernetes-list-type': 'atomic' });
}

/** A list without order and without duplicates; replaced whole by a later layer. */
export function setOf<T extends TSchema>(item: T, options: ListOptions): TArray<T> {
  return Type.Array(item, { ...options, 'x-kubernetes-list-type': 'set' });
}

/** Values by a free key; layers are merged by key. */
export function mapOf<T extends TSchema>(
  value: T,
  { maxProperties, description, rules }: Described & { maxProperties: number },
) {
  return Type.Unsafe<Record<string, Static<T>>>({
    type: 'object',
    additionalProperties: value,
    maxProperties,
    description,
    ...(rules === undefined ? {} : { rules }),
  });
}

/** Fields of which only one may be set. */
export function atMostOneOf(fields: readonly [string, string], shown: string): Rule {
  const rule = cel(
    `!(has(self.${fields[0]}) && has(self.${fields[1]}))`,
    `only one of ${fields.join(' and ')} may be set, for example ${shown}`,
    (self) => fields.filter((field) => valueAt(self, field) !== undefined).length <= 1,
  );
  return { ...rule, exclusive: fields };
}

/** `lower` may not be above `upper` (paths below the struct that has the rule); one of them may be absent. */
export function ordered(
  lower: string,
  upper: string,
  { as, example: shown }: { as: keyof typeof readers; example: string },
): Rule {
  const { atMost, read } = readers[as];
  const absent = [...new Set([...prefixes(lower), ...prefixes(upper)])].map((path) => `!has(self.${path})`);
  const rule = [...absent, atMost(`self.${lower}`, `self.${upper}`)].join(' || ');
  return cel(rule, `${lower} must be at most ${upper}, for example ${shown}`, (self) => {
    const [low, high] = [valueAt(self, lower), valueAt(self, upper)];
    return low === undefined || high === undefined || read(low) <= read(high);
  });
}

/** `a.b.c` → `a`, `a.b`, `a.b.c`. */
const prefixes = (path: string): readonly string[] =>
  path.split('.').map((_, index, names) => names.slice(0, index + 1).join('.'));

/** The value at a dotted path; undefined where a part of it is absent. */
export function valueAt(root: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, name) => (at instanceof Object ? (at as Record<string, unknown>)[name] : undefined), root);
}

const readers = {
  number: { atMost: (a: string, b: string) => `${a} <= ${b}`, read: Number },
  duration: {
    atMost: (a: string, b: string) => `duration(${a}) <= duration(${b})`,
    read: (value: unknown) => milliseconds(String(value)),
  },
  quantity: {
    atMost: (a: string, b: string) => `quantity(string(${a})).compareTo(quantity(string(${b}))) <= 0`,
    read: (value: unknown) => quantityOf(String(value)),
  },
} as const;
