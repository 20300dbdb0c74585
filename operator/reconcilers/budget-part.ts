import type { Reason } from '../api/reasons.ts';
import type { Bounds } from './budget-bounds.ts';

/** A reason of BudgetsConsistent, and its message. */
export interface BudgetWord {
  readonly reason: Reason<'BudgetsConsistent'>;
  readonly message: string;
}

/** What one kind of budget says of a service. */
export interface BudgetPart {
  /** What does not fit, each with its arithmetic. */
  readonly problems: readonly BudgetWord[];
  /** What nobody can tell yet; absent: all is known. */
  readonly unknown?: BudgetWord;
  /** Sentences about what fits; empty where there is nothing to be reckoned. */
  readonly fits: readonly string[];
  /** What it leaves; undefined: nobody knows now, and what was known before holds. */
  readonly bounds: readonly Bounds[] | undefined;
}

export const nothingToSay: BudgetPart = { problems: [], fits: [], bounds: [] };
