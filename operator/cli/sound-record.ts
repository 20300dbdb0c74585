import type { ScoreRecord } from '../decide/asked-floor.ts';
import type { LookaheadSettings, Sample } from '../decide/lookahead/memory.ts';
import type { LookaheadRecord } from '../decide/lookahead/record.ts';
import { isObject } from './bundle.ts';
import { UsageError } from './command.ts';

/** A decision with all that it was made from. */
export type SoundRecord =
  ({ readonly algorithm: 'Score' } & ScoreRecord) | ({ readonly algorithm: 'Lookahead' } & LookaheadRecord);

interface About {
  readonly component: string;
  readonly time: string;
  readonly algorithm: SoundRecord['algorithm'];
}

/** @throws {UsageError} for one that a part is missing of: what was decided by it would be anything. */
export function soundRecord(record: unknown, { component, time, algorithm }: About): SoundRecord {
  if (algorithm === 'Score' && isScore(record)) return { ...record, algorithm };
  if (algorithm === 'Lookahead' && isLookahead(record)) return { ...record, algorithm };
  throw new UsageError(
    `saw a decision of ${algorithm} for ${component} at ${time} without what it was made from; wanted decisions as genops report of this version writes them`,
  );
}

function isScore(record: unknown): record is ScoreRecord {
  if (!isLike(record, { input: scoreInput, ...answer })) return false;
  const { fallback } = (record as ScoreRecord).input.rules;
  return fallback === undefined || isLike(fallback, { replicas: 0, afterMs: 0 });
}

function isLookahead(record: unknown): record is LookaheadRecord {
  const input = { settings, sample, memory, isStartUpDeclared: false } satisfies LookaheadRecord['input'];
  if (!isLike(record, { input, ...answer })) return false;
  const stood = (record as LookaheadRecord).input.memory;
  return Object.entries(learnedLater).every(([name, example]) => {
    const value = stood[name as keyof typeof learnedLater];
    return value === undefined || isLike(value, example);
  });
}

/** Whether a value has what the example has, each of its kind; of a list all are like its first. */
function isLike(value: unknown, example: unknown): boolean {
  if (Array.isArray(example)) return Array.isArray(value) && value.every((one) => isLike(one, example[0]));
  if (isObject(example))
    return isObject(value) && Object.entries(example).every(([key, one]) => isLike(value[key], one));
  return typeof value === typeof example && (typeof value !== 'number' || Number.isFinite(value));
}

const answer = { floor: 0, reason: '' };

const signal = { name: '', metric: 'cpuPercent', operator: 'LessThan', value: 0, score: 0 } as const;
const direction = { threshold: 0, step: 0, signals: [signal] };
type Score = ScoreRecord['input'];
/** But for a fallback, which most policies have none of. */
const scoreInput: Omit<Score, 'rules'> & { readonly rules: Omit<Score['rules'], 'fallback'> } = {
  rules: { cooldownMs: 0, scaleUp: direction, scaleDown: direction, blockAboveErrorRatio: 0 },
  minReplicas: 0,
  maxReplicas: 0,
  seen: {},
  inForce: 0,
  memory: {},
  now: 0,
};

const settings: LookaheadSettings = {
  periodSeconds: 0,
  minReplicas: 0,
  maxReplicas: 0,
  slotsPerReplica: 0,
  learnsSlots: false,
  objectiveSeconds: 0,
  serviceCv: 0,
  expectedServiceSeconds: 0,
  confidence: 0,
  horizonSeconds: 0,
};
const sample: Sample = {
  arrived: 0,
  finished: 0,
  busySeconds: 0,
  waiting: 0,
  ready: 0,
  asked: 0,
  startUpSeconds: 0,
};

type Memory = LookaheadRecord['input']['memory'];
const times = { busySeconds: 0, finished: 0 };
const errors = { from: 0, counts: [0], total: 0, weight: 0, bin: 0, below: 0 };
const judged = { errors, lossSum: 0, lossWeight: 0, coveredSum: 0 };
const memory: Memory = {
  window: 0,
  soundSince: 0,
  peakAt: 0,
  demands: [0],
  needs: [0],
  wants: [0],
  slow: times,
  quick: times,
  experts: { trend: judged, level: judged, max5: judged, max20: judged, cycle: judged },
};
/** Absent where there is no such thing. */
const learnedLater = {
  loadSince: 0,
  slots: 0,
  saturation: { ready: 0, perSecond: 0, fewerReady: 0, fewerPerSecond: 0, enough: 0 },
  cycle: { length: 0, period: 0, minutes: [0] },
} satisfies Partial<Memory>;
