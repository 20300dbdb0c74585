import type { PostgresConnection } from '../connect.ts';
import type { ServerFacts } from '../observe.ts';
import { refusalIn } from './answers.ts';
import { preparable } from './preparable.ts';
import { openSandbox, type Planned } from './sandbox.ts';
import type { WorstStatement } from './worst.ts';

/** A statement, and its plan or why there is none. */
export interface Looked {
  readonly statement: WorstStatement;
  readonly result: Planned;
}

/** Who has statements planned, and whose code is left alone. */
export interface Planner extends Pick<ServerFacts, 'role' | 'major'> {
  /** Whether a plan as this role was not answered lately. */
  isLeftOut: (role: string) => boolean;
}

/** Each as the role that has run it, and as no other. @throws {UnansweredPlan} */
export async function planAll(
  postgres: PostgresConnection,
  worst: readonly WorstStatement[],
  planner: Planner,
): Promise<readonly Looked[]> {
  const looked: Looked[] = [];
  for (const [role, statements] of Map.groupBy(worst, (one) => one.role)) {
    const [first] = statements;
    const refused = first && refusalOf(first, planner);
    if (refused !== undefined) looked.push(...statements.map((statement) => ({ statement, result: { refused } })));
    else if (first !== undefined) looked.push(...(await planAs(postgres, { role, path: first.path, statements })));
  }
  return looked;
}

function refusalOf(
  { isSuperusers, mayBecome, role, quotedRole }: WorstStatement,
  { role: ours, major, isLeftOut }: Planner,
): string | undefined {
  if (isSuperusers) return `they are of ${role}, a superuser, as which nothing is ever done`;
  if (isLeftOut(role)) return `${role} has functions that no time-out ends: it is left out for an hour`;
  if (mayBecome) return undefined;
  return `GRANT ${quotedRole} TO ${ours}${major >= 16 ? ' WITH INHERIT FALSE, SET TRUE' : ''} lets the operator plan them`;
}

async function planAs(
  postgres: PostgresConnection,
  { role, path, statements }: { role: string; path: string; statements: readonly WorstStatement[] },
): Promise<readonly Looked[]> {
  try {
    await using sandbox = await openSandbox(postgres, role, path);
    const looked: Looked[] = [];
    for (const statement of statements)
      looked.push({ statement, result: await sandbox.plan(preparable(statement.text)) });
    return looked;
  } catch (error) {
    const refusal = refusalIn(error);
    if (refusal === undefined) throw error;
    await postgres.query('ROLLBACK');
    return statements.map((statement) => ({ statement, result: { refused: refusal.message } }));
  }
}
