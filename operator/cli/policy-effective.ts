import type { GenerationService } from '../api/generation-service.ts';
import type { PerformancePolicy } from '../api/performance-policy.ts';
import { problemText } from '../api/field-problem.ts';
import { effectivePolicy, type EffectiveResult } from '../decide/effective-policy.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf, UsageError } from './command.ts';
import { connectFor, policyOf, serviceOf } from './cluster.ts';
import { readManifests } from './manifests.ts';
import { outputHelp, outputOption, outputs, structured } from './output.ts';
import { table } from './table.ts';

const usage = 'genops policy effective generation -n ai';

export const policyEffective = command({
  summary: 'show every value that holds for a service and which layer it comes from',
  usage: '[NAME] [-n NAMESPACE] [--component NAME] [-f FILE]...',
  examples: [
    usage,
    `${usage} --component workflow -o yaml`,
    'genops policy effective generation -f policy.yaml -f service.yaml   # before anything is applied',
    'genops policy effective -f policy.yaml   # one policy over the defaults',
  ],
  options: {
    ...clusterOptions,
    component: { type: 'string' },
    filename: { type: 'string', short: 'f', multiple: true },
    ...outputOption,
  },
  help: {
    ...clusterHelp,
    component: 'with the overrides of this component',
    filename: 'files to read instead of the cluster',
    ...outputHelp,
  },
  choices: { output: outputs },
  async run({ values, positionals, out, signal }) {
    const output = oneOf('output', values.output, outputs);
    const files = values.filename ?? [];
    const { service, policy } =
      files.length > 0 ? await fromFiles(files, positionals) : await fromCluster(values, positionals, signal);
    const result = effectivePolicy({
      ...(policy === undefined ? {} : { policy: { name: policy.metadata.name, spec: policy.spec } }),
      ...(service?.spec.overrides === undefined ? {} : { overrides: service.spec.overrides }),
      ...componentLayer(service, values.component),
    });
    out.write(printed(result, output));
    return result.problems.length === 0 ? exit.yes : exit.no;
  },
});

async function fromFiles(files: readonly string[], [name, ...rest]: readonly string[]) {
  if (rest.length > 0)
    throw new UsageError(`saw ${[name, ...rest].join(' ')}; wanted one name at most, and -f before each file`);
  const { services, policies } = await readManifests(files);
  const service = services.find(({ metadata }) => name === undefined || metadata.name === name);
  if (service === undefined && name === undefined) return { service, policy: onlyOne(policies, files) };
  if (service === undefined)
    throw new UsageError(
      `saw no GenerationService ${name} in ${files.join(', ')}; wanted one: ${usage} -f service.yaml`,
    );
  const wanted = service.spec.policyRef?.name;
  const policy = policies.find(({ metadata }) => metadata.name === wanted);
  if (wanted !== undefined && policy === undefined)
    throw new UsageError(
      `saw no PerformancePolicy ${wanted} in ${files.join(', ')}; wanted the one that spec.policyRef.name names: add its file with -f`,
    );
  return { service, policy };
}

/** A policy that is checked by itself. */
function onlyOne(policies: readonly PerformancePolicy[], files: readonly string[]): PerformancePolicy {
  const [policy, ...rest] = policies;
  const seen = files.join(', ');
  if (policy === undefined)
    throw new UsageError(
      `saw neither a GenerationService nor a PerformancePolicy in ${seen}; wanted one: ${usage} -f service.yaml`,
    );
  if (rest.length === 0) return policy;
  throw new UsageError(
    `saw PerformancePolicy ${policies.map(({ metadata }) => metadata.name).join(' and ')} in ${seen}, and no GenerationService; wanted one policy, or the service that names it: ${usage} -f service.yaml`,
  );
}

async function fromCluster(
  values: Parameters<typeof connectFor>[1],
  positionals: readonly string[],
  signal: AbortSignal,
) {
  const { kube: client, key } = await connectFor(positionals, values, usage);
  await using kube = client;
  const service = await serviceOf(kube, key, signal);
  return { service, policy: await policyOf(kube, service, signal) };
}

function componentLayer(service: GenerationService | undefined, name: string | undefined) {
  if (name === undefined) return {};
  if (service === undefined)
    throw new UsageError(
      `saw --component ${name} and no GenerationService; wanted the service that has it: ${usage} -f service.yaml`,
    );
  const { spec } = service;
  const component = spec.components.find((candidate) => candidate.name === name);
  if (component === undefined)
    throw new UsageError(
      `saw no component ${name}; wanted one of ${spec.components.map((candidate) => candidate.name).join(', ')}`,
    );
  return { component: { name, overrides: component.overrides } };
}

function printed({ policy, origins, problems }: EffectiveResult, output: (typeof outputs)[number]): string {
  if (output === 'yaml') return structured(output, policy);
  if (output === 'json') return structured(output, { policy, origins: Object.fromEntries(origins), problems });
  const rows = [...origins].map(([field, origin]) => [field, origin, valueAt(policy, field)] as const);
  const wrong = problems.map((problem) => `❌ ${problemText(problem)}\n`);
  return table(rows.map((row) => [...row])) + wrong.join('');
}

/** The value at `horizontal.minReplicas` or `optimizer.rules[gc-on-memory].action`. */
function valueAt(policy: unknown, path: string): string {
  let value = policy;
  for (const [, name, entry] of path.matchAll(/([^.[\]]+)|\[([^\]]+)\]/g)) {
    if (Array.isArray(value)) value = value.find((item: { name?: string }) => item.name === entry);
    else value = (value as Readonly<Record<string, unknown>> | undefined)?.[name ?? entry ?? ''];
  }
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
