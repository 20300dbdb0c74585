/** Our words for what Kubernetes has and JSON Schema lacks. Everything else in a section is plain TypeBox. */
import {
  Type,
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

/** One rule about a value, for the API server (`cel`) and for us (`holds`), who look again after layers were merged. */
export interface Rule {
  /** Absent: the operator alone holds the rule, and says so in the condition PolicyAccepted. */
  readonly cel?: string;
  /** Positive: `must be at most maxReplicas`. */
  readonly wanted: string;
  readonly example: string;
  /** The fields that the rule compares, as paths below the value; absent where it is about the value itself. */
  readonly fields?: readonly string[];
  /** The same rule in TypeScript; it only sees values of the right shape. Absent: the API server alone holds it. */
  holds?(self: unknown): boolean;
  /** What of the value breaks the rule; absent where all of it is shown. */
  readonly offending?: (self: unknown) => readonly string[];
  /** Fields that exclude each other: one that a later layer sets takes the place of the others. */
  readonly exclusive?: readonly string[];
}

/** A rule that is held by the API server, and by us where `holds` is given. */
export const cel = (rule: string, about: Omit<Rule, 'cel'>): Rule => ({ cel: rule, ...about });

/** A rule about the keys of a map: those that break it are named and no value is, which may be a password. The API server names none: a messageExpression that lists keys, whose length no schema bounds, is a hundred times over its cost limit. */
export const keysHold = (
  rule: string,
  about: Pick<Rule, 'wanted' | 'example'>,
  holds: (key: string) => boolean,
): Rule =>
  cel(rule, {
    ...about,
    holds: (self) => Object.keys(self as object).every(holds),
    offending: (self) => Object.keys(self as object).filter((key) => !holds(key)),
  });

/** What the API server says to somebody who breaks the rule. */
export const ruleMessage = ({ wanted, example }: Rule): string => `${wanted}, for example ${example}`;

/** Whether the value breaks the rule. What cannot be read breaks another rule, which says so better. */
export function isBroken(rule: Rule, value: unknown): boolean {
  try {
    return rule.holds?.(value) === false;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Description, and rules that hold among the fields. */
interface Described {
  readonly description: string;
  readonly rules?: readonly Rule[];
}

/** A field that a value of every effective policy has, see {@link orElse} and {@link neededAfterMerging}. */
interface Filled {
  readonly '~filled': true;
}
export type TFilled<T extends TSchema = TSchema> = TOptional<T> & Filled;

interface Structure extends Described {
  /** Shown where it is missing or of another type, instead of one made of its fields. */
  readonly examples?: readonly unknown[];
}

/** Fields, all others refused. */
export function struct<P extends TProperties>(properties: P, { rules, ...told }: Structure): TObject<P> {
  return Type.Object(properties, {
    ...told,
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

/** Optional in each layer, since another may give it, but somebody must; `example` is what the problem suggests where nobody did. */
export function neededAfterMerging<T extends TSchema>(example: string, schema: T): TFilled<T> {
  return withMark(Type.Optional(schema), { '~example': example });
}

/** A value that may be a secret where somebody puts it into the wrong field: no message shows it. */
export const unshown = <T extends TSchema>(schema: T): T => Object.defineProperty(schema, '~unshown', { value: true });

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
  return Type.Enum(values, {
    type: typeof values[0] === 'number' ? 'integer' : 'string',
    description: values.includes('Off') ? `${description} Quote "Off": bare, YAML reads it as false.` : description,
  });
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
  const regex = new RegExp(durationPattern);
  const holds = (self: unknown): boolean => {
    if (typeof self !== 'string' || !regex.test(self)) return false;
    const ms = milliseconds(self);
    return least <= ms && ms <= most;
  };
  const atLeast = least === 0 ? '' : ` && duration(self) >= duration('${min}')`;
  const rule = `self.matches(${celString(durationPattern)})${atLeast} && duration(self) <= duration('${max}')`;
  const wanted = `must be a duration from ${min} to ${max}`;
  return Type.String({
    title: 'duration',
    description,
    maxLength: 20,
    rules: [cel(rule, { wanted, example: durationBetween(least, most), holds })],
  });
}

const durationBetween = (least: number, most: number): string =>
  ['30s', '5m', '100ms', '1h', '24h'].find((shown) => least <= milliseconds(shown) && milliseconds(shown) <= most) ??
  `${least}ms`;

/** A share from 0 to 1 as a string: the API has no floats. */
export const ratio = ({ description }: Described) =>
  text({
    title: 'ratio',
    description,
    maxLength: 6,
    pattern: ratioPattern,
    wanted: 'must be a ratio from 0 to 1 as a string',
    example: '"0.95"',
  });

/** A Kubernetes quantity: bytes (`1Gi`) or cores (`500m`). */
export function quantity({ description, rules = [] }: Described): TUnsafe<Quantity> {
  const rule = matching('string(self)', quantityPattern, {
    wanted: 'must be a quantity',
    example: '512Mi, 1Gi, 500m or 2',
  });
  return Type.Unsafe<Quantity>({
    title: 'quantity',
    'x-kubernetes-int-or-string': true,
    maxLength: 20,
    description,
    examples: ['512Mi'],
    rules: [rule, ...rules],
  });
}

/** Of a quantity that something is divided by: some digit of it is not 0. */
export const moreThanNothing = (): Rule =>
  matching('string(self)', '[1-9]', { wanted: 'must be more than 0', example: '100' });

interface Text {
  /** The word for its type in the reference. */
  readonly title?: string;
  readonly description: string;
  readonly maxLength: number;
  readonly pattern: string;
  readonly wanted: string;
  readonly example: string;
  /** What a pattern cannot tell: the operator alone looks at it. */
  readonly holds?: (text: string) => boolean;
}

/** A string with a pattern; a rule rather than `pattern`, whose message would show the pattern and no example. */
export function text({ title = 'string', description, maxLength, pattern, ...about }: Text) {
  return Type.String({ title, description, maxLength, rules: [matching('self', pattern, about)] });
}

function matching(path: string, pattern: string, about: Pick<Text, 'wanted' | 'example' | 'holds'>): Rule {
  const regex = new RegExp(pattern);
  const holds = (self: unknown): boolean => regex.test(String(self)) && about.holds?.(String(self)) !== false;
  return cel(`${path}.matches(${celString(pattern)})`, { ...about, holds });
}

const celString = (raw: string): string => `'${raw.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

interface ListOptions {
  readonly description: string;
  readonly minItems?: number;
  readonly maxItems: number;
  readonly rules?: readonly Rule[];
  readonly examples?: readonly unknown[];
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
export function atMostOneOf(fields: readonly [string, string], example: string): Rule {
  return cel(`!(has(self.${fields[0]}) && has(self.${fields[1]}))`, {
    wanted: `only one of ${fields.join(' and ')} may be set`,
    example,
    fields,
    exclusive: fields,
    holds: (self) => fields.filter((field) => valueAt(self, field) !== undefined).length <= 1,
  });
}

interface Order {
  readonly as: keyof typeof readers;
  readonly example: string;
  /** `lower` times this may not be above `upper`; 1 when absent. */
  readonly times?: number;
}

/** `lower` may not be above `upper` (paths below the struct that has the rule); one of them may be absent. */
export function ordered(lower: string, upper: string, { as, example, times = 1 }: Order): Rule {
  const { atMost, read } = readers[as];
  const absent = [...new Set([...prefixes(lower), ...prefixes(upper)])].map((path) => `!has(self.${path})`);
  const holds = (self: unknown): boolean => {
    const [low, high] = [valueAt(self, lower), valueAt(self, upper)];
    return low === undefined || high === undefined || read(low) * times <= read(high);
  };
  const lowers = Array.from({ length: times }, () => `self.${lower}`);
  const wanted =
    times === 1 ? `${lower} must be at most ${upper}` : `${upper} must be at least ${times} times ${lower}`;
  return cel([...absent, atMost(lowers, `self.${upper}`)].join(' || '), {
    wanted,
    example,
    fields: [lower, upper],
    holds,
  });
}

/** `a.b.c` → `a`, `a.b`, `a.b.c`. */
const prefixes = (path: string): readonly string[] =>
  path.split('.').map((_, index, names) => names.slice(0, index + 1).join('.'));

/** The value at a dotted path; undefined where a part of it is absent. */
export const valueAt = (root: unknown, path: string): unknown => path.split('.').reduce(property, root);

/** Own properties only: a field may be called like a method of Object. */
export const property = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

const readers = {
  number: { atMost: (a: readonly string[], b: string) => `${a.join(' + ')} <= ${b}`, read: Number },
  duration: {
    atMost: (a: readonly string[], b: string) =>
      `${a.map((path) => `duration(${path})`).join(' + ')} <= duration(${b})`,
    read: (value: unknown) => milliseconds(String(value)),
  },
  quantity: {
    atMost: (a: readonly string[], b: string) =>
      `${a.map((path) => `quantity(string(${path}))`).reduce((sum, next) => `${sum}.add(${next})`)}.compareTo(quantity(string(${b}))) <= 0`,
    read: (value: unknown) => quantityOf(String(value)),
  },
} as const;
