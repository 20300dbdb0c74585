import { measures } from '../api/contract.ts';
import type { Metric } from '../api/measure.ts';
import type { Judged, Points, ScoreDecision, ScoreRules } from './score.ts';
import { significant } from './significant.ts';
import type { Term } from './term.ts';

/** When a metric was measured, ms since the epoch; undefined: it was not. */
export type ObservedAt = (metric: Metric) => number | undefined;

/** What every signal saw and gave, and the sums of both directions. */
export const scoreTerms = (
  { up, down }: Pick<ScoreDecision, 'up' | 'down'>,
  { scaleUp, scaleDown }: Pick<ScoreRules, 'scaleUp' | 'scaleDown'>,
  observedAt: ObservedAt,
): readonly Term[] => [
  ...pointsTerms('up', up, `add ${scaleUp.step}`, observedAt),
  ...pointsTerms('down', down, `take ${scaleDown.step} away`, observedAt),
];

function pointsTerms(
  direction: string,
  { points, threshold, signals }: Points,
  step: string,
  observedAt: ObservedAt,
): readonly Term[] {
  const total = { name: direction, value: points, unit: 'points', means: `more than ${threshold} ${step}` };
  return [...signals.map((signal) => signalTerm(direction, signal, observedAt(signal.metric))), total];
}

const signalTerm = (direction: string, signal: Judged, observedAt: number | undefined): Term => ({
  name: `${direction}: ${signal.name}`,
  value: typeof signal.saw === 'number' ? signal.saw : undefined,
  unit: unitOf(signal.metric),
  means: `${signal.metric} ${verdictText(signal)}`,
  observedAt,
});

function verdictText({ verdict, operator, value, score }: Judged): string {
  const bound = `${operator === 'GreaterThan' ? 'above' : 'below'} ${significant(value)}`;
  if (verdict === 'missing') return `is missing: none of ${score} points, and nothing is taken away`;
  if (verdict === 'killed') return 'counts as missing, as a Pod was killed for its memory: nothing is taken away';
  if (verdict === 'idle') return `is idle, nothing was asked: none of ${score} points`;
  return verdict === 'holds' ? `is ${bound}: ${score} points` : `is not ${bound}: none of ${score} points`;
}

const units = { percent: '%', bytes: 'bytes', duration: 's', number: '', ratio: '' } as const;
const isMeasure = (metric: Metric): metric is keyof typeof measures => Object.hasOwn(measures, metric);
const unitOf = (metric: Metric): string => (isMeasure(metric) ? units[measures[metric]] : '');
