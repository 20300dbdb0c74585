import { ApiError } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { events } from '../kube/events.ts';
import type { KubeObject } from '../kube/object.ts';
import { resource } from '../kube/resource.ts';
import type { PerformanceStatus } from '../serve/views/performance-status.ts';
import { connectFor, serviceOf } from './cluster.ts';
import { ageText, ago } from './age.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf, UsageError } from './command.ts';
import { decisionRows } from './decision-rows.ts';
import { explanationOf, type Explanation, type SeenDecisions, type SeenEvent } from './explanation.ts';
import { objectiveRows } from './objective-rows.ts';
import {
  askOperator,
  credentialsFor,
  operatorHelp,
  operatorOptions,
  operatorService,
  type Credentials,
  type OperatorService,
} from './operator-views.ts';
import { table } from './table.ts';

export const explain = command({
  summary: 'say why each last decision was what it was, and what stands in the way',
  usage: 'NAME [-n NAMESPACE] [--service-account NAME]',
  examples: ['genops explain generation -n ai', 'genops explain generation -n ai -o json'],
  options: { ...clusterOptions, ...operatorOptions, output: { type: 'string', short: 'o', default: 'text' } },
  help: { ...clusterHelp, ...operatorHelp, output: 'text or json' },
  async run({ values, positionals, out, signal }) {
    const output = oneOf('output', values.output, ['text', 'json']);
    const {
      config,
      kube: client,
      key,
      namespace,
    } = await connectFor(positionals, values, 'genops explain generation -n ai');
    await using kube = client;
    const service = await serviceOf(kube, key, signal);
    const operator = operatorService(values.operator);
    const credentials = credentialsFor({ kube, config, account: values['service-account'], namespace });
    const [told, decisions] = await Promise.all([
      eventsOf(kube, service, signal),
      decisionsOf(service, { kube, operator, credentials }, signal),
    ]);
    const explanation = explanationOf(service, { events: told, decisions });
    out.write(
      output === 'json' ? `${JSON.stringify(explanation, undefined, 2)}\n` : explanationText(explanation, Date.now()),
    );
    return exit.yes;
  },
});

export const why = { ...explain, summary: 'the same as explain', examples: ['genops why generation -n ai'] };

/** The Events of a service; undefined: they may not be read. */
export async function eventsOf(
  kube: Kube,
  { metadata: { namespace, uid } }: KubeObject,
  signal: AbortSignal,
): Promise<readonly SeenEvent[] | undefined> {
  try {
    return await kube.list(
      resource<SeenEvent & KubeObject>(events),
      { namespace, fieldSelector: `regarding.uid=${uid}` },
      signal,
    );
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  }
}

const patienceMs = 5_000;

/** What the operator says of the decisions on a service. Whoever may not ask it is told why, and everything else all the same. */
async function decisionsOf(
  { metadata: { namespace, name } }: KubeObject,
  {
    kube,
    operator,
    credentials,
  }: { readonly kube: Kube; readonly operator: OperatorService; readonly credentials: Credentials },
  signal: AbortSignal,
): Promise<SeenDecisions> {
  const patience = AbortSignal.timeout(patienceMs);
  const until = AbortSignal.any([signal, patience]);
  const path = `/namespaces/${namespace}/generationservices/${name}/api/performance/status`;
  try {
    const view = (await askOperator(kube, operator, { path, authorization: await credentials(until) }, until)) as Said;
    if (view.decisions !== undefined && view.newestDecisions !== undefined)
      return { kind: 'said', view: { decisions: view.decisions, newestDecisions: view.newestDecisions } };
    return {
      kind: 'silent',
      why: 'saw an answer without them; next: bring the operator to the version of this program',
    };
  } catch (error) {
    if (error instanceof UsageError) return { kind: 'silent', why: error.message };
    if (error instanceof ApiError) return { kind: 'silent', why: `${error.message}; next: docs/views.md` };
    if (patience.aborted && !signal.aborted)
      return { kind: 'silent', why: `it did not answer within ${patienceMs / 1_000}s` };
    throw error;
  }
}
/** Of whatever version. */
type Said = Partial<PerformanceStatus>;

/** The explanation as a page for people. `now` in ms since the epoch. */
export function explanationText(explanation: Explanation, now: number): string {
  const { service, mode, policy, ready, components, objectivesNotMet, conditions, events: told } = explanation;
  const stands =
    ready === undefined ? 'not looked at yet' : `${ready.status === 'True' ? 'Ready' : 'not Ready'} (${ready.reason})`;
  const sections = [
    `${service}   ${stands}   mode ${mode}   policy ${policy}\n`,
    ...components.map((component) => section(component.name, componentRows(component, now))),
    section(
      'Objectives not met',
      objectiveRows(objectivesNotMet).map((row, index) => [...row, since(objectivesNotMet[index]?.since, now)]),
    ),
    section(
      'Conditions that tell of something amiss',
      conditions.map(({ type, status, reason, message, lastTransitionTime }) => [
        type,
        status,
        reason,
        since(lastTransitionTime, now),
        message,
      ]),
    ),
    section(
      'Events, newest first',
      (told ?? []).map(({ time, type, reason, note, count }) => [
        ago(time, now),
        type,
        `${reason}${count > 1 ? ` ×${count}` : ''}`,
        note,
      ]),
    ),
    section(
      'Not recorded',
      explanation.notRecorded.map((text) => [text]),
    ),
  ];
  return sections.filter((text) => text !== '').join('\n');
}

function componentRows(component: Explanation['components'][number], now: number): readonly (readonly string[])[] {
  const { current, floor, min, max } = component.replicas ?? {};
  return [
    ...(component.replicas === null
      ? []
      : [['replicas', `${current ?? 'unknown'} now, floor ${floor ?? 'unknown'}, ${min ?? '?'} to ${max ?? '?'}`]]),
    ['bounds', component.bounds],
    ...decisionRows(component, now),
  ];
}

const section = (title: string, rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : `${title}\n${table(rows, '  ')}`;

const since = (time: string | undefined, now: number): string =>
  time === undefined ? '' : `for ${ageText(now - Date.parse(time))}`;
