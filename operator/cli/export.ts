import { stringify } from 'yaml';
import type { GenerationService } from '../api/generation-service.ts';
import { readState } from '../reconcilers/state.ts';
import { connectFor, policyOf, serviceOf } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf } from './command.ts';
import { jsonPatch, type Operation } from './json-patch.ts';
import { learnedOf, type Learned } from './learned.ts';
import { orForbidden } from './status-rights.ts';

const outputs = ['kustomize', 'json', 'yaml'] as const;

export const exportLearned = command({
  summary: 'write what was learned, floors and parameters for example, as a patch for Git',
  usage: 'NAME [-n NAMESPACE]',
  examples: [
    'genops export generation -n ai > learned/kustomization.yaml   # then `components: [learned]` in the kustomization beside it',
    'genops export generation -n ai -o json > patch.json   # for kubectl patch --type=json --patch-file patch.json',
  ],
  options: { ...clusterOptions, output: { type: 'string', short: 'o', default: 'kustomize' } },
  help: { ...clusterHelp, output: 'kustomize (a Component), json or yaml (the patch alone, RFC 6902)' },
  choices: { output: outputs },
  async run({ values, positionals, out, err, signal }) {
    const output = oneOf('output', values.output, outputs);
    const { kube: client, key } = await connectFor(positionals, values, 'genops export generation -n ai');
    await using kube = client;
    const service = await serviceOf(kube, key, signal);
    const [policy, state] = await Promise.all([
      policyOf(kube, service, signal),
      orForbidden(readState(kube, service, signal)),
    ]);
    if (state === 'Forbidden')
      err.write(
        `${key}: saw that you may not read its state; wanted the parameters of its servers too; next: get on the ConfigMap ${service.metadata.name}-genops-state\n`,
      );
    const learned = learnedOf({ service, policy, memory: state === 'Forbidden' ? {} : state.levers });
    const patch = jsonPatch(service.spec, learned);
    if (output === 'kustomize') out.write(component(service, learned, patch));
    else out.write(output === 'json' ? `${JSON.stringify(patch, undefined, 2)}\n` : stringify(patch));
    return exit.yes;
  },
});

/** A Component of kustomize: one file, with why each value is what it is. */
function component(
  { apiVersion, kind, metadata: { namespace, name } }: GenerationService,
  learned: readonly Learned[],
  patch: readonly Operation[],
): string {
  const [group, version] = apiVersion.split('/');
  const manifest = {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    patches: patch.length === 0 ? [] : [{ target: { group, version, kind, name }, patch: stringify(patch) }],
  };
  return [
    `# What genops has learned of ${namespace}/${name}: genops export ${name} -n ${namespace}`,
    ...learned.map(({ at, why }) => `# ${at.join('.')}: ${why}`),
    stringify(manifest),
  ].join('\n');
}
