import type { GenerationService } from '../api/generation-service.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import { ratingParts } from '../decide/rating.ts';
import type { LeverMemory } from '../levers/run.ts';
import { readState } from '../reconcilers/state.ts';
import { ago } from './age.ts';
import { conflictOn } from './autoscaler-conflict.ts';
import { connectFor, serviceOf } from './cluster.ts';
import { colouredFor } from './colour.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf } from './command.ts';
import { leaseNamespaceOf } from './lease.ts';
import { objectiveRows } from './objective-rows.ts';
import { outputOption, outputs, structured } from './output.ts';
import { policyText } from './policy-text.ts';
import { operatorLine } from './status-operator.ts';
import { postgresText } from './status-postgres.ts';
import { redisText } from './status-redis.ts';
import { orForbidden } from './status-rights.ts';
import { table } from './table.ts';

const statusOutputs = [...outputs, 'wide'] as const;

export const status = command({
  summary: 'show how a service stands: the operator, objectives, replicas, servers, conditions',
  usage: 'NAME [-n NAMESPACE]',
  examples: [
    'genops status generation -n ai   # exit code 0 when it is Ready, else 1',
    'genops status generation -n ai -o json   # the status object',
  ],
  options: {
    ...clusterOptions,
    'lease-namespace': { type: 'string' },
    ...outputOption,
  },
  help: {
    ...clusterHelp,
    'lease-namespace': 'where the operator is installed; else genops-system',
    output: 'text, wide (since when each condition stands), json or yaml',
  },
  choices: { output: statusOutputs },
  async run({ values, positionals, env, out, signal }) {
    const output = oneOf('output', values.output, statusOutputs);
    const { kube: client, key, namespace } = await connectFor(positionals, values, 'genops status generation -n ai');
    await using kube = client;
    const service = await serviceOf(kube, key, signal);
    if (output === 'json' || output === 'yaml') out.write(structured(output, service.status ?? {}));
    else {
      const now = Date.now();
      const [operator, state] = await Promise.all([
        operatorLine(
          kube,
          {
            namespace: leaseNamespaceOf(values['lease-namespace'], env),
            about: { namespace, isUnseen: (service.status?.observedGeneration ?? -1) < 0 },
          },
          now,
          signal,
        ),
        orForbidden(readState(kube, service, signal)),
      ]);
      const page = statusText(service, state === 'Forbidden' ? state : state.levers, now, output);
      out.write(`${operator}\n${colouredFor(out, env)(page)}`);
    }
    return service.status?.conditions?.some(({ type, status: state }) => type === 'Ready' && state === 'True') === true
      ? exit.yes
      : exit.no;
  },
});

/** The status of a service as a page for people. `now` in ms since the epoch. */
export function statusText(
  service: GenerationService,
  memory: LeverMemory | 'Forbidden',
  now: number,
  width: 'text' | 'wide' = 'text',
): string {
  const { metadata, spec, status: seen = {} } = service;
  const { conditions = [], components = [], redis = [], postgres = [] } = seen;
  const ready = conditions.find(({ type }) => type === 'Ready');
  const behind = seen.observedGeneration === metadata.generation ? '' : '   (this status is older than the spec)';
  const sections = [
    `${metadata.namespace}/${metadata.name}   ${ready === undefined ? 'not looked at yet' : `${ready.status === 'True' ? 'Ready' : 'not Ready'} (${ready.reason})`}   mode ${seen.mode ?? spec.mode}   policy ${policyText(service)}${ratingText(seen)}${behind}\n`,
    section('Objectives', objectivesOf(seen, now)),
    section('Replicas', replicaRows(seen, now)),
    section(
      'Recommended by the vertical autoscaler',
      components.flatMap(({ name, recommendation: { cpu, memory: bytes } = {} }) =>
        cpu === undefined && bytes === undefined
          ? []
          : [[name, cpu === undefined ? '-' : `cpu ${cpu}`, bytes === undefined ? '-' : `memory ${bytes}`]],
      ),
    ),
    section(
      'Runtime settings',
      components.flatMap(({ name, runtime }) =>
        runtime === undefined
          ? []
          : [[name, runtime.hash ?? '', `in force in ${runtime.podsCurrent} of ${runtime.podsTotal} Pods`]],
      ),
    ),
    redis.length === 0 ? '' : `\nRedis\n${redisText(seen, memory)}`,
    postgres.length === 0 ? '' : `\nPostgreSQL\n${postgresText(postgres, memory)}`,
    section(
      'Conditions',
      conditions.map(({ type, status: state, reason, message, lastTransitionTime }) => [
        type,
        state,
        reason,
        ...(width === 'wide' ? [ago(lastTransitionTime, now)] : []),
        message,
      ]),
    ),
  ];
  return sections.join('');
}

/** What is declared does not bound where somebody else does. */
function replicaRows(
  { components = [], conditions = [] }: GenerationServiceStatus,
  now: number,
): readonly (readonly string[])[] {
  return components.flatMap(({ name, replicas, decision }) => {
    if (replicas === undefined) return [];
    const { current, floor, min, max } = replicas;
    const isOthers = conflictOn(name, { conditions, isOne: components.length === 1 }) !== undefined;
    const bounds = isOthers
      ? ['not ours (Conflict)', '']
      : [floor === undefined ? 'no autoscaler' : `floor ${floor}`, `${min} to ${max}`];
    const made =
      decision === undefined
        ? ''
        : `${decision.action} ${decision.from} → ${decision.to}, ${ago(decision.time, now)}: ${decision.message}`;
    return [[name, `${current} now`, ...bounds, made]];
  });
}

/** The points count only with what they are counted of: a grade by half of the parts must not read as one by all. */
function ratingText({ rating: { grade, score, scoredOf, parts = {} } = {} }: GenerationServiceStatus): string {
  if (grade === undefined) return '';
  const unknown = ratingParts.filter((part) => parts[part] === undefined);
  if (score === undefined) return `   grade ${grade} (no part is known: ${unknown.join(', ')})`;
  return unknown.length === 0
    ? `   grade ${grade} (${score} of ${scoredOf} points)`
    : `   grade ${grade} (${score} of the ${scoredOf} points that are known; not known: ${unknown.join(', ')})`;
}

function objectivesOf(
  { objectives, objectivesMet, conditions = [] }: GenerationServiceStatus,
  now: number,
): readonly (readonly string[])[] {
  // Status is written when a state changes, so its times are no ages of figures that are measured all along.
  const isFresh = conditions.some(({ type, reason }) => type === 'MetricsAvailable' && reason === 'Fresh');
  if (objectives !== undefined)
    return objectiveRows(objectives).map(([mark = '', measured = '', target = '', more], index) => {
      const { attainment, observedAt } = objectives[index] ?? {};
      const seen = observedAt === undefined || isFresh ? '' : `of ${ago(observedAt, now)}`;
      const share = attainment === undefined ? '' : `kept for ${percent(attainment)} of the judged time`;
      return [mark, measured, seen, target, [more, share].filter((text) => text !== '').join(', ')];
    });
  return objectivesMet === undefined ? [] : [[`${objectivesMet} met: none was measured yet`]];
}

/** `0.995` is `99.5 %`; the text has three places at most. */
const percent = (share: string): string => `${Math.round(Number(share) * 1_000) / 10} %`;

const section = (title: string, rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : `\n${title}\n${table(rows, '  ')}`;
