import {
  effectivePolicy,
  type EffectivePolicy,
  type EffectiveResult,
  type PolicyLayers,
} from '../decide/effective-policy.ts';
import { hashOf } from '../kube/hash.ts';

/** What policies and overrides make together, and its hash, each computed once: merging and checking take a millisecond, and every visit of every service asks. */
export interface EffectivePolicies {
  of(layers: PolicyLayers): EffectiveResult;
  hash(policies: readonly EffectivePolicy[]): string;
}

/** Different overrides on top of one policy that are remembered; what falls out is computed again. */
const variants = 500;

/** A policy is known by its object, which the cache hands out until it changes; overrides by their text, which many services share. */
export function createEffectivePolicies(): EffectivePolicies {
  const noPolicy = {};
  const results = new WeakMap<object, Map<string, EffectiveResult>>();
  const hashes = new WeakMap<EffectivePolicy, string>();
  const hashOne = (policy: EffectivePolicy): string => {
    const known = hashes.get(policy) ?? hashOf(policy);
    hashes.set(policy, known);
    return known;
  };
  return {
    of(layers) {
      const base = layers.policy?.spec ?? noPolicy;
      const known = results.get(base) ?? new Map<string, EffectiveResult>();
      results.set(base, known);
      const variant = JSON.stringify([layers.policy?.name, layers.overrides, layers.component]);
      const result = known.get(variant) ?? effectivePolicy(layers);
      known.delete(variant); // so that it stands last
      known.set(variant, result);
      const [oldest] = known.keys();
      if (known.size > variants && oldest !== undefined) known.delete(oldest);
      return result;
    },
    hash(policies) {
      const [first = '', ...components] = policies.map(hashOne);
      return components.every((hash) => hash === first) ? first : hashOf([first, ...components]);
    },
  };
}
