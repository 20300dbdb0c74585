import { amount } from '../../api/quantity.ts';

/** As status has it: `{ cpu: '700m', memory: '1300Mi' }`. */
export interface Recommendation {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
}

/** Smaller moves are not told: a recommender moves its target by a little each minute, and status changes with states. */
const deadBand = 0.1;

/** What a VPA recommends, rounded up to what people write; undefined: nothing yet. What was told stays while it is about right. */
export function recommendationOf(
  target: Readonly<Record<string, string>> | undefined,
  told: Recommendation | undefined,
): Recommendation | undefined {
  const [cores, bytes] = [amount(target?.['cpu']), amount(target?.['memory'])];
  if (cores === undefined && bytes === undefined) return undefined;
  return {
    ...(cores === undefined ? {} : { cpu: kept(told?.cpu, cores) ?? `${roundUp(cores * 1000, 10)}m` }),
    ...(bytes === undefined ? {} : { memory: kept(told?.memory, bytes) ?? `${roundUp(bytes / 2 ** 20, 50)}Mi` }),
  };
}

function kept(told: string | undefined, next: number): string | undefined {
  const before = amount(told);
  return before !== undefined && Math.abs(before - next) <= deadBand * before ? told : undefined;
}

const roundUp = (figure: number, step: number): number => Math.ceil(figure / step) * step;
