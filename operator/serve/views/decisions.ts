import { Type, type Static } from 'typebox';
import { floorHolds, type FloorFigure, type FloorHold } from '../../decide/floor.ts';
import type { FloorLook } from '../../decide/floor-look.ts';
import type { Term } from '../../decide/term.ts';
import { figure, known, textOrNull, timeOf, timeOrNull, view, type ViewInput } from './figures.ts';

const DecisionInput = view('A metric as a decision was made by it.', {
  metric: Type.String({ description: 'Its name.' }),
  source: textOrNull('Where it was read: Pods, HTTP, Prometheus or Resource.'),
  perPod: figure('Mean of the Pods that have a value.'),
  target: figure('What a Pod should have.'),
  asksFor: figure('Replicas that it asks for, before any limit.'),
  podsMeasured: Type.Integer({ description: 'Pods with a value.' }),
  podsMissing: Type.Integer({ description: 'Running Pods without one.' }),
  observedAt: timeOrNull('When the oldest of the values was measured.'),
});

const DecisionTerm = view(
  'A figure of what the policy’s scaler asks for, in the order in which each is made from those before.',
  {
    name: Type.String({ description: 'What it is called.' }),
    value: figure('The figure.'),
    unit: Type.String({ description: 'Its unit; empty for a number or a ratio.' }),
    means: Type.String({ description: 'What it is, and what it was compared with.' }),
    observedAt: timeOrNull('When it was measured, where it was.'),
  },
);

export const Decision = view('A decision on the floor of a component.', {
  component: Type.String({ description: 'Name of the component.' }),
  action: textOrNull('ScaleUp, ScaleDown, or Hold.'),
  from: figure('Replicas before.'),
  to: figure('Replicas after; of what is only planned, as it would be.'),
  reason: textOrNull('One word for why.'),
  message: textOrNull('Why, with figures.'),
  time: timeOrNull('When.'),
  inputs: Type.Unsafe<readonly Static<typeof DecisionInput>[] | null>({
    type: ['array', 'null'],
    items: DecisionInput,
    description:
      'What it was made from; empty where the autoscaler reads every metric itself. null: not known any more, the process that decided it is gone.',
  }),
  terms: Type.Unsafe<readonly Static<typeof DecisionTerm>[] | null>({
    type: ['array', 'null'],
    items: DecisionTerm,
    description:
      'Every term of the policy’s scaler, Score or Lookahead; empty where none acts. null: not known any more, as inputs.',
  }),
  heldBy: Type.Unsafe<FloorHold | null>({
    enum: [...floorHolds, null],
    description:
      'What kept it from what is asked for: a window or a rate of the policy’s behavior, a bound, missing metrics, the mode, somebody else’s field, or a refusal of the API server. null: nothing, or not known any more.',
  }),
  score: Type.Unsafe<object | null>({
    type: ['object', 'null'],
    description:
      'Of Score: all that it was asked with and its answer, unrounded, for genops replay. null: it did not decide, or not known any more.',
  }),
  lookahead: Type.Unsafe<object | null>({
    type: ['object', 'null'],
    description:
      'Of Lookahead: what it had learned as far as it decided by that, what it was asked with and its answer, unrounded, for genops replay. null: as score.',
  }),
  nextEligibleTime: timeOrNull(
    'When the next move may come: when what holds it ends if the load stays, else with the next look.',
  ),
});
export type Decision = Static<typeof Decision>;

/** The last of each component that changed something, newest first. Status knows it also after a restart, what it was made from only the process that made it. */
export const lastMoves = ({ service: { status = {} }, looks }: ViewInput): Decision[] =>
  (status.components ?? [])
    .flatMap(({ name, decision }): readonly Decision[] => {
      const made = looks?.get(name)?.lastMove;
      if (made !== undefined) return [lookView(name, made)];
      if (decision === undefined) return [];
      const { action = null, from = null, to = null, reason = null, message = null, time = null } = decision;
      const { nextEligibleTime = null } = decision;
      const told = { action, from, to, reason, message, time, nextEligibleTime };
      return [{ component: name, ...told, inputs: null, terms: null, heldBy: null, score: null, lookahead: null }];
    })
    .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''));

/** In the order of the spec. */
export const newestLooks = ({ components, looks }: ViewInput): Decision[] =>
  components.flatMap(({ name }) => {
    const newest = looks?.get(name)?.newest;
    return newest === undefined ? [] : [lookView(name, newest)];
  });

const lookView = (component: string, look: FloorLook): Decision => ({
  component,
  action: look.action,
  from: look.from,
  to: look.to,
  reason: look.reason,
  message: look.message,
  time: timeOf(look.at),
  inputs: look.figures.map(inputView),
  terms: look.terms.map(termView),
  heldBy: look.heldBy ?? null,
  score: look.madeFrom?.score ?? null,
  lookahead: look.madeFrom?.lookahead ?? null,
  nextEligibleTime: timeOf(look.nextAt),
});

const inputView = ({ source, perPod, asksFor, observedAt, ...rest }: FloorFigure): Static<typeof DecisionInput> => ({
  ...rest,
  source: source ?? null,
  perPod: known(perPod),
  asksFor: known(asksFor),
  observedAt: timeOf(observedAt),
});

const termView = ({ name, value, unit, means, observedAt }: Term): Static<typeof DecisionTerm> => ({
  name,
  value: known(value),
  unit,
  means,
  observedAt: timeOf(observedAt),
});
