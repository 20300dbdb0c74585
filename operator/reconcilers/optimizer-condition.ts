import { annotations } from '../api/annotations.ts';
import type { Finding } from '../api/conditions.ts';
import { problemMessage } from '../api/problem.ts';
import { rfc3339 } from '../api/rfc3339.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import { recordKey, type KeptOptimizer, type RuleRecord } from '../decide/optimizer/kept.ts';
import type { RuleHold } from '../decide/optimizer/holds.ts';
import type { LookAnswer, RuleLook } from '../decide/optimizer/look.ts';
import { isIneffective } from '../decide/optimizer/records.ts';
import { measureText } from '../decide/optimizer/words.ts';
import type { Resolved } from '../decide/resolve.ts';
import { isDeclared } from './declared.ts';

/** Rules are judged where some layer of the policy says something of them, or a component tells how its Pods are asked for actions. */
export const hasOptimizer = (resolved: Resolved): boolean =>
  resolved.policy.optimizer.mode !== 'Off' && isOptimizerDeclared(resolved);

const isOptimizerDeclared = (resolved: Resolved): boolean =>
  isDeclared(resolved, 'optimizer') || resolved.service.spec.components.some(({ admin }) => admin !== undefined);

export interface KnownOptimizer {
  /** Undefined: this process has not looked yet. */
  readonly answer: LookAnswer | undefined;
  readonly kept: KeptOptimizer | undefined;
}

/** Whether rules may act; if not, why. Names rules and no figures: those move. None where nobody asked for rules. */
export function optimizerActive(
  resolved: Resolved,
  { answer, kept }: KnownOptimizer,
): readonly Finding<'OptimizerActive'>[] {
  if (!isOptimizerDeclared(resolved)) return [];
  const { optimizer } = resolved.policy;
  const type = 'OptimizerActive';
  const said = (status: 'True' | 'False', reason: Finding<typeof type>['reason'], message: string) =>
    [{ type, status, reason, message }] as const;
  if (optimizer.mode === 'Off') return said('False', 'Off', 'The policy switches the optimizer off.');
  if (resolved.mode === 'Paused') return said('False', 'Paused', 'The service is paused: no action is taken.');
  if (answer === undefined || answer.unread.length > 0)
    return [{ type, status: 'Unknown', reason: 'Pending', message: 'What the rules are judged by was not read yet.' }];
  const held = (by: RuleHold): readonly RuleLook[] => answer.looks.filter(({ heldBy }) => heldBy === by);
  if (answer.blind.length > 0) return said('False', 'MetricsStale', blindText(answer.blind));
  if (held('Braked').length > 0) return said('False', 'Braked', brakedText(held('Braked')));
  if (held('BudgetBurning').length > 0) return said('False', 'BudgetBurning', burningText(held('BudgetBurning')));
  if (held('ActionsExhausted').length > 0)
    return said('False', 'ActionsExhausted', exhaustedText(held('ActionsExhausted'), optimizer.maxActionsPerHour));
  const rest = [
    ...reducedText(kept),
    ...raisedText(kept),
    ...lacking(answer),
    ...settlingText(answer),
    ...ineffective(answer, kept),
  ]
    .map((text) => ` ${text}`)
    .join('');
  const would = wouldText(answer, resolved.service.metadata.annotations?.[annotations.approve]);
  if (resolved.mode === 'DryRun' || optimizer.mode === 'DryRun')
    return said('True', 'DryRun', `Rules are judged and nothing is done.${would}${rest}`);
  return said('True', 'Active', `Rules are judged every ${optimizer.interval}.${would}${rest}`);
}

const named = (looks: readonly RuleLook[]): string =>
  [...new Set(looks.map(({ component, rule }) => `${rule} on ${component}`))].join(', ');

const blindText = (components: readonly string[]): string =>
  problemMessage({
    saw: `no fresh figures of ${components.join(', ')}`,
    wanted: 'each row read',
    next: 'see the condition MetricsAvailable; until then no rule acts there',
  });
const brakedText = (looks: readonly RuleLook[]): string =>
  problemMessage({
    saw: `actions that did harm in several services within the hour, and ${named(looks)}`,
    wanted: 'to know why before anything else is done',
    next: 'look at Events with reason ActionHarmed (kubectl get events -A); what they have in common is a policy, a node or this operator. It ends an hour after the first',
  });
const burningText = (looks: readonly RuleLook[]): string =>
  problemMessage({
    saw: `an error budget that burns fast, and ${named(looks)}`,
    wanted: 'only actions that give something back meanwhile',
    next: 'see the objectives, or set objectives.onFastBurn: Ignore',
  });
const exhaustedText = (looks: readonly RuleLook[], most: number): string =>
  problemMessage({
    saw: `${most} actions in an hour, and ${named(looks)}`,
    wanted: `at most ${most}`,
    next: 'what they are to cure lasts: see what each came to in status.optimizer, or raise optimizer.maxActionsPerHour',
  });

/** @param approved What the annotation has now. */
function wouldText({ looks }: LookAnswer, approved: string | undefined): string {
  const told = looks.filter(({ heldBy }) => heldBy === 'DryRun');
  const later = looks.filter(({ heldBy, approval }) => heldBy === 'ActionAtWork' && approval !== undefined);
  const actions = (of: readonly RuleLook[]): string =>
    of.map(({ rule, component, action }) => `${rule} (${action} on ${component})`).join(', ');
  const approval = [...told, ...later].find((look) => look.approval !== undefined)?.approval;
  return [
    ...(told.length === 0 ? [] : [` Would act now: ${actions(told)}.`]),
    ...(later.length === 0 ? [] : [` Would act after the action that is at work: ${actions(later)}.`]),
    ...(approval === undefined ? [] : [` To let the first pass once: ${approveText(approval, approved)}.`]),
  ].join('');
}

