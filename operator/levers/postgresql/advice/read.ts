import { problemMessage } from '../../../api/problem.ts';
import type { PostgresConnection } from '../connect.ts';
import { readIndexes, sizeText } from '../indexes/catalogue.ts';
import type { ServerFacts } from '../observe.ts';
import { candidatesOf, type PlannedStatement, type TableFacts } from './candidates.ts';
import { scansOf } from './plan-tree.ts';
import { planAll, type Looked, type Planner } from './planned.ts';
import { prove, type Advised } from './prove.ts';
import { readWorst } from './worst.ts';

/** Which indexes would help the statements that take most time; or why nobody knows. */
export type AdviceSeen =
  | {
      readonly state: 'Known';
      readonly advised: readonly Advised[];
      /** Statements whose plan nobody knows, by the reason. */
      readonly unplanned: readonly Unplanned[];
    }
  | { readonly state: 'Unknown'; readonly why: string };

export interface Unplanned {
  readonly statements: number;
  readonly why: string;
}

type Facts = Pick<ServerFacts, 'statementsSchema' | 'seesStatements'> & Planner;

/** Plans what takes most time, and changes nothing. @throws {Problem} @throws {UnansweredPlan} */
export async function readAdvice(postgres: PostgresConnection, facts: Facts): Promise<AdviceSeen> {
  const { statementsSchema, seesStatements, role } = facts;
  if (statementsSchema === null || !seesStatements)
    return { state: 'Unknown', why: missingText(statementsSchema === null ? extension : granting(role)) };
  const looked = await planAll(postgres, await readWorst(postgres, statementsSchema, facts), facts);
  const statements = looked.flatMap(({ statement: { id, share }, result }): readonly PlannedStatement[] => {
    const scans = 'plan' in result ? scansOf(result.plan) : [];
    return scans.length === 0 ? [] : [{ id, share, scans }];
  });
  const tables = statements.length === 0 ? [] : await readTables(postgres, statements);
  const indexes = tables.length === 0 ? [] : await readIndexes(postgres, tables, '');
  const candidates = candidatesOf(statements, tables, indexes);
  const advised = candidates.length === 0 ? [] : await prove(postgres, candidates, looked, facts);
  return { state: 'Known', advised, unplanned: unplannedOf(looked) };
}

const extension = 'CREATE EXTENSION pg_stat_statements, with shared_preload_libraries = pg_stat_statements';
const granting = (role: string): string => `GRANT pg_read_all_stats TO ${role}`;
const missingText = (next: string): string =>
  problemMessage({ saw: 'no figures of statements', wanted: 'those that take most time', next });

/** A type, of a domain the one below, has the operator class that a btree takes unasked: its own, or that of a type which it is to the server without a cast. Of arrays and the like only the index itself tells. */
const opclassOfType = `SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod WHERE m.amname = 'btree' AND o.opcdefault
  AND (o.opcintype = b.oid OR (b.typtype = 'e' AND o.opcintype = 'pg_catalog.anyenum'::pg_catalog.regtype)
    OR o.opcintype IN (SELECT k.casttarget FROM pg_catalog.pg_cast k WHERE k.castsource = b.oid AND k.castmethod = 'b' AND k.castcontext = 'i'))`;

const ofTables = `SELECT c.oid::text, n.nspname AS schema, c.relname AS name, c.reltuples::float8 AS rows, ${sizeText} AS "sizeBytes",
  (SELECT coalesce(pg_catalog.jsonb_object_agg(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)), '{}')
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid JOIN pg_catalog.pg_type b ON b.oid = coalesce(nullif(y.typbasetype, 0), y.oid)
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND EXISTS (${opclassOfType})) AS columns
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND (n.nspname, c.relname) IN (SELECT * FROM unnest($1::name[], $2::name[]))`;

/** Those that are read from end to end; a partition is its parent's matter. */
const readTables = (
  postgres: PostgresConnection,
  statements: readonly PlannedStatement[],
): Promise<readonly TableFacts[]> => {
  const scans = statements.flatMap((one) => one.scans);
  return postgres.query<TableFacts & { [column: string]: unknown }>(ofTables, [
    scans.map(({ schema }) => schema),
    scans.map(({ table }) => table),
  ]);
};

/** The server’s own words may be long. */
const shownCharacters = 200;
const shownReasons = 3;

function unplannedOf(looked: readonly Looked[]): readonly Unplanned[] {
  const whys = looked.flatMap(({ result }) =>
    'refused' in result ? [result.refused.replaceAll(/\s+/g, ' ').slice(0, shownCharacters)] : [],
  );
  return [...Map.groupBy(whys, (why) => why)]
    .map(([why, all]) => ({ statements: all.length, why }))
    .toSorted((a, b) => b.statements - a.statements)
    .slice(0, shownReasons);
}
