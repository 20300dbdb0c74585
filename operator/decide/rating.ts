import { seconds } from '../api/duration.ts';
import { bytes } from '../api/quantity.ts';
import { ratio } from '../api/ratio.ts';
import type { GenerationServiceStatus } from '../api/status.ts';
import type { EffectivePolicy } from './effective-policy.ts';

export interface RatingInput {
  readonly policy: EffectivePolicy['rating'];
  /** Percent of the container's limit; absent figures are unknown. */
  readonly cpuPercent?: number | undefined;
  /** Of the Pod that has most. */
  readonly memoryBytes?: number | undefined;
  /** `atLeast`: only a lower bound is known. */
  readonly responseTimeP95?: { readonly value: number; readonly atLeast?: true } | undefined;
  readonly cacheHitRatio?: number | undefined;
  /** Points of the rating before, of parts that this process has not looked at for long enough. */
  readonly held?: Rating['parts'] | undefined;
}

export type Rating = NonNullable<GenerationServiceStatus['rating']>;

/** What a service is graded by. */
export const ratingParts = ['cpu', 'memory', 'responseTime', 'cacheHitRatio'] as const;
const partCount = ratingParts.length;

/**
 * The guide's rating (row H3): each part gives the points of the first limit that it keeps, strictly.
 * A part without a figure is left out of `parts` and of `scoredOf`; the grade is then what the known parts would give if all were like them.
 * With fewer than half of the points known it is Unknown: one good part is no excellent service.
 */
export function ratingOf({
  policy,
  cpuPercent,
  memoryBytes,
  responseTimeP95,
  cacheHitRatio,
  held = {},
}: RatingInput): Rating {
  const limits = {
    cpu: policy.cpuPercent,
    memory: policy.memory.map(bytes),
    responseTime: policy.responseTime.map(seconds),
    cacheHitRatio: policy.cacheHitRatio.map((limit) => -ratio(limit)), // more is better here alone
  };
  const known = {
    cpu: cpuPercent,
    memory: memoryBytes,
    responseTime: knownTime(responseTimeP95, limits.responseTime.at(-1) ?? 0),
    cacheHitRatio: cacheHitRatio === undefined ? undefined : -cacheHitRatio,
  };
  const parts = Object.fromEntries(
    ratingParts.flatMap((part) => {
      const value = known[part];
      const points = value === undefined ? held[part] : pointsFor(value, limits[part], policy.points);
      return points === undefined ? [] : [[part, points]];
    }),
  );
  const points = Object.values(parts);
  if (points.length === 0) return { grade: 'Unknown', scoredOf: 0 };
  const score = points.reduce((sum, point) => sum + point, 0);
  const isKnown = points.length >= partCount / 2; // each part can give as many points as any other
  return {
    grade: isKnown ? gradeOf((score * partCount) / points.length, policy.grades) : 'Unknown',
    score,
    scoredOf: points.length * (policy.points[0] ?? 0),
    parts,
  };
}

/** The rating with its grade in a form for columns, which does not read as if all parts were known where they are not. */
export function withSummary(rating: Rating): Rating {
  const { grade = 'Unknown', parts = {} } = rating;
  const known = Object.keys(parts).length;
  const isPartial = known > 0 && known < partCount;
  return { ...rating, summary: isPartial ? `${grade} ${known}/${partCount}` : grade };
}

/** A lower bound tells enough only where it is beyond the last limit. */
function knownTime(time: RatingInput['responseTimeP95'], lastLimit: number): number | undefined {
  return time === undefined || (time.atLeast === true && time.value < lastLimit) ? undefined : time.value;
}

function pointsFor(value: number, limits: readonly number[], points: readonly number[]): number {
  const kept = limits.findIndex((limit) => value < limit);
  return kept === -1 ? 0 : (points[kept] ?? 0);
}

function gradeOf(
  score: number,
  { excellent, good, fair }: EffectivePolicy['rating']['grades'],
): NonNullable<Rating['grade']> {
  if (score >= excellent) return 'Excellent';
  if (score >= good) return 'Good';
  return score >= fair ? 'Fair' : 'Poor';
}
