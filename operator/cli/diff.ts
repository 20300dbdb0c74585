import { keyOf } from '../kube/object.ts';
import { unitKey, type AnyLever, type UnitPlan } from '../levers/run.ts';
import { withBounds } from '../reconcilers/budget-bounds.ts';
import { createEffectivePolicies } from '../reconcilers/effective-policies.ts';
import type { SecretDenied } from '../reconcilers/lever-deps.ts';
import { serviceLevers } from '../reconcilers/operator.ts';
import { createStates } from '../reconcilers/state.ts';
import { planService, resolveService } from '../reconcilers/visit.ts';
import { connectFor, serviceOf } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf } from './command.ts';
import { openDiffView } from './diff-view.ts';
import { dryRun, tried } from './dry-run.ts';
import { withoutGuess } from './installed-way.ts';
import { outputHelp, outputOption, outputs, structured } from './output.ts';
import { secretDenied } from './status-rights.ts';
import { table } from './table.ts';

export const diff = command({
  summary: 'show what the operator would change now, with the same plans, and change nothing',
  usage: 'NAME [-n NAMESPACE]',
  examples: [
    'genops diff generation -n ai   # exit code 0: nothing to change, 1: something, 2: cannot tell, or held up',
    'genops diff generation -n ai -o json   # also what DryRun and Paused hold back: as with mode Enforce',
  ],
  options: { ...clusterOptions, ...outputOption },
  help: { ...clusterHelp, ...outputHelp },
  choices: { output: outputs },
  async run({ values, positionals, env, out, err, signal }) {
    const output = oneOf('output', values.output, outputs);
    const { kube: client, key, namespace } = await connectFor(positionals, values, 'genops diff generation -n ai');
    await using kube = client;
    const service = await serviceOf(kube, key, signal);
    await using view = await openDiffView(kube, namespace, signal);
    const { caches, claims, podsMetrics } = view;
    const policies = createEffectivePolicies();
    const deps = { caches, kube, policies, podsMetrics: () => podsMetrics };
    const resolution = await resolveService(service, deps, signal);
    const amiss = resolution.conditions.filter(({ status }) => status !== 'True');
    for (const { type, message } of amiss) err.write(`${type}: ${message}\n`);
    if (resolution.kind === 'problem') return exit.cannotTell;
    const { resolved } = resolution;
    const levers = serviceLevers(dryRun(kube), caches, undefined, deniedIn(env));
    const planning = {
      caches: claims,
      levers: withoutGuess(levers, resolved.components, view.podsMetricsUnseen).map(asEnforced),
      states: createStates(kube, caches.states),
      clock: Date,
    };
    const planned = await planService(
      service,
      { ...withBounds(resolved, undefined, { hasQuota: true }), mode: 'Enforce' },
      planning,
      signal,
    );
    const mustBeAllowed = isOperatorsPod(env);
    const trials = await Promise.all(planned.plans.map((plan) => tried(plan, { mustBeAllowed }, signal)));
    const plans = trials.map(({ plan }) => plan);
    const untried = trials.find((trial) => trial.untried !== undefined)?.untried;
    if (output !== 'text') out.write(structured(output, plans.map(planJson)));
    else out.write(headerText(resolved.mode, plans) + plans.map(planText).join(''));
    if (untried !== undefined)
      err.write(
        `${keyOf(service)}: saw ${untried.saw}; wanted to try the changes without making them (dry run), as only that shows whether other field managers have one of the fields; ` +
          'next: if one has, the operator changes nothing there and says Conflict; who may patch HorizontalPodAutoscalers sees that here\n',
      );
    if (!view.seesAllNamespaces && plans.some(({ lever, changes }) => isShared(lever) && changes.length > 0))
      err.write(
        `${keyOf(service)}: saw only namespace ${namespace}; wanted to list generationservices and configmaps everywhere; ` +
          'next: if an older service of another namespace tunes the same server, the operator changes nothing there and says Conflict\n',
      );
    return amiss.length === 0 ? answer(plans) : exit.cannotTell;
  },
});

/** Kubernetes gives the one variable to every container, the chart the other to the operator's: what runs there has the operator's rights. */
export const isOperatorsPod = (env: Readonly<Record<string, string | undefined>>): boolean =>
  env['KUBERNETES_SERVICE_HOST'] !== undefined && env['POD_NAMESPACE'] !== undefined;

/** Who lacks a right to read a Secret: the person who asks, or the operator whose Pod it is. */
export const deniedIn = (env: Readonly<Record<string, string | undefined>>): SecretDenied | undefined =>
  isOperatorsPod(env) ? undefined : secretDenied;

/** What DryRun holds back is just what is asked for here, with what it costs; what is Off stays Off. */
const asEnforced = (lever: AnyLever): AnyLever => ({
  ...lever,
  units: (...given) =>
    lever.units(...given).map((unit) => ({ ...unit, asksCost: true, mode: unit.mode === 'Off' ? 'Off' : 'Enforce' })),
});

/** Services of several namespaces may name one server. */
const isShared = (lever: AnyLever): boolean => lever.serverOf !== undefined;

/** A unit that could not be looked at, or may not be as declared (a Conflict), leaves the question open. */
function answer(plans: readonly UnitPlan[]): number {
  if (plans.some(({ problem }) => problem !== undefined)) return exit.cannotTell;
  if (plans.some((plan) => differencesOf(plan).length > 0)) return exit.no;
  return plans.some(({ condition }) => condition.status === 'False') ? exit.cannotTell : exit.yes;
}

/** With what another loop does once the changes are made: it is changed all the same. */
const differencesOf = ({ changes, follows = [] }: UnitPlan) => [
  ...changes.flatMap(({ cause, differences }) => differences.map((difference) => ({ ...difference, cause }))),
  ...follows.map((difference) => ({ ...difference, cause: 'Declared' as const })),
];

export const planJson = (plan: UnitPlan) => ({
  unit: unitKey(plan),
  condition: plan.condition,
  differences: differencesOf(plan),
  unforeseen: plan.unforeseen,
  cost: plan.cost,
});

/** What the lines below it are about, where the operator does not do them. */
export function headerText(mode: string, plans: readonly UnitPlan[]): string {
  if (mode === 'Enforce') return '';
  const code = answer(plans);
  if (code === exit.yes) return `mode ${mode}: nothing is changed, and Enforce would have nothing to change\n`;
  return `mode ${mode}: nothing is changed${code === exit.no ? '; Enforce would do this' : ''}\n`;
}

/** A plan for people. */
export function planText(plan: UnitPlan): string {
  const rows = differencesOf(plan).map(({ field, from, to, cause }) => [
    field,
    from ?? '(none)',
    `→ ${to}`,
    cause === 'Declared' ? '' : `(${cause})`,
  ]);
  const { status, message } = plan.condition;
  const held = status === 'True' ? '' : `; ${message}`;
  const saying = rows.length === 0 ? message : `${rows.length} to change${held}`;
  const beside = [plan.unforeseen, plan.cost].flatMap((line) => (line === undefined ? [] : `  ${line}\n`));
  return `${unitKey(plan)}: ${saying}\n${table(rows, '  ')}${beside.join('')}`;
}