/** Of an annotation, which may be long, as much as tells it apart. */
const mostShown = 40;

function approveText(approval: string, approved: string | undefined): string {
  const how = `annotate the service with ${annotations.approve}=${approval}`;
  if (approved === undefined || approved === approval) return how;
  const seen = approved.length > mostShown ? `${approved.slice(0, mostShown)}…` : approved;
  return `${how} (saw ${JSON.stringify(seen)} there, which approves nothing of this: the value is another one after each action and each change of the rule)`;
}

/** Why a rule that would act is skipped, until somebody changes it. */
const lacks: Readonly<Partial<Record<RuleHold, string>>> = {
  NotMeasured: 'nobody reads its metric: of signals only those of the contract are read (docs/reference/api.md)',
  NoAdmin: 'components[].admin says nothing of how to ask its Pods',
  NoRuntime: 'its Pods have no settings from us (runtime, with all of them current)',
  AtLeast: 'it can take no more workers (a quarter of fewer than four rounds to none, and half is the least)',
  NoPodFigures: 'by that metric nobody knows which Pod is the worst (docs/optimizer.md names those that tell)',
  LastPod: 'it would evict the last Ready Pod',
  AtBound: 'it has gone as far as its bounds let it',
  NotOurLimit: 'the memory limit is not ours (resources with mode Enforce, and no VPA that sizes memory)',
};

/** Rules that would act and cannot. */
function lacking({ looks }: LookAnswer): readonly string[] {
  const of = (by: RuleHold): readonly RuleLook[] => looks.filter(({ heldBy }) => heldBy === by);
  const skipped = (Object.entries(lacks) as [RuleHold, string][]).flatMap(([by, why]) =>
    of(by).length === 0 ? [] : [`Skipped, since ${why}: ${named(of(by))}.`],
  );
  const [killed, waiting] = [of('OomKilled'), of('MaintenancePending')];
  const held =
    killed.length === 0
      ? skipped
      : [...skipped, `Waiting, as a Pod was killed for its memory a short while ago: ${named(killed)}.`];
  const opensAt = waiting[0]?.heldUntil;
  return waiting.length === 0
    ? held
    : [
        ...held,
        `Waiting for a maintenance window, which ${opensAt === undefined ? 'never opens' : `opens at ${rfc3339(opensAt)}`}: ${named(waiting)}.`,
      ];
}

/** Workers that are taken away at this moment. */
function reducedText({ reductions = {} }: Partial<KeptOptimizer> = {}): readonly string[] {
  const reduced = Object.entries(reductions).filter(([, { steps }]) => steps.length > 0);
  const steps = reduced.map(
    ([
      component,
      {
        steps: { length },
      },
    ]) => `${component} by ${length === 1 ? 'a quarter' : 'half'}`,
  );
  return reduced.length === 0 ? [] : [`Workers are reduced: ${steps.join(', ')}.`];
}

/** Memory limits that are raised at this moment. */
function raisedText({ raises = {} }: Partial<KeptOptimizer> = {}): readonly string[] {
  const raised = Object.entries(raises).flatMap(([component, { steps }]) => {
    const bytes = steps.at(-1)?.bytes;
    return bytes === undefined ? [] : [`${component} to ${measureText('memory', bytes)}`];
  });
  return raised.length === 0 ? [] : [`Memory limits are raised: ${raised.join(', ')}.`];
}

/** Rules that would be judged by what was measured before their action. */
function settlingText({ looks }: LookAnswer): readonly string[] {
  const short = Map.groupBy(
    looks.filter(({ settles }) => settles !== undefined),
    ({ settles }) => JSON.stringify(settles),
  );
  return [...short.values()].flatMap((all) => {
    const [{ settles } = {}] = all;
    if (settles === undefined) return [];
    const [declared, least, every] = [settles.declaredMs, settles.ms, settles.everyMs].map((ms) => `${ms / 1_000}s`);
    return [
      `optimizer.settle ${declared} is too short for ${named(all)}: metrics.k8s.io has CPU and memory anew about every ${every}; ${least} is taken.`,
    ];
  });
}

function ineffective({ looks }: LookAnswer, kept: KeptOptimizer | undefined): readonly string[] {
  return looks.flatMap(({ component, rule }) => {
    const record = kept?.records[recordKey({ component, rule })];
    return record === undefined || !isIneffective(record)
      ? []
      : [
          `${rule} on ${component} does not help (${record.improved} of ${record.judged} times): change it or switch it off.`,
        ];
  });
}

type RuleStatus = NonNullable<NonNullable<GenerationServiceStatus['optimizer']>['rules']>[number];
const mostRules = 32;

/** Rules that have acted, the newest action first. */
export function optimizerStatus({ records = {} }: Partial<KeptOptimizer> = {}): readonly RuleStatus[] {
  return Object.entries(records)
    .toSorted(([, a], [, b]) => b.actedAt - a.actedAt)
    .slice(0, mostRules)
    .map(([key, record]) => ruleStatus(key, record));
}

function ruleStatus(key: string, record: RuleRecord): RuleStatus {
  const { metric, actedAt, nextAt, backoff, outcome, before, after, message } = record;
  const [component = '', name = ''] = key.split('/');
  return {
    name,
    component,
    lastAction: {
      time: rfc3339(actedAt),
      ...(outcome !== undefined && { outcome }),
      ...(before !== undefined && { before: measureText(metric, before) }),
      ...(after !== undefined && { after: measureText(metric, after) }),
      ...(message !== undefined && { message }),
    },
    nextEligibleTime: rfc3339(nextAt),
    backoffMultiplier: backoff,
  };
}
