import { measures } from '../../api/contract.ts';
import type { Metric } from '../../api/measure.ts';
import { significant } from '../significant.ts';
import type { Compared, InconclusiveReason } from './compare.ts';
import type { RuleLook } from './look.ts';

const isMeasure = (metric: string): metric is keyof typeof measures => Object.hasOwn(measures, metric);

const units: Readonly<Record<(typeof measures)[keyof typeof measures], (value: number) => string>> = {
  bytes: (value) => `${significant(value / 2 ** 20)}Mi`,
  duration: (value) => `${significant(value)}s`,
  ratio: (value) => String(Math.round(value * 1_000) / 1_000),
  percent: (value) => `${significant(value)} %`,
  number: significant,
};

/** A figure with its unit: `1610Mi`, `2.1s`, `85 %`. */
export const measureText = (metric: Metric, value: number): string =>
  (isMeasure(metric) ? units[measures[metric]] : significant)(value);

/** `memory 1610Mi > 1536Mi` */
export function pressureText({ metric, saw, operator, threshold }: RuleLook): string {
  const sign = operator === 'GreaterThan' ? '>' : '<';
  return `${metric} ${saw === undefined ? 'not known' : measureText(metric, saw)} ${sign} ${measureText(metric, threshold)}`;
}

const why: Readonly<Record<InconclusiveReason, string>> = {
  HistoryShort: 'too little is known of how it moves by itself: a comparison needs 180 rows before the action',
  MetricsMissing: 'the metric was not read before or after it',
  PodsChanged: 'there were more or fewer Pods after it than before',
  LoadMoved: 'the load after it was another by more than half',
  NotShared: 'it became worse, but with so short a history that alone does not say enough',
  TooNoisy: 'it moves so much by itself that no effect of that size could be seen',
  Interrupted: 'the operator ended before it knew whether the action was made; it is not made again',
};

/** `memory 1610Mi before, 1102Mi after; without it 1598Mi were to be expected, 1450Mi to 1730Mi in 9 of 10 cases` */
export function comparedText(metric: Metric, { reason, effect, harmed }: Omit<Compared, 'outcome'>): string {
  const text = (value: number): string => measureText(metric, value);
  const seen =
    effect === undefined
      ? []
      : [
          `${metric} ${text(effect.before)} before, ${text(effect.after)} after; without it ${text(effect.expected)} were to be expected, ${text(effect.expected + effect.errors.p5)} to ${text(effect.expected + effect.errors.p95)} in 9 of 10 cases`,
        ];
  return [
    ...seen,
    ...(harmed === undefined ? [] : [`${harmed} became worse than chance explains`]),
    ...(reason === undefined ? [] : [why[reason]]),
  ].join('; ');
}
