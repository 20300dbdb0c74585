import { measures } from '../api/contract.ts';
import type { Metric } from '../api/measure.ts';
import type { Judged, Points, ScoreDecision, ScoreRules } from './score.ts';
import { significant } from './significant.ts';
import type { Term } from './term.ts';

/** When a metric was measured, ms since the epoch; undefined: it was not. */
export type ObservedAt = (metric: Metric) => number | undefined;

/** Since when each signal gives points, by the name of its term, ms since the epoch. */
export type HeldSince = Readonly<Record<string, number>>;

type Directions = Pick<ScoreDecision, 'up' | 'down'>;
const termName = (direction: string, { name }: Judged): string => `${direction}: ${name}`;

/** A signal that cannot be judged says nothing else than before. */
export function heldSinceOf({ up, down }: Directions, before: HeldSince, now: number): HeldSince {
  const all = Object.entries({ up, down }).flatMap(([direction, { signals }]) =>
    signals.map((signal) => ({ name: termName(direction, signal), verdict: signal.verdict })),
  );
  const held = all.filter(({ name, verdict }) => verdict === 'holds' || (verdict !== 'no' && name in before));
  return Object.fromEntries(held.map(({ name }) => [name, before[name] ?? now]));
}

interface Basis {
  readonly observedAt: ObservedAt;
  readonly heldSince: HeldSince;
  readonly now: number;
}

/** What every signal saw and gave, and the sums of both directions. */
export const scoreTerms = (
  { up, down }: Directions,
  { scaleUp, scaleDown }: Pick<ScoreRules, 'scaleUp' | 'scaleDown'>,
  basis: Basis,
): readonly Term[] => [
  ...pointsTerms('up', up, `add ${scaleUp.step}`, basis),
  ...pointsTerms('down', down, `take ${scaleDown.step} away`, basis),
];

function pointsTerms(
  direction: string,
  { points, threshold, signals }: Points,
  step: string,
  basis: Basis,
): readonly Term[] {
  const total = { name: direction, value: points, unit: 'points', means: `more than ${threshold} ${step}` };
  return [...signals.map((signal) => signalTerm(direction, signal, basis)), total];
}

/** Points for more replicas that are always given tell nothing apart: the value is not one of this service. A calm night is another thing. */
const alwaysMs = 3_600_000;

function signalTerm(direction: string, signal: Judged, { observedAt, heldSince, now }: Basis): Term {
  const name = termName(direction, signal);
  const isAlways = direction === 'up' && signal.verdict === 'holds' && now - (heldSince[name] ?? now) >= alwaysMs;
  return {
    name,
    value: typeof signal.saw === 'number' ? signal.saw : undefined,
    unit: unitOf(signal.metric),
    means: `${signal.metric} ${verdictText(signal)}${isAlways ? ', for more than an hour now: set a value that tells something apart' : ''}`,
    observedAt: observedAt(signal.metric),
  };
}

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
