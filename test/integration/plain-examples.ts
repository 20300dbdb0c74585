import type { BadExample } from './bad-examples.ts';

/** A fault that the schema finds and no rule of ours: the API server tells it in its own words (`message`), genops without one in ours. */
export interface PlainExample extends BadExample {
  /** What of the schema it breaks. */
  readonly keyword: string;
  /** What genops says: the field, what was seen, what is wanted, an example. */
  readonly offline: string;
}

const policy = 'PerformancePolicy';
const service = 'GenerationService';
const components = [{ name: 'web', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } }];
const parameters = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`a${index}`, '1']));
const tooLong = '1'.repeat(21);

export const plainExamples: readonly PlainExample[] = [
  {
    keyword: 'minimum',
    name: 'a number below its minimum',
    kind: policy,
    spec: { horizontal: { minReplicas: 0 } },
    field: 'spec.horizontal.minReplicas',
    message: 'should be greater than or equal to 1',
    offline: 'saw 0; wanted: must be >= 1, for example 2',
  },
  {
    keyword: 'maximum',
    name: 'a number above its maximum',
    kind: policy,
    spec: { horizontal: { maxReplicas: 1001 } },
    field: 'spec.horizontal.maxReplicas',
    message: 'should be less than or equal to 1000',
    offline: 'saw 1001; wanted: must be <= 1000, for example 20',
  },
  {
    keyword: 'enum',
    name: 'a word that is not in the set',
    kind: policy,
    spec: { scaler: { algorithm: 'Magic' } },
    field: 'spec.scaler.algorithm',
    message: 'Unsupported value: "Magic": supported values: "Score", "Lookahead"',
    offline: 'saw "Magic"; wanted: one of Score, Lookahead, for example Score',
  },
  {
    keyword: 'required',
    name: 'a workload without a name',
    kind: service,
    spec: { components: [{ name: 'web', targetRef: { apiVersion: 'apps/v1', kind: 'Deployment' } }] },
    field: 'spec.components[0].targetRef.name',
    message: 'Required value',
    offline: 'saw nothing; wanted: Name of the workload, for example workflow-execution',
  },
  {
    keyword: 'required',
    name: 'a server without its Secret',
    kind: service,
    spec: { components, redis: [{ name: 'cache' }] },
    field: 'spec.redis[0].secretRef',
    message: 'Required value',
    offline: 'for example {name: workflow-execution}',
  },
  {
    keyword: 'type',
    name: 'a number in quotes',
    kind: policy,
    spec: { horizontal: { minReplicas: '2' } },
    field: 'spec.horizontal.minReplicas',
    message: 'must be of type integer: "string"',
    offline: 'saw "2"; wanted: must be integer, for example 2',
  },
  {
    keyword: 'type',
    name: 'a bare Off, which YAML reads as false',
    kind: policy,
    spec: { redis: { mode: false } },
    field: 'spec.redis.mode',
    message: 'must be of type string: "boolean"',
    offline:
      'saw false; wanted: one of Enforce, DryRun, Off (quote "Off": bare, YAML reads it as false), for example Enforce',
  },
  {
    keyword: 'type',
    name: 'a ratio without quotes',
    kind: policy,
    spec: { objectives: { successRatio: { target: 0.95 } } },
    field: 'spec.objectives.successRatio.target',
    message: 'must be of type string: "number"',
    offline: 'saw 0.95; wanted: must be string, for example "0.95"',
  },
  {
    keyword: 'type',
    name: 'a word where a list belongs',
    kind: policy,
    spec: { horizontal: { behavior: { scaleUp: { policies: 'Pods' } } } },
    field: 'spec.horizontal.behavior.scaleUp.policies',
    message: 'must be of type array: "string"',
    offline: 'saw "Pods"; wanted: must be array, for example [{type: Percent, value: 100, periodSeconds: 30}, ',
  },
  {
    keyword: 'x-kubernetes-int-or-string',
    name: 'a fraction where Kubernetes takes none',
    kind: policy,
    spec: { resources: { requests: { cpu: 0.5 } } },
    field: 'spec.resources.requests.cpu',
    message: 'must be of type integer,string: "number"',
    offline: 'saw 0.5; wanted: a string or a whole number, for example 500m',
  },
  {
    keyword: 'minItems',
    name: 'a list that is too short',
    kind: policy,
    spec: { rating: { cpuPercent: [50] } },
    field: 'spec.rating.cpuPercent',
    message: 'should have at least 3 items',
    offline: 'saw [50]; wanted: must NOT have fewer than 3 items, for example [50, 75, 90]',
  },
  {
    keyword: 'maxItems',
    name: 'a list that is too long',
    kind: policy,
    spec: { rating: { cpuPercent: [50, 60, 70, 80] } },
    field: 'spec.rating.cpuPercent',
    message: 'must have at most 3 items',
    offline: 'saw [50,60,70,80]; wanted: must NOT have more than 3 items, for example [50, 75, 90]',
  },
  {
    keyword: 'x-kubernetes-list-type',
    name: 'a value that stands twice in a set',
    kind: policy,
    spec: { vertical: { controlledResources: ['cpu', 'cpu'] } },
    field: 'spec.vertical.controlledResources[1]',
    message: 'Duplicate value: "cpu"',
    offline: 'saw ["cpu","cpu"]; wanted: each name or value once, for example [cpu, memory]',
  },
  {
    keyword: 'x-kubernetes-list-type',
    name: 'a name that stands twice in a list',
    kind: service,
    spec: { components: [...components, ...components] },
    field: 'spec.components[1]',
    message: 'Duplicate value: {"name":"web"}',
    offline: 'wanted: each name or value once, for example [{name: workflow, targetRef: ',
  },
  {
    keyword: 'minLength',
    name: 'an empty text',
    kind: service,
    spec: { components, postgres: [{ name: 'main', secretRef: { name: 'main' }, clientRole: '' }] },
    field: 'spec.postgres[0].clientRole',
    message: 'should be at least 1 chars long',
    offline: 'saw ; wanted: must NOT have fewer than 1 characters, for example app',
  },
  {
    keyword: 'maxLength',
    name: 'a text that is too long',
    kind: policy,
    spec: { collector: { interval: tooLong } },
    field: 'spec.collector.interval',
    message: 'Too long: may not be more than 20 bytes',
    offline: `saw ${tooLong}; wanted: must NOT have more than 20 characters, for example 10s`,
  },
  {
    keyword: 'minProperties',
    name: 'a map without an entry',
    kind: service,
    spec: { components, loadBalancer: { type: 'Nginx', nginx: { podSelector: { matchLabels: {} } } } },
    field: 'spec.loadBalancer.nginx.podSelector.matchLabels',
    message: 'should have at least 1 properties',
    offline: 'wanted: must NOT have fewer than 1 properties, for example {app: nginx}',
  },
  {
    keyword: 'maxProperties',
    name: 'a map with too many entries',
    kind: policy,
    spec: { redis: { parameters } },
    field: 'spec.redis.parameters',
    message: 'must have at most 64 items',
    offline: 'wanted: must NOT have more than 64 properties, for example {save: "900 1 300 10 60 10000", ',
  },
];
