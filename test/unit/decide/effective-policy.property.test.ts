import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { PolicySpec } from '../../../operator/api/performance-policy.ts';
import { property } from '../../../operator/api/schema.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import type { TSchema } from 'typebox';
import { ofShape } from './policy-arbitrary.ts';

const schema: TSchema = PolicySpec;
const spec = ofShape(schema) as fc.Arbitrary<PolicySpec>;
const layers = fc.record({ policy: spec, overrides: spec });

/** What a layer says at `redis.parameters.save` or `optimizer.rules[mine].when.value`. */
function saidAt(layer: unknown, path: string): unknown {
  return path
    .split(/\.|(?=\[)/)
    .reduce<unknown>(
      (at, part) => (part.startsWith('[') ? entryNamed(at, part.slice(1, -1)) : property(at, part)),
      layer,
    );
}

const entryNamed = (list: unknown, name: string): unknown =>
  Array.isArray(list) ? list.find((entry: unknown) => property(entry, 'name') === name) : undefined;

const equals = (value: unknown) => (other: unknown) => isDeepStrictEqual(value, other);

describe('effectivePolicy()', () => {
  test('the layer that an origin names says this value, and no later layer says another', () => {
    fc.assert(
      fc.property(layers, ({ policy, overrides }) => {
        const result = effectivePolicy({ policy: { name: 'p', spec: policy }, overrides });
        const wrong = [...result.origins].filter(([path, origin]) => {
          const [inPolicy, inOverrides] = [saidAt(policy, path), saidAt(overrides, path)];
          const effective = saidAt(result.policy, path); // absent: the entry was switched off
          if (inOverrides !== undefined) {
            return origin !== 'GenerationService overrides' || ![undefined, inOverrides].some(equals(effective));
          }
          if (inPolicy !== undefined) return origin !== 'policy p' || ![undefined, inPolicy].some(equals(effective));
          return origin !== 'default';
        });
        expect(wrong).toEqual([]);
      }),
    );
  });

  test('a layer that repeats the one below changes nothing', () => {
    fc.assert(
      fc.property(spec, (policy) => {
        const once = effectivePolicy({ policy: { name: 'p', spec: policy } });
        expect(effectivePolicy({ policy: { name: 'p', spec: policy }, overrides: policy }).policy).toEqual(once.policy);
      }),
    );
  });

  test('an empty layer changes nothing, not even an origin', () => {
    fc.assert(
      fc.property(spec, (policy) => {
        const alone = effectivePolicy({ policy: { name: 'p', spec: policy } });
        expect(effectivePolicy({ policy: { name: 'p', spec: policy }, overrides: {} })).toEqual(alone);
      }),
    );
  });

  test('no layer is changed', () => {
    fc.assert(
      fc.property(layers, ({ policy, overrides }) => {
        const before = structuredClone({ policy, overrides });
        effectivePolicy({ policy: { name: 'p', spec: policy }, overrides });
        expect({ policy, overrides }).toEqual(before);
      }),
    );
  });

  test('every value has an origin', () => {
    fc.assert(
      fc.property(layers, ({ policy, overrides }) => {
        const result = effectivePolicy({ policy: { name: 'p', spec: policy }, overrides });
        expect(leavesOf(result.policy, '').filter((path) => !result.origins.has(path))).toEqual([]);
      }),
    );
  });
});

function leavesOf(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) {
    const named = value.filter((entry: unknown) => property(entry, 'name') !== undefined);
    if (named.length < value.length || value.length === 0) return value.length === 0 ? [] : [path];
    return isListMap(path)
      ? named.flatMap((entry) => leavesOf(entry, `${path}[${String(property(entry, 'name'))}]`))
      : [path];
  }
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, at]) => leavesOf(at, path === '' ? key : `${path}.${key}`));
}

const isListMap = (path: string): boolean => /(signals|rules|indexes|maintenanceWindows)$/.test(path);
