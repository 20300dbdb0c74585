import { milliseconds } from '../../api/duration.ts';
import { problemMessage } from '../../api/problem.ts';
import type { StatementsSeen, StatementTotals } from '../../decide/slow-statements.ts';
import { shownStatement } from '../../decide/statement-text.ts';
import type { PostgresConnection } from './connect.ts';
import type { ServerFacts } from './observe.ts';
import { serverProblem, sqlState } from './server-error.ts';
import type { PostgresUnit } from './unit.ts';

type Known = Extract<StatementsSeen, { state: 'Known' }>;
type Wanted = PostgresUnit['policy']['slowStatements'];
type Row = Omit<StatementTotals, 'text'> & { [column: string]: unknown };

/** More are not looked at: what takes most time together is among them. */
const most = 100;

/** Which statements have ever been slow. A server that does not tell it is tuned all the same. */
export async function readStatements(
  postgres: PostgresConnection,
  { statementsSchema, seesStatements, role }: Pick<ServerFacts, 'statementsSchema' | 'seesStatements' | 'role'>,
  { threshold, top }: Wanted,
): Promise<StatementsSeen> {
  if (!seesStatements) return { state: 'Unknown', why: ungranted(role) };
  const wanted = { state: 'Known', thresholdMs: milliseconds(threshold), top } as const;
  try {
    const counted =
      statementsSchema === null ? undefined : await fromStatements(postgres, statementsSchema, wanted.thresholdMs);
    return { ...wanted, ...(counted ?? (await fromActivity(postgres, wanted.thresholdMs))) };
  } catch (error) {
    if (sqlState(error) === '') throw error;
    return { state: 'Unknown', why: serverProblem(error, postgres.label).message };
  }
}

const ungranted = (role: string): string =>
  problemMessage({
    saw: `no right of ${role} to see the statements of others`,
    wanted: 'those that are slow',
    next: `GRANT pg_read_all_stats TO ${role}`,
  });

const ofDatabase = 'dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())';

/** Figures without texts first: with them the server reads a file that may be large. @param schema Quoted. @returns undefined where the extension is there and its library was not loaded at the start. */
async function fromStatements(
  postgres: PostgresConnection,
  schema: string,
  thresholdMs: number,
): Promise<Pick<Known, 'source' | 'epoch' | 'statements' | 'isCut'> | undefined> {
  try {
    const answer = await postgres.query<Row & { epoch: string }>(
      `SELECT stats_reset::text AS epoch, slow.* FROM ${schema}.pg_stat_statements_info LEFT JOIN (
  SELECT queryid::text AS id, pg_catalog.sum(calls)::float8 AS calls, pg_catalog.sum(total_exec_time)::float8 AS "totalMs",
    pg_catalog.max(max_exec_time)::float8 AS "maxMs", pg_catalog.min(min_exec_time)::float8 AS "minMs"
  FROM ${schema}.pg_stat_statements(false) WHERE ${ofDatabase} AND queryid IS NOT NULL
  GROUP BY queryid HAVING pg_catalog.max(max_exec_time) >= $1 ORDER BY "totalMs" DESC LIMIT ${most}) AS slow ON true`,
      [thresholdMs],
    );
    const rows = answer.filter((row) => typeof row.id === 'string'); // one row without a statement still tells the epoch
    const statements = withTexts(rows, rows.length === 0 ? [] : await textsOf(postgres, schema, rows));
    return { source: 'pg_stat_statements', epoch: answer[0]?.epoch ?? '', statements, isCut: answer.length === most };
  } catch (error) {
    if (sqlState(error) === '55000') return undefined;
    throw error;
  }
}

interface Text {
  readonly id: string;
  readonly query: string;
  /** Only our role has run it. */
  readonly isOurs?: boolean;
}

const textsOf = (postgres: PostgresConnection, schema: string, rows: readonly Row[]): Promise<readonly Text[]> =>
  postgres.query<Text & { [column: string]: unknown }>(
    `SELECT queryid::text AS id, pg_catalog.min(query) AS query,
  pg_catalog.bool_and(userid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)) AS "isOurs" FROM ${schema}.pg_stat_statements(true)
WHERE ${ofDatabase} AND queryid = ANY ($1::bigint[]) GROUP BY queryid`,
    [rows.map(({ id }) => id)],
  );

/** Of what runs now, what has run for so long. */
async function fromActivity(
  postgres: PostgresConnection,
  thresholdMs: number,
): Promise<Pick<Known, 'source' | 'epoch' | 'statements'>> {
  const rows = await postgres.query<Row & Text>(
    `SELECT pg_catalog.concat(pid, ' ', query_start) AS id, query, 1 AS calls, ms AS "totalMs", ms AS "maxMs", ms AS "minMs"
FROM pg_catalog.pg_stat_activity, LATERAL (SELECT (extract(epoch FROM pg_catalog.clock_timestamp() - query_start) * 1000)::float8 AS ms) AS taken
WHERE state = 'active' AND backend_type = 'client backend' AND datname = pg_catalog.current_database() AND ms >= $1
ORDER BY ms DESC LIMIT ${most}`,
    [thresholdMs],
  );
  return { source: 'pg_stat_activity', epoch: '', statements: withTexts(rows, rows) };
}

/** Whatever is no query is left out, and what we ask of the catalogues ourselves; the workload may have our role too. */
function withTexts(rows: readonly Row[], texts: readonly Text[]): readonly StatementTotals[] {
  const others = texts.filter(({ query, isOurs = false }) => !isOurs || !query.includes('pg_catalog.'));
  const shown = new Map(others.map(({ id, query }) => [id, shownStatement(query)]));
  return rows.flatMap(({ id, calls, totalMs, maxMs, minMs }) => {
    const text = shown.get(id);
    return text === undefined ? [] : [{ id, text, calls, totalMs, maxMs, minMs }];
  });
}
