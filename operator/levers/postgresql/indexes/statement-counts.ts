import { LRUCache } from 'lru-cache';
import { isProblem } from '../../../api/problem.ts';
import type { PostgresAddress } from '../address.ts';
import { connectPostgres } from '../connect.ts';
import type { ServerFacts } from '../observe.ts';
import { serverProblem } from '../server-error.ts';
import type { BuildSession, Index, Table } from './catalogue.ts';
import { serves } from './form.ts';
import type { Count, Gain, StatementCounts } from './gain.ts';
import type { WantedForm } from './observe.ts';

export interface CountsSeen {
  /** What statements take, by the oid of the table that they name; empty where no index is missing. */
  readonly named: Readonly<Record<string, StatementCounts>>;
  /** What those take by which a gain is measured. */
  readonly measured: StatementCounts;
}

interface Seen {
  readonly tables: readonly Table[];
  readonly indexes: readonly Index[];
  readonly forms: Readonly<Record<string, WantedForm>>;
  readonly builds: readonly BuildSession[];
  /** What is remembered of the indexes that we have built. */
  readonly gains: readonly Gain[];
}

/** Counts for the gain of an index, while one is missing and from its build until its gain is known: every five minutes, and right after the build. */
export interface StatementCounting {
  /** Never fails. @returns undefined where nobody asks, or the server does not tell. */
  of(address: PostgresAddress, facts: ServerFacts, seen: Seen, signal: AbortSignal): Promise<CountsSeen | undefined>;
}

const everyMs = 300_000;
const remembered = 1000;

export function createStatementCounting(pauseMs = everyMs, now: () => number = Date.now): StatementCounting {
  const known = new LRUCache<string, Kept>({ max: remembered });
  return {
    async of(address, { statementsSchema, seesStatements }, seen, signal) {
      if (statementsSchema === null || !seesStatements || seen.builds.length > 0 || !isAsked(seen)) return undefined;
      const key = JSON.stringify([address.label, address.database, seen.tables.map(({ oid }) => oid)]);
      const asked = JSON.stringify([missingOf(seen), counted(seen)]);
      const kept = known.get(key);
      if (kept?.asked === asked && now() < kept.at + pauseMs) return kept.counts;
      const counts = await countsIn(address, statementsSchema, seen, signal);
      known.set(key, { at: now(), asked, counts });
      return counts;
    },
  };
}

interface Kept {
  readonly at: number;
  /** Which indexes were missing, and which statements are counted: what was counted before a build says nothing after it. */
  readonly asked: string;
  readonly counts: CountsSeen | undefined;
}

/** Before a build, and from then on until the gain is known. */
const isAsked = (seen: Seen): boolean => missingOf(seen).length > 0 || counted(seen).length > 0;

/** Names of the declared indexes that are not there, or not valid. */
export const missingOf = ({ forms, indexes }: Pick<Seen, 'forms' | 'indexes'>): readonly string[] =>
  Object.entries(forms).flatMap(([name, wanted]) =>
    wanted.kind === 'form' && !indexes.some((one) => one.isValid && serves(one, wanted.form)) ? [name] : [],
  );

/** The queryids of those whose gain is not known yet. */
const counted = ({ gains }: Seen): readonly string[] => [
  ...new Set(gains.flatMap((gain) => (gain.state === 'Known' ? [] : Object.keys(gain.meansMs)))),
];

/** On a connection of its own: many long texts may take longer than an answer may, which harms no other look. */
async function countsIn(
  address: PostgresAddress,
  schema: string,
  seen: Seen,
  signal: AbortSignal,
): Promise<CountsSeen | undefined> {
  try {
    await using postgres = await connectPostgres(address, signal);
    const ids = counted(seen);
    const measured = countsOf(ids.length === 0 ? [] : await postgres.query<Row>(ofIds(schema), [ids]));
    const tables = missingOf(seen).length > 0 ? seen.tables : [];
    const rows = tables.length === 0 ? [] : await postgres.query<Row>(ofNames(schema), [tables.map(patternOf)]);
    const named = tables.map(({ oid }, at) => [oid, countsOf(rows.filter(({ names }) => names?.[at] === true))]);
    return { named: Object.fromEntries(named), measured };
  } catch (error) {
    signal.throwIfAborted();
    if (isProblem(serverProblem(error, address.label))) return undefined;
    throw error;
  }
}

/** For a table of any name, as a word of a statement. */
const patternOf = ({ name }: Table): string => `\\y${name.replaceAll(/[^\w\u0080-\uffff]/g, String.raw`\$&`)}\\y`;

interface Row extends Count {
  readonly [column: string]: unknown;
  /** Also where nothing is counted. */
  readonly epoch: string | null;
  readonly id: string | null;
  /** For each table whether the text names it. */
  readonly names?: readonly boolean[] | null;
}

const countsOf = (rows: readonly Row[]): StatementCounts => ({
  epoch: rows[0]?.epoch ?? '',
  counts: Object.fromEntries(
    rows.flatMap(({ id, calls, totalMs }) => (id === null ? [] : [[id, { calls, totalMs }] as const])),
  ),
});

/** Of so many, those that take most time, the texts are read and searched. */
const most = 100;

const asking = (schema: string): string => `WITH counted AS (
  SELECT s.queryid, pg_catalog.sum(s.calls)::float8 AS calls, pg_catalog.sum(s.total_exec_time)::float8 AS "totalMs"
  FROM ${schema}.pg_stat_statements(false) s
  WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    AND s.queryid IS NOT NULL AND s.userid <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)
  GROUP BY s.queryid
)`;

/** Those whose gain is to be known: their figures alone. */
const ofIds = (schema: string): string => `${asking(schema)}
SELECT i.stats_reset::text AS epoch, c.queryid::text AS id, c.calls, c."totalMs"
FROM ${schema}.pg_stat_statements_info i LEFT JOIN counted c ON c.queryid::text = ANY ($1)`;

/** What takes most time, and whether it names each of the tables. */
const ofNames = (
  schema: string,
): string => `${asking(schema)}, top AS MATERIALIZED (SELECT * FROM counted ORDER BY "totalMs" DESC LIMIT ${most}),
texts AS MATERIALIZED (
  SELECT t.queryid, pg_catalog.min(s.query) AS query FROM ${schema}.pg_stat_statements(true) s JOIN top t USING (queryid) GROUP BY t.queryid
)
SELECT i.stats_reset::text AS epoch, c.queryid::text AS id, c.calls, c."totalMs",
  ARRAY(SELECT c.query ~* p.pattern FROM unnest($1::text[]) WITH ORDINALITY AS p (pattern, place) ORDER BY p.place) AS names
FROM ${schema}.pg_stat_statements_info i LEFT JOIN (top JOIN texts USING (queryid)) AS c
  ON c.query ~* '^[\\s(]*(select|update|delete|with)\\y'`;
