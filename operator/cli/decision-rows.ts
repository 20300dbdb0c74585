import { isDeepStrictEqual } from 'node:util';
import type { Decision } from '../serve/views/decisions.ts';
import { significant } from '../decide/significant.ts';
import { ageText, ago } from './age.ts';
import type { Decided, Explanation } from './explanation.ts';

type Rows = readonly (readonly string[])[];

/** What is known of the decisions on one component. `now` in ms since the epoch. */
export const decisionRows = ({ decision, made, newest }: Explanation['components'][number], now: number): Rows => [
  ...(decision === null ? [['decision', 'none that changed something is recorded']] : lastRows(decision, made, now)),
  ...(newest === null || isDeepStrictEqual(newest, made) // times have seconds: two looks may have one
    ? []
    : [
        ['now', `${newest.action ?? '?'} ${moveText(newest)}, ${ago(newest.time, now)}`],
        ['reason', reasonText(newest)],
        ...causeRows(newest),
        nextRow(newest.nextEligibleTime, newest, now),
      ]),
];

function lastRows(decision: Decided, made: Decision | null, now: number): Rows {
  const { action, from, to, time, nextEligibleTime } = decision;
  return [
    ['decision', `${action ?? '?'} ${moveText({ from, to })}, ${ago(time, now)} (${time ?? 'time not recorded'})`],
    ['reason', reasonText(decision)],
    ...(made === null ? [] : causeRows(made)),
    nextRow(nextEligibleTime, made, now),
  ];
}

const moveText = ({ from, to }: { from?: number | null | undefined; to?: number | null | undefined }): string =>
  from === to ? `at ${to ?? '?'}` : `${from ?? '?'} → ${to ?? '?'}`;

const reasonText = ({ reason, message }: { reason?: string | null; message?: string | null }): string =>
  `${reason ?? 'not recorded'}: ${message ?? 'not recorded'}`;

const causeRows = (decision: Decision): Rows => [
  ...(decision.inputs ?? []).map((input) => ['input', inputText(input, decision.time)]),
  ...(decision.terms ?? []).map((term) => ['term', termText(term, decision.time)]),
  ...(decision.heldBy === null ? [] : [['held by', decision.heldBy]]),
];

type Terms = NonNullable<Decision['terms']>;

function termText({ name, value, unit, means, observedAt }: Terms[number], decidedAt: string | null): string {
  const figure = value === null ? 'not known' : `${significant(value)}${unit === '' ? '' : ` ${unit}`}`;
  return `${name} ${figure}: ${means}${oldText(observedAt, decidedAt)}`;
}

const oldText = (observedAt: string | null, decidedAt: string | null): string =>
  observedAt === null || decidedAt === null ? '' : `, ${ageText(Date.parse(decidedAt) - Date.parse(observedAt))} old`;

function inputText(
  {
    metric,
    source,
    perPod,
    target,
    asksFor,
    podsMeasured,
    podsMissing,
    observedAt,
  }: NonNullable<Decision['inputs']>[number],
  decidedAt: string | null,
): string {
  const of = `${metric}${source === null ? '' : ` by ${source}`}`;
  const missing = podsMissing === 0 ? '' : `, ${podsMissing} without`;
  if (perPod === null) return `${of}: no Pod has a value${missing}`;
  return `${of}: ${perPod} a Pod of ${podsMeasured}${missing}${oldText(observedAt, decidedAt)}; at ${target ?? '?'} a Pod that asks for ${asksFor ?? '?'}`;
}

function nextRow(time: string | null | undefined, made: Decision | null, now: number): readonly string[] {
  if (time === null || time === undefined)
    return [
      'next',
      made === null ? 'not recorded' : `when ${made.heldBy ?? 'what holds it'} is over: time alone does not end it`,
    ];
  return ['next', nextText(time, now)];
}

/** @param time RFC 3339. @param now ms since the epoch. */
export const nextText = (time: string, now: number): string =>
  Date.parse(time) <= now ? 'may come at any time' : `not before ${time}, in ${ageText(Date.parse(time) - now)}`;
