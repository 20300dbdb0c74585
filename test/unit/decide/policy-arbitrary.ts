import * as fc from 'fast-check';
import type { SchemaNode } from '../../../operator/decide/effective-policy-merge.ts';

/** Any value of the shape of the schema: each field there or not, few names, so that layers meet. Values keep no rules: merging does not look at them. */
export function ofShape(schema: SchemaNode): fc.Arbitrary<unknown> {
  const { properties, items, additionalProperties } = schema;
  if (properties !== undefined) return struct(properties);
  if (schema['x-kubernetes-list-type'] === 'map' && items !== undefined) return listMap(items);
  if (items !== undefined) return fc.array(leaf, { minLength: 1, maxLength: 3 });
  if (typeof additionalProperties === 'object') return fc.dictionary(name, leaf, { maxKeys: 3 });
  return leaf;
}

const leaf = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom('red', 'green', 'blue'));
const name = fc.constantFrom('cpu', 'gc-on-memory', 'mine', 'save');

const struct = (properties: Readonly<Record<string, SchemaNode>>): fc.Arbitrary<unknown> =>
  fc.record(Object.fromEntries(Object.entries(properties).map(([key, field]) => [key, ofShape(field)])), {
    requiredKeys: [],
  });

const listMap = (items: SchemaNode): fc.Arbitrary<unknown> =>
  fc.uniqueArray(
    fc
      .tuple(name, ofShape(items), fc.constantFrom('Off', 'Enforce', undefined))
      .map(([key, entry, mode]) => Object.assign({}, entry, { name: key, mode })),
    { selector: (entry) => entry.name, maxLength: 3 },
  );
