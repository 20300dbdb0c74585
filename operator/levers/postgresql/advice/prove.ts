import type { PostgresConnection } from '../connect.ts';
import type { Candidate } from './candidates.ts';
import { makeHypothetical } from './hypothetical.ts';
import { indexesIn } from './plan-tree.ts';
import { planAll, type Looked, type Planner } from './planned.ts';

export interface Advised extends Candidate {
  /** What the planner reckons for the first of the statements without the index and with it; absent: not proven. */
  readonly cost?: { readonly before: number; readonly after: number };
}

/** With HypoPG the planner itself tells whether it would take an index, and for how much less. */
export async function prove(
  postgres: PostgresConnection,
  candidates: readonly Candidate[],
  looked: readonly Looked[],
  planner: Planner,
): Promise<readonly Advised[]> {
  const made = await makeHypothetical(postgres, candidates);
  if (made === undefined) return candidates;
  const served = looked.filter(({ statement: { id } }) => candidates.some((one) => one.statements.includes(id)));
  const after = await planAll(
    postgres,
    served.map(({ statement }) => statement),
    planner,
  );
  return made.flatMap(({ candidate, name }) => {
    if (name === undefined) return [candidate];
    const taking = after.filter(
      ({ statement, result }) =>
        candidate.statements.includes(statement.id) && 'plan' in result && indexesIn(result.plan).includes(name),
    );
    const [first] = taking;
    const before = served.find(({ statement }) => statement.id === first?.statement.id);
    const cost = { before: costOf(before), after: costOf(first) };
    const share = taking.reduce((sum, { statement }) => sum + statement.share, 0);
    return first === undefined
      ? []
      : [{ ...candidate, statements: taking.map(({ statement }) => statement.id), share, cost }];
  });
}

const costOf = (looked: Looked | undefined): number =>
  looked !== undefined && 'plan' in looked.result ? looked.result.plan['Total Cost'] : Number.NaN;
