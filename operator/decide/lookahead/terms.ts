import { significant } from '../significant.ts';
import type { Term } from '../term.ts';
import type { LookaheadDecision, Opinion } from './decide.ts';
import type { Expert, LookaheadSettings } from './memory.ts';
import { saturationText } from './saturation.ts';
import { fullest, mayBeLate } from './staffing.ts';

const expertWords: Readonly<Record<Expert, string>> = {
  trend: 'lines of one and three minutes carried forward',
  level: 'the demand of the last 20 s',
  max5: 'the greatest need of five minutes',
  max20: 'the greatest need of twenty minutes',
  cycle: 'what came one period ago',
};

/** Where comes from what is not measured with each row. */
export interface Beliefs {
  readonly startUp: string;
  readonly slots: string;
}

/** When the newest row was measured (ms since the epoch), and what is believed besides. */
export interface LookaheadBasis {
  readonly observedAt: number;
  readonly beliefs: Beliefs;
}

/** Every term of an answer, from what was measured to what is asked for. */
export const lookaheadTerms = (
  decision: LookaheadDecision,
  settings: LookaheadSettings,
  basis: LookaheadBasis,
): readonly Term[] => [
  ...demandTerms(decision, settings, basis),
  ...decision.opinions.map((opinion) => forecastTerm(opinion, decision, settings)),
  ...answerTerms(decision, settings),
  ...saturationTerms(decision),
];

function demandTerms(
  { demand, need, serviceSeconds, slackSeconds, startUpSeconds, slotsPerReplica, horizonWindows }: LookaheadDecision,
  { periodSeconds, serviceCv }: LookaheadSettings,
  { observedAt, beliefs }: LookaheadBasis,
): readonly Term[] {
  const perSecond = 'requests/s';
  return [
    {
      name: 'arrivals',
      value: demand / serviceSeconds,
      unit: perSecond,
      means: `of all Pods, over ${periodSeconds} s`,
      observedAt,
    },
    {
      name: 'service time',
      value: serviceSeconds,
      unit: 's',
      means: 'how long a request keeps a slot; no wait is in it',
    },
    {
      name: 'variation',
      value: 100 * serviceCv,
      unit: '%',
      means: 'standard deviation of service times by their mean: scaler.lookahead.serviceVariationPercent',
    },
    {
      name: 'slots',
      value: slotsPerReplica,
      unit: 'a replica',
      means: `requests that it works on at a time: ${beliefs.slots}`,
    },
    {
      name: 'capacity',
      value: slotsPerReplica / serviceSeconds,
      unit: perSecond,
      means: 'of a replica: slots / service time',
    },
    { name: 'demand', value: demand, unit: 'slots', means: 'arrivals × service time' },
    {
      name: 'need',
      value: need,
      unit: 'slots',
      means: `the mean of demand over what the objective leaves time for: a request may wait ${significant(slackSeconds)} s`,
    },
    {
      name: 'start-up',
      value: startUpSeconds,
      unit: 's',
      means: `from the creation of a Pod until it is Ready: ${beliefs.startUp}`,
    },
    {
      name: 'horizon',
      value: horizonWindows * periodSeconds,
      unit: 's',
      means: 'until a Pod that is asked for now serves',
    },
  ];
}

function forecastTerm(
  { expert, forecast, upper, loss, covered }: Opinion,
  { chosen }: LookaheadDecision,
  { confidence }: LookaheadSettings,
): Term {
  const tried =
    loss === undefined || covered === undefined
      ? 'not tried long enough to be judged'
      : `lately it covered ${Math.round(100 * covered)} %, and was off by a mean loss of ${significant(loss)}`;
  const raised = `raised to ${significant(upper)}, to cover ${Math.round(100 * confidence)} % of cases`;
  return {
    name: `forecast ${expert}`,
    value: forecast,
    unit: 'slots',
    means: `${expertWords[expert]}; ${raised}; ${tried}${expert === chosen.expert ? '; it is believed' : ''}`,
  };
}

function answerTerms(
  { staffed, backlog, wanted, clippedBy, peak, slackSeconds }: LookaheadDecision,
  { minReplicas, maxReplicas }: LookaheadSettings,
): readonly Term[] {
  const clipped = clippedBy === undefined ? '' : `, cut by ${clippedBy}`;
  return [
    {
      name: 'staffed',
      value: staffed,
      unit: 'slots',
      means: `the fewest with which ${100 * mayBeLate} % at most wait longer than ${significant(slackSeconds)} s and ${100 * fullest} % at most are busy`,
    },
    { name: 'backlog', value: backlog, unit: 'slots', means: 'more, to work off what waits in 20 s' },
    {
      name: 'wanted',
      value: wanted,
      unit: 'replicas',
      means: `staffed and backlog by slots, rounded up; ${minReplicas} to ${maxReplicas} are allowed${clipped}`,
    },
    {
      name: 'peak',
      value: peak,
      unit: 'replicas',
      means: 'the greatest that was wanted in the down window: not below it',
    },
  ];
}

const saturationTerms = ({ saturation }: LookaheadDecision): readonly Term[] =>
  saturation === undefined
    ? []
    : [{ name: 'enough', value: saturation.enough, unit: 'replicas', means: saturationText(saturation) }];
