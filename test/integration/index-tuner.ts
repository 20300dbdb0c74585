import type { PostgresServer } from '../../hack/servers/postgres.ts';
import type { PolicySpec } from '../../operator/api/performance-policy.ts';
import type { Resolved } from '../../operator/decide/resolve.ts';
import { postgresqlIndexes } from '../../operator/levers/postgresql/indexes/lever.ts';
import type { WantedIndex } from '../../operator/levers/postgresql/indexes/wanted.ts';
import { leverTuner, secretData } from './lever-tuner.ts';

export type Indexes = NonNullable<NonNullable<PolicySpec['postgres']>['indexes']>;

/** Those that a policy has by itself. */
export const off: Indexes = ['workflows_status_created', 'cache_entries_lookup', 'performance_metrics_time'].map(
  (name) => ({ name, mode: 'Off' }),
);

export interface IndexTunerOptions {
  readonly secret: Readonly<Record<string, string>>;
  readonly oldAfterSeconds?: number;
  /** What the lever is to take for declared, past every check of a policy. */
  readonly past?: readonly WantedIndex[];
  /** So long each build has waited for a lock. */
  readonly waitsSeconds?: number;
  /** What others do after a look, before what follows from it is done. */
  readonly betweenLookAndAct?: () => Promise<unknown>;
}

type Visited = Omit<NonNullable<PolicySpec['postgres']>, 'mode'> & { readonly mode?: Resolved['mode'] };

/** Visits of the index lever with the indexes that are given, and no others. */
export function indexTuner({ secret, past, waitsSeconds, betweenLookAndAct, ...options }: IndexTunerOptions) {
  const lever = postgresqlIndexes({ readSecret: () => Promise.resolve(secretData(secret)) }, options);
  const units: typeof lever.units = (resolved) =>
    lever
      .units(resolved)
      .map((unit) => ({ ...unit, policy: { ...unit.policy, indexes: past ?? unit.policy.indexes } }));
  const observe: typeof lever.observe = async (unit, signal) => {
    const observed = await lever.observe(unit, signal);
    await betweenLookAndAct?.();
    return waitsSeconds === undefined
      ? observed
      : { ...observed, builds: observed.builds.map((one) => ({ ...one, waitsSeconds })) };
  };
  const visit = leverTuner({ ...lever, units, observe });
  const servers = [{ name: 'main', secretRef: { name: 'postgres' } }];
  return {
    visit: (indexes: Indexes, { mode = 'Enforce', ...more }: Visited = {}) =>
      visit('plan', {
        mode,
        postgres: servers,
        overrides: { postgres: { ...more, indexes: [...off, ...indexes] } },
      }),
    restore: () => visit('restore', { postgres: servers }),
  };
}

/** The tables of the guide, of an owner that genops may become. */
export async function makeTables(server: PostgresServer, rows = 0): Promise<void> {
  await server.query('CREATE ROLE app');
  await server.query(`GRANT app TO genops${server.version === '15' ? '' : ' WITH INHERIT FALSE, SET TRUE'}`);
  await server.query('GRANT CREATE ON SCHEMA public TO app');
  await server.query(
    `CREATE TABLE workflows (id bigserial PRIMARY KEY, status text, created_at timestamptz, size int)`,
  );
  await server.query('ALTER TABLE workflows OWNER TO app');
  await server.query(
    `INSERT INTO workflows (status, created_at, size) SELECT (ARRAY['running', 'pending', 'done'])[1 + n % 3], now(), n FROM generate_series(1, $1) n`,
    [rows],
  );
}

export const wantedIndex = {
  name: 'workflows_status_created',
  table: 'workflows',
  columns: [{ name: 'status' }, { name: 'created_at' }],
  where: [{ column: 'status', operator: 'In', values: ['running', 'pending'] }],
} satisfies Indexes[number];

/** Of a table: name, validity and the words of the server. */
export const indexesOf = (server: PostgresServer, table = 'workflows') =>
  server.query(
    `SELECT c.relname AS name, i.indisvalid AS valid, pg_get_indexdef(c.oid) AS definition, pg_get_userbyid(c.relowner) AS owner
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::regclass AND NOT i.indisprimary ORDER BY 1`,
    [table],
  );

/** The CREATE INDEX CONCURRENTLY that the role genops has sent, in order. */
export const creations = async (server: PostgresServer): Promise<readonly string[]> =>
  [
    ...(await server.log()).matchAll(
      /^genops LOG: {2}(?:statement|execute <unnamed>): (CREATE (?:UNIQUE )?INDEX CONCURRENTLY .*)$/gm,
    ),
  ].map(([, sql = '']) => sql);
