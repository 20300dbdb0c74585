import type { GenerationService } from '../api/generation-service.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf } from './command.ts';
import { connectFor, serviceOf } from './cluster.ts';
import { objectiveRows } from './objective-rows.ts';
import { table } from './table.ts';

export const status = command({
  summary: 'show how a service stands: objectives, replicas, servers, conditions',
  usage: 'NAME [-n NAMESPACE]',
  examples: [
    'genops status generation -n ai   # exit code 0 when it is Ready, else 1',
    'genops status generation -n ai -o json   # the status object',
  ],
  options: { ...clusterOptions, output: { type: 'string', short: 'o', default: 'text' } },
  help: { ...clusterHelp, output: 'text or json' },
  async run({ values, positionals, out, signal }) {
    const output = oneOf('output', values.output, ['text', 'json']);
    const { kube: client, key } = await connectFor(positionals, values, 'genops status generation -n ai');
    await using kube = client;
    const service = await serviceOf(kube, key, signal);
    out.write(output === 'json' ? `${JSON.stringify(service.status ?? {}, undefined, 2)}\n` : statusText(service));
    return service.status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') === true
      ? exit.yes
      : exit.no;
  },
});

/** The status of a service as a page for people. */
export function statusText({ metadata, spec, status: seen = {} }: GenerationService): string {
  const { conditions = [], components = [], redis = [] } = seen;
  const ready = conditions.find(({ type }) => type === 'Ready');
  const behind = seen.observedGeneration === metadata.generation ? '' : '   (this status is older than the spec)';
  const sections = [
    `${metadata.namespace}/${metadata.name}   ${ready === undefined ? 'not looked at yet' : `${ready.status === 'True' ? 'Ready' : 'not Ready'} (${ready.reason})`}   mode ${spec.mode}   policy ${policyText(spec, seen)}${ratingText(seen)}${behind}`,
    section('Objectives', objectivesOf(seen)),
    section(
      'Replicas',
      components.flatMap(({ name, replicas, decision }) =>
        replicas === undefined
          ? []
          : [
              [
                name,
                `${replicas.current} now`,
                `floor ${replicas.floor}`,
                `${replicas.min} to ${replicas.max}`,
                decision === undefined
                  ? ''
                  : `${decision.action} ${decision.from} → ${decision.to}: ${decision.message}`,
              ],
            ],
      ),
    ),
    section(
      'Redis',
      redis.map(({ name, server = '', version = '', pendingRestart = [] }) => [
        name,
        `${server} ${version}`,
        pendingRestart.length === 0 ? '' : `waits for a restart: ${pendingRestart.join(', ')}`,
      ]),
    ),
    section(
      'Conditions',
      conditions.map(({ type, status: state, reason, message }) => [type, state, reason, message]),
    ),
  ];
  return sections.filter((text) => text !== '').join('\n');
}

/** What the spec names, and beside it what is in force until that can be. */
function policyText({ policyRef }: GenerationService['spec'], { policy }: GenerationServiceStatus): string {
  const named = policyRef?.name;
  if (policy === undefined || policy.name === named) return named ?? 'defaults';
  return `${named ?? 'defaults'} (in force ${policy.name === undefined ? 'are the defaults' : `is ${policy.name}`})`;
}

const ratingText = ({ rating: { grade, score, scoredOf } = {} }: GenerationServiceStatus): string => {
  if (grade === undefined) return '';
  return score === undefined ? `   grade ${grade}` : `   ${grade} ${score} of ${scoredOf}`;
};

function objectivesOf({ objectives, objectivesMet }: GenerationServiceStatus): readonly (readonly string[])[] {
  if (objectives !== undefined) return objectiveRows(objectives);
  return objectivesMet === undefined ? [] : [[`${objectivesMet} met: none was measured yet`]];
}

const section = (title: string, rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : `\n${title}\n${table(rows, '  ')}`;
