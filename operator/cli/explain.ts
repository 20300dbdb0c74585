import { ApiError, isRefusal } from '../kube/api-error.ts';
import type { Kube } from '../kube/client.ts';
import { events } from '../kube/events.ts';
import type { KubeObject } from '../kube/object.ts';
import { resource } from '../kube/resource.ts';
import type { PerformanceStatus } from '../serve/views/performance-status.ts';
import { connectFor, serviceOf } from './cluster.ts';
import { ageText, ago } from './age.ts';
import { colouredFor } from './colour.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf } from './command.ts';
import { decisionRows, nextText } from './decision-rows.ts';
import { explanationOf, type Explanation, type SeenDecisions, type SeenEvent } from './explanation.ts';
import { objectiveRows } from './objective-rows.ts';
import { outputHelp, outputOption, outputs, structured } from './output.ts';
import {
  askOperator,
  credentialsOfAccount,
  isOfViews,
  operatorHelp,
  operatorOptions,
  operatorService,
  refusedText,
  type Account,
  type OperatorService,
} from './operator-views.ts';
import { leaderOfOthers } from './status-operator.ts';
import { orForbidden } from './status-rights.ts';
import { table } from './table.ts';
import { weightRows, weightsTitle } from './weight-rows.ts';

export const explain = command({
  summary: 'say why each last decision was what it was, and what stands in the way',
  usage: 'NAME [-n NAMESPACE] [--service-account NAME]',
  examples: [
    'genops explain generation -n ai',
    'genops explain generation -n ai --service-account viewer   # with what the operator says: what each decision was made from',
    'genops explain generation -n ai -o json',
  ],
  options: { ...clusterOptions, ...operatorOptions, ...outputOption },
  help: { ...clusterHelp, ...operatorHelp, ...outputHelp },
  choices: { output: outputs },
  async run({ values, positionals, env, out, signal }) {
    const output = oneOf('output', values.output, outputs);
    const { kube: client, key, namespace } = await connectFor(positionals, values, 'genops explain generation -n ai');
    await using kube = client;
    const service = await serviceOf(kube, key, signal);
    const operator = operatorService(values.operator);
    const { 'service-account': name, audience } = values;
    const account = name === undefined ? undefined : { namespace, name, audience };
    const [told, decisions] = await Promise.all([
      eventsOf(kube, service, signal),
      decisionsOf(service, { kube, operator, account }, signal),
    ]);
    const explanation = explanationOf(service, { events: told, decisions });
    if (output === 'text') out.write(colouredFor(out, env)(explanationText(explanation, Date.now())));
    else out.write(structured(output, explanation));
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
  const about = { namespace, fieldSelector: `regarding.uid=${uid}` };
  const seen = await orForbidden(kube.list(resource<SeenEvent & KubeObject>(events), about, signal));
  return seen === 'Forbidden' ? undefined : seen;
}

const patienceMs = 5_000;
const notAsked = 'not recorded here: give --service-account NAME (one that may get generationservices/views)';

/**
 * What the operator says of the decisions on a service. Whoever may not ask it is told why, and everything else all the same.
 * It is asked as a ServiceAccount only: the user's own token would open all that the user may, to whatever stands behind its Service.
 */
export async function decisionsOf(
  { metadata: { namespace, name } }: KubeObject,
  {
    kube,
    operator,
    account,
  }: { readonly kube: Kube; readonly operator: OperatorService; readonly account: Account | undefined },
  signal: AbortSignal,
): Promise<SeenDecisions> {
  if (account === undefined) return { kind: 'silent', why: notAsked };
  const silent = (saw: string): SeenDecisions => ({ kind: 'silent', why: `asked the operator, and ${saw}` });
  const patience = AbortSignal.timeout(patienceMs);
  const until = AbortSignal.any([signal, patience]);
  const path = `/namespaces/${namespace}/generationservices/${name}/api/performance/status`;
  try {
    const authorization = await credentialsOfAccount(kube, account)(until);
    const view = (await askOperator(kube, operator, { path, authorization }, until)) as Said;
    if (view.decisions !== undefined && view.newestDecisions !== undefined)
      return {
        kind: 'said',
        view: { decisions: view.decisions, newestDecisions: view.newestDecisions, weights: view.weights ?? [] },
      };
    return silent('saw an answer without them; next: bring the operator to the version of this program');
  } catch (error) {
    if (error instanceof ApiError) {
      const others =
        isRefusal(error) && isOfViews(error)
          ? await othersText(kube, { operator, account }, { signal, until })
          : undefined;
      return silent(others ?? refusedText(error, { operator, account }));
    }
    if (patience.aborted && !signal.aborted) return silent(`it did not answer within ${patienceMs / 1_000}s`);
    throw error;
  }
}

/** Of whatever version. */
type Said = Partial<PerformanceStatus>;

/** That an operator which refuses looks after others, where its Lease says so. Only a hint: what keeps it from being known costs no answer. */
async function othersText(
  kube: Kube,
  { operator: { namespace, name }, account }: { readonly operator: OperatorService; readonly account: Account },
  { signal, until }: { readonly signal: AbortSignal; readonly until: AbortSignal },
): Promise<string | undefined> {
  try {
    const only = await leaderOfOthers(kube, { namespace, of: account.namespace }, Date.now(), until);
    return only === undefined
      ? undefined
      : `saw that ${namespace}/${name} looks after ${only} only, not ${account.namespace}; next: name the Service of the operator of that with --operator NAMESPACE/NAME`;
  } catch (error) {
    if (signal.aborted || !(error instanceof ApiError || until.aborted)) throw error;
    return undefined;
  }
}

/** The explanation as a page for people. `now` in ms since the epoch. */
export function explanationText(explanation: Explanation, now: number): string {
  const {
    service,
    mode,
    policy,
    ready,
    components,
    weights,
    optimizer,
    objectivesNotMet,
    conditions,
    events: told,
  } = explanation;
  const stands =
    ready === undefined ? 'not looked at yet' : `${ready.status === 'True' ? 'Ready' : 'not Ready'} (${ready.reason})`;
  const sections = [
    `${service}   ${stands}   mode ${mode}   policy ${policy}\n`,
    ...components.map((component) => section(component.name, componentRows(component, now))),
    ...(weights ?? []).map((one) => section(weightsTitle(one), weightRows(one))),
    section(
      'Optimizer, newest action first',
      optimizer.flatMap((rule) => ruleRows(rule, now)),
    ),
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
      : [
          [
            'replicas',
            [
              `${current ?? 'unknown'} now`,
              ...(max === undefined ? [] : [`floor ${floor ?? 'unknown'}`, `${min ?? '?'} to ${max}`]),
            ].join(', '),
          ],
        ]),
    ['bounds', component.bounds],
    ...decisionRows(component, now),
  ];
}

const ruleRows = (
  { name, component, lastAction = {}, nextEligibleTime, backoffMultiplier = 1 }: Explanation['optimizer'][number],
  now: number,
): readonly (readonly string[])[] => [
  [`${name} on ${component ?? '?'}`, `${lastAction.outcome ?? 'at work'}, ${ago(lastAction.time, now)}`],
  ['', lastAction.message ?? 'why is not recorded'],
  ...(nextEligibleTime === undefined
    ? []
    : [['', `next ${nextText(nextEligibleTime, now)} (${backoffMultiplier} times its cooldown)`]]),
];

const section = (title: string, rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : `${title}\n${table(rows, '  ')}`;

const since = (time: string | undefined, now: number): string =>
  time === undefined ? '' : `for ${ageText(now - Date.parse(time))}`;
