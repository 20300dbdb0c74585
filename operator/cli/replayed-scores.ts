import { scoreFloor, type ScoreRecord } from '../decide/asked-floor.ts';
import { isObject, type Bundle } from './bundle.ts';
import { UsageError } from './command.ts';

type Asked = Pick<ScoreRecord, 'floor' | 'reason'>;

/** What Score asked for, and what it asks for by the same now. */
interface ReplayedScore {
  readonly component: string;
  /** RFC 3339; of the decision. */
  readonly time: string;
  readonly was: Asked;
  readonly is: Asked;
}

/** The decisions of Score in a bundle once more, by what is written down of each. Lookahead goes by hours of rows, which are not in it. */
export function replayedScores({ decisions }: Bundle): readonly ReplayedScore[] {
  const told = isObject(decisions) ? [decisions['decisions'], decisions['newestDecisions']] : [];
  const all = told.flatMap((list) => (Array.isArray(list) ? (list as readonly unknown[]) : [])).filter(isObject);
  const made = new Map(all.map((one) => [`${String(one['component'])} ${String(one['time'])}`, one])); // the newest may be the last that changed something too
  return [...made.values()].flatMap(({ component, time, score }) => {
    if (!isObject(score)) return [];
    if (!isObject(score['input']) || !isObject(score['input']['rules']))
      throw new UsageError(
        `saw a decision of Score for ${String(component)} at ${String(time)} without what it was made from; wanted decisions as genops report of this version writes them`,
      );
    const { input, ...was } = score as unknown as ScoreRecord;
    const { input: _, ...is } = scoreFloor({ ...input, observedAt: () => undefined }).asked.madeFrom;
    return [{ component: String(component), time: String(time), was, is }];
  });
}

export const isSame = ({ was, is }: ReplayedScore): boolean => was.floor === is.floor && was.reason === is.reason;

export const scoreText = (one: ReplayedScore): string => {
  const { component, time, was, is } = one;
  const before = isSame(one) ? '' : `; it was ${was.floor} (${was.reason})`;
  return `scaler/${component}: at ${time} Score asks for ${is.floor} (${is.reason})${before}\n`;
};
