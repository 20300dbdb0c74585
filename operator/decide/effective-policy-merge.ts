import type { TSchema } from 'typebox';
import { property, type Rule } from '../api/schema.ts';

/** Which layer a value came from; later layers win. */
export type Origin = 'default' | `policy ${string}` | 'GenerationService overrides' | `component ${string}`;

/** What one layer says of a value. */
export interface Given {
  readonly origin: Origin;
  readonly value: unknown;
}

export interface Merged {
  readonly value: unknown;
  readonly origins: ReadonlyMap<string, Origin>;
}

/** A TypeBox schema, as far as merging and checking look at it. */
export interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | false;
  readonly items?: SchemaNode;
  readonly rules?: readonly Rule[];
  readonly description?: string;
  readonly 'x-kubernetes-list-type'?: string;
  /** The figure that holds where no layer says anything, see `orElse`. */
  readonly '~orElse'?: unknown;
  /** What somebody has to give may look like this, see `neededAfterMerging`. */
  readonly '~example'?: string;
}

/** The path of a field or of an entry below `path`. */
export const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
export const entryOf = (path: string, name: string): string => `${path}[${name}]`;

/** The value that the layers (lowest first) make together on top of the figures of the schema, and where each part came from. */
export function merge(schema: TSchema, layers: readonly Given[]): Merged {
  const origins = new Map<string, Origin>();
  return { value: resolve(schema, layers.filter(isSaid), '', origins), origins };
}

const isSaid = ({ value }: Given): boolean => value !== undefined && value !== null;

type Resolve = (schema: SchemaNode, given: readonly Given[], path: string, origins: Map<string, Origin>) => unknown;

const resolve: Resolve = (schema, given, path, origins) => {
  if (schema.properties !== undefined) return resolveStruct(schema, given, path, origins);
  if (schema['x-kubernetes-list-type'] === 'map') return resolveListMap(schema, given, path, origins);
  if (isMap(schema)) return resolveMap(schema, given, path, origins);
  const last = given.at(-1);
  if (last !== undefined) origins.set(path, last.origin);
  return last?.value;
};

/** Field by field. */
const resolveStruct: Resolve = ({ properties = {}, rules = [] }, given, path, origins) => {
  const rivals = rules.flatMap(({ exclusive }) => (exclusive === undefined ? [] : [exclusive]));
  const heard = rivals.reduce(withoutRivals, given);
  const fields = Object.entries(properties).flatMap(([name, field]) => {
    const said = saidOf(heard, name, field['~orElse']);
    return said.length === 0 ? [] : [[name, resolve(field, said, below(path, name), origins)] as const];
  });
  return Object.fromEntries(fields);
};

/** What the layers say of one field, on top of its own figure. */
function saidOf(given: readonly Given[], name: string, figure?: unknown): readonly Given[] {
  const said = given.map(({ origin, value }) => ({ origin, value: property(value, name) })).filter(isSaid);
  return figure === undefined ? said : [{ origin: 'default', value: figure }, ...said];
}

/** Of fields that exclude each other, those of the last layer that has one. */
function withoutRivals(given: readonly Given[], exclusive: readonly string[]): readonly Given[] {
  const last = given.findLast(({ value }) => exclusive.some((name) => property(value, name) !== undefined));
  return given.map(({ origin, value }) => {
    if (last === undefined || origin === last.origin) return { origin, value };
    return {
      origin,
      value: Object.fromEntries(Object.entries(Object(value)).filter(([name]) => !exclusive.includes(name))),
    };
  });
}

/** Entry by entry, in the order in which the layers name them; an entry that is switched off is gone. */
const resolveListMap: Resolve = ({ items = {} }, given, path, origins) => {
  const byName = given.map(({ origin, value }) => ({
    origin,
    value: Object.fromEntries(entriesOf(value).map((entry) => [String(property(entry, 'name')), entry])),
  }));
  const names = new Set(byName.flatMap(({ value }) => Object.keys(value)));
  return [...names]
    .map((name) => resolve(items, saidOf(byName, name), entryOf(path, name), origins))
    .filter((entry) => property(entry, 'mode') !== 'Off');
};

const entriesOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Key by key. */
const resolveMap: Resolve = ({ additionalProperties }, given, path, origins) => {
  const keys = new Set(given.flatMap(({ value }) => Object.keys(Object(value))));
  const values = additionalProperties === undefined || additionalProperties === false ? {} : additionalProperties;
  return Object.fromEntries(
    [...keys].map((key) => [key, resolve(values, saidOf(given, key), below(path, key), origins)]),
  );
};

/** Free keys, as opposed to the fields of a struct. */
const isMap = ({ additionalProperties }: SchemaNode): boolean => typeof additionalProperties === 'object';
