import { escapeIdentifier } from 'pg';
import { isProblem } from '../../../api/problem.ts';
import type { PostgresConnection } from '../connect.ts';
import { refusalIn } from './answers.ts';
import type { PlanNode } from './plan-tree.ts';

/**
 * Plans statements of a role as that role, without executing them.
 *
 * Planning alone runs functions that claim to be immutable, so whoever can have us plan a statement can have us run his code.
 * A function of his own, with his rights, in which nobody may become another role, gives him nothing that he does not have; that the transaction is read-only, that nothing is written.
 */
export interface Sandbox extends AsyncDisposable {
  /** The plan for any values of the parameters; or why the server has none. @throws {UnansweredPlan} */
  plan(sql: string): Promise<Planned>;
}

export type Planned = { readonly plan: PlanNode } | { readonly refused: string };

/** The code of a role that takes a cancel for an error of its own goes on in the server, whether we listen or not. */
export class UnansweredPlan extends Error {
  readonly role: string;
  /** Of the server process. */
  readonly pid: number;

  constructor(role: string, pid: number, cause: Error) {
    super(cause.message, { cause });
    this.role = role;
    this.pid = pid;
  }
}

/** Longer than a plan ever takes; less than the session has for an answer, so that it is the server who gives up. */
const planWithinMs = 1000;
/** Whoever waits for a lock on the table would wait for us too. */
const lockWithinMs = 200;

/**
 * EXPLAIN has no parameters before 16, and then only by another way: a prepared statement has them everywhere, and its generic plan is for all values of them.
 * What fails takes back only what it has done itself.
 */
const makingPlanner = `CREATE FUNCTION pg_temp.genops_plan(statement text, path text) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $planner$
DECLARE
  parameters int;
  plan jsonb;
BEGIN
  PERFORM pg_catalog.set_config('search_path', path, true);
  EXECUTE pg_catalog.format('PREPARE genops_planned AS %s', statement);
  SELECT pg_catalog.cardinality(p.parameter_types) INTO parameters FROM pg_catalog.pg_prepared_statements p WHERE p.name = 'genops_planned';
  EXECUTE pg_catalog.format('EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE genops_planned%s',
    CASE WHEN parameters > 0 THEN pg_catalog.format('(%s)', pg_catalog.rtrim(pg_catalog.repeat('NULL,', parameters), ',')) END) INTO plan;
  EXECUTE 'DEALLOCATE ALL';
  RETURN plan;
EXCEPTION WHEN OTHERS OR query_canceled THEN
  EXECUTE 'DEALLOCATE ALL';
  RETURN pg_catalog.jsonb_build_object('refused', SQLERRM);
END $planner$`;

/** Everybody may execute a function, unless a role has that revoked of all that it will ever make. */
const grantingPlanner = 'GRANT EXECUTE ON FUNCTION pg_temp.genops_plan(text, text) TO SESSION_USER';

const beginningToPlan = `SELECT pg_catalog.set_config('statement_timeout', '${planWithinMs}', true), pg_catalog.pg_backend_pid() AS pid`;

/** @param role One that ours may become. @param path Its search_path. @throws what the server refuses it with. */
export async function openSandbox(postgres: PostgresConnection, role: string, path: string): Promise<Sandbox> {
  await postgres.query('BEGIN READ WRITE');
  await postgres.query(`SET LOCAL ROLE ${escapeIdentifier(role)}`);
  await postgres.query(makingPlanner);
  await postgres.query(grantingPlanner);
  await postgres.query('SET LOCAL ROLE NONE');
  await postgres.query('SET TRANSACTION READ ONLY');
  await postgres.query(`SET LOCAL lock_timeout = ${lockWithinMs}`);
  const [session] = await postgres.query<{ pid: number }>(beginningToPlan);
  let isAnswering = true;
  return {
    plan: async (sql) => {
      try {
        return await planOf(postgres, sql, path);
      } catch (error) {
        if (!isProblem(error) || refusalIn(error) !== undefined) throw error;
        isAnswering = false;
        throw new UnansweredPlan(role, session?.pid ?? 0, error);
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (isAnswering) await postgres.query('ROLLBACK').catch(() => undefined); // a session that is lost has nothing to take back
    },
  };
}

interface Answer {
  readonly [column: string]: unknown;
  readonly answer: readonly { readonly Plan: PlanNode }[] | { readonly refused: string };
}

async function planOf(postgres: PostgresConnection, sql: string, path: string): Promise<Planned> {
  const [row] = await postgres.query<Answer>('SELECT pg_temp.genops_plan($1, $2) AS answer', [sql, path]);
  const answer = row?.answer ?? { refused: 'no answer' };
  if ('refused' in answer) return answer;
  const [first] = answer;
  return first === undefined ? { refused: 'no plan' } : { plan: first.Plan };
}
