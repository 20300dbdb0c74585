import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { GenerationServiceSpec } from '../../operator/api/generation-service.ts';
import { PolicySpec } from '../../operator/api/performance-policy.ts';
import { property, type Rule, ruleMessage } from '../../operator/api/schema.ts';
import { nodeOf, type SchemaNode } from '../../hack/generate/node.ts';

/** A spec that the API server has to refuse, and what its message has to hold: the field and the rule with its example. */
export interface BadExample {
  readonly name: string;
  readonly kind: 'GenerationService' | 'PerformancePolicy';
  readonly spec: unknown;
  readonly field: string;
  readonly message: string;
}

const samples = join(import.meta.dirname, '../../config/samples');
const specOf = (file: string): unknown => property(parse(readFileSync(join(samples, file), 'utf8')), 'spec');

/** Every message that a rule of the API server can give. */
export function allMessages(): ReadonlySet<string> {
  const rules = [...rulesOf(nodeOf(PolicySpec)), ...rulesOf(nodeOf(GenerationServiceSpec))];
  return new Set(rules.filter(({ cel }) => cel !== undefined).map(ruleMessage));
}

const rulesOf = (schema: SchemaNode): readonly Rule[] => nodesOf(schema).flatMap(({ rules = [] }) => rules);

function nodesOf(schema: SchemaNode): readonly SchemaNode[] {
  const { properties = {}, items, additionalProperties } = schema;
  const below = [
    ...Object.values(properties),
    ...[items, additionalProperties].filter((node) => typeof node === 'object'),
  ];
  return [schema, ...below.flatMap(nodesOf)];
}

/** What a value can break beside rules: every keyword of the schemas that refuses something. */
export function allKeywords(): ReadonlySet<string> {
  const found = new Set(
    [PolicySpec, GenerationServiceSpec].flatMap((spec) => nodesOf(nodeOf(spec)).flatMap(Object.keys)),
  );
  return found.difference(refuseNothing);
}

const refuseNothing = new Set([
  'additionalProperties', // a field that nobody knows: kubectl names no object there, so that it has a test of its own
  'default',
  'description',
  'examples',
  'items',
  'properties',
  'rules',
  'title',
  'x-kubernetes-list-map-keys',
]);

/** In each sample each string that has a rule, replaced by one that breaks it. */
export function brokenSamples(): readonly BadExample[] {
  const policies = ['policy-guide.yaml', 'policy-night-work.yaml'];
  return [
    ...policies.flatMap((file) => brokenIn('PerformancePolicy', nodeOf(PolicySpec), specOf(file))),
    ...brokenIn('GenerationService', nodeOf(GenerationServiceSpec), specOf('generationservice-full.yaml')),
  ];
}

/** Outside of every pattern. */
const broken = 'ü!';

function brokenIn(kind: BadExample['kind'], root: SchemaNode, spec: unknown): readonly BadExample[] {
  return leavesOf(root, spec, []).map(({ path, rule }) => {
    const field = `spec${path.map(shownPart).join('')}`;
    const name = `${field} that is not ${rule.wanted.replace(/^must be /, '')}`;
    return { name, kind, spec: withValue(spec, path, broken), field, message: ruleMessage(rule) };
  });
}

/** As the API server writes it: keys of a map stand in brackets. */
const shownPart = (part: string | number, index: number, path: Path): string =>
  typeof part === 'number' || path[index - 1] === 'parameters' || path[index - 1] === 'queries'
    ? `[${part}]`
    : `.${part}`;

type Path = readonly (string | number)[];
interface Leaf {
  readonly path: Path;
  readonly rule: Rule;
}

function leavesOf(schema: SchemaNode, value: unknown, path: Path): readonly Leaf[] {
  const { properties, items, additionalProperties, rules = [] } = schema;
  if (Array.isArray(value) && items !== undefined) {
    return value.flatMap((entry, index) => leavesOf(items, entry, [...path, index]));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, at]) => {
      const field = properties?.[key] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
      return field === undefined ? [] : leavesOf(field, at, [...path, key]);
    });
  }
  return rules.filter(({ cel }) => cel !== undefined).map((rule) => ({ path, rule }));
}

function withValue(at: unknown, [head, ...rest]: Path, value: unknown): unknown {
  if (head === undefined) return value;
  if (Array.isArray(at)) return at.map((entry, index) => (index === head ? withValue(entry, rest, value) : entry));
  return { ...Object(at), [head]: withValue(property(at, String(head)), rest, value) };
}
