import { escapeIdentifier } from 'pg';
import type { PostgresConnection } from '../connect.ts';
import { qualified } from '../indexes/statement.ts';
import { refusalIn } from './answers.ts';
import type { Candidate } from './candidates.ts';

/** An index that only the planner of this session knows. */
export interface Hypothetical {
  readonly candidate: Candidate;
  /** What plans call it; undefined: HypoPG does not take it, and says nothing of the others by that. */
  readonly name: string | undefined;
}

/** Where it is, and may be used. */
const ofExtension = `SELECT pg_catalog.quote_ident(n.nspname) AS schema FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'hypopg' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')`;

/** Nothing is built: they are in the memory of the session, and end with it. @returns undefined where HypoPG is not in this database. */
export async function makeHypothetical(
  postgres: PostgresConnection,
  candidates: readonly Candidate[],
): Promise<readonly Hypothetical[] | undefined> {
  const [extension] = await postgres.query<{ schema: string }>(ofExtension);
  if (extension === undefined) return undefined;
  const made: Hypothetical[] = [];
  for (const candidate of candidates)
    made.push({ candidate, name: await nameOf(postgres, candidate, extension.schema) });
  return made;
}

async function nameOf(
  postgres: PostgresConnection,
  { schema, table, columns }: Candidate,
  extension: string,
): Promise<string | undefined> {
  const keys = columns.map(escapeIdentifier).join(', ');
  try {
    const [index] = await postgres.query<{ name: string }>(
      `SELECT indexname AS name FROM ${extension}.hypopg_create_index($1)`,
      [`CREATE INDEX ON ${qualified(schema, table)} (${keys})`],
    );
    return index?.name;
  } catch (error) {
    if (refusalIn(error) === undefined) throw error;
    return undefined;
  }
}
