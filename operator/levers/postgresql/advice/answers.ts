import type { QueryResultRow } from 'pg';
import { isProblem } from '../../../api/problem.ts';
import type { PostgresConnection } from '../connect.ts';
import { serverProblem, sqlState } from '../server-error.ts';

/** The same session, whose every failure is a Problem: whatever else is thrown is a bug. */
export const withProblems = (postgres: PostgresConnection): PostgresConnection => ({
  ...postgres,
  query: async <Row extends QueryResultRow>(sql: string, values?: readonly unknown[]) => {
    try {
      return await postgres.query<Row>(sql, values);
    } catch (error) {
      throw serverProblem(error, postgres.label);
    }
  },
});

/** The server's own no; undefined: it has not answered, or it is a bug. */
export function refusalIn(error: unknown): Error | undefined {
  const cause = isProblem(error) ? error.cause : undefined;
  return Error.isError(cause) && sqlState(cause) !== '' ? cause : undefined;
}
